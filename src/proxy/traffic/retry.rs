//! What a request has been through on backends, and whether it may go on (pure).

use std::rc::Rc;

use super::outcome::Failure;
use super::queueing::Queued;
use super::view::View;
use super::waiting::Wait;
use crate::config::proxy::Redispatch;
use crate::proxy::snapshot::{Service, ServiceMode};

/// What a request has been through, and what its next attempt has to know of that.
#[derive(Default)]
pub struct RetryState {
    /// The snapshot `tried` is about.
    view: Option<Rc<View>>,
    /// Backends that failed.
    pub tried: u128,
    /// Attempts since the last wait.
    attempts: u32,
    /// Why the last one failed.
    pub failure: Option<Failure>,
    /// Of one that was left out, what is known is too old.
    pub outdated: bool,
    /// An idle connection was closed under us: open a new one.
    pub afresh: bool,
    /// What it has of backends that take so many at once.
    pub queued: Queued,
    /// Since it first waited.
    pub wait: Option<Wait>,
}

impl RetryState {
    /// Forgets what was tried when the snapshot is another one: its backends may be others, or well again.
    pub fn adopt(&mut self, view: &Rc<View>) {
        if !self.view.as_ref().is_some_and(|last| Rc::ptr_eq(last, view)) {
            (self.tried, self.outdated) = (0, false);
            self.view = Some(Rc::clone(view));
        }
    }

    /// Counts an attempt; the last failure stands when there have been `most`.
    pub fn begin_attempt(&mut self, most: u32) -> Result<(), Failure> {
        if let Some(failure) = self.failure.filter(|_| self.attempts >= most) {
            return Err(failure);
        }
        self.attempts += 1;
        Ok(())
    }

    /// All backends have been tried, and connections to the last one failed: they may be tried once more.
    pub fn may_begin_again(&self, most: u32) -> bool {
        self.tried != 0 && self.attempts < most && self.failure.is_some_and(Failure::is_of_connecting)
    }

    /// A request that is bound to the backend it has just failed on may be tried there again.
    pub fn may_stay(&self, service: &Service, most: u32) -> bool {
        let left = most.saturating_sub(self.attempts);
        let stays = match service.connections.redispatch {
            // With a latch it waits for the verdict.
            _ if matches!(service.mode, ServiceMode::Latched { .. }) => false,
            Redispatch::Never => left > 0,
            Redispatch::Last => left > 1,
            Redispatch::First => false,
        };
        stays && self.failure.is_some_and(Failure::is_of_connecting)
    }

    /// A backend is not tried again with this snapshot.
    pub fn exclude(&mut self, backend: usize) {
        self.tried |= u32::try_from(backend).ok().and_then(|backend| 1_u128.checked_shl(backend)).unwrap_or(0);
    }

    /// After a wait every backend may be tried again.
    pub fn begin_anew(&mut self) {
        (self.tried, self.attempts, self.outdated, self.afresh) = (0, 0, false, false);
        self.queued.give_back();
    }
}
