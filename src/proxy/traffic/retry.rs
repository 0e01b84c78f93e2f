//! What a request has been through on backends, and whether it may go on (pure).

use std::rc::Rc;

use super::outcome::Failure;
use super::queueing::Queued;
use super::termination::End;
use super::view::View;
use super::waiting::Wait;
use crate::config::proxy::Redispatch;
use crate::proxy::choose::RequestFacts;
use crate::proxy::choose::balance::contains;
use crate::proxy::snapshot::{Backend, Service, ServiceMode};
use crate::running_time::running;

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
    /// Since its last failure it was not sent again, so that the budget is not debited for it.
    is_unpaid: bool,
    /// What it has of backends that take so many at once.
    pub queued: Queued,
    /// Since it first waited.
    pub wait: Option<Wait>,
}

/// Debits the service's budget for a request that is sent once more; false: nothing is left of it.
pub fn debit(service: &Service) -> bool {
    match (&service.retry_budget, service.connections.retry.budget) {
        (Some(budget), Some(percent)) => budget.withdraw(percent, running()),
        _ => true,
    }
}

impl RetryState {
    /// Forgets what was tried when the snapshot is another one: its backends may be others, or well again.
    pub fn adopt(&mut self, view: &Rc<View>) {
        if !self.view.as_ref().is_some_and(|last| Rc::ptr_eq(last, view)) {
            (self.tried, self.outdated) = (0, false);
            self.view = Some(Rc::clone(view));
        }
    }

    /// The last failure, which stands when there have been `most` attempts.
    pub fn last_word(&self, most: u32) -> Option<Failure> {
        self.failure.filter(|_| self.attempts >= most)
    }

    /// Counts an attempt.
    pub fn begin_attempt(&mut self) {
        self.attempts += 1;
    }

    /// An attempt has failed.
    pub fn note_failure(&mut self, failure: Failure) {
        (self.failure, self.afresh, self.is_unpaid) = (Some(failure), false, true);
    }

    /// Debits the service's budget for sending a request again after a failure; that stands, under a code of its own, when nothing is left.
    pub fn pay(&mut self, service: &Service) -> Result<(), Failure> {
        if let Some(budget) = service.retry_budget.as_ref().filter(|_| self.attempts == 0 && self.failure.is_none()) {
            budget.deposit(running());
        }
        match self.failure.filter(|_| std::mem::take(&mut self.is_unpaid)) {
            Some(failure) if !debit(service) => Err(Failure { end: End::BudgetSpent, ..failure }),
            _ => Ok(()),
        }
    }

    /// Whether another backend could get the request after this one has failed on it.
    pub fn may_try_another(&self, service: &Service, facts: RequestFacts, backend: usize, most: u32) -> bool {
        let is_other =
            |(index, other): (usize, &Backend)| index != backend && !contains(self.tried, index) && other.is_balanced();
        let may_leave = !facts.bind(backend) || service.connections.redispatch != Redispatch::Never;
        let has_room = || match (&service.retry_budget, service.connections.retry.budget) {
            (Some(budget), Some(percent)) => budget.has_room(percent, running()),
            _ => true,
        };
        may_leave
            && self.attempts < most
            && !matches!(service.mode, ServiceMode::Latched { .. })
            && service.backends.iter().enumerate().any(is_other)
            && has_room()
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
