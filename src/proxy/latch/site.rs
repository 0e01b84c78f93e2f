//! What surrounds a latch at one moment: the time, its service's backends, and how they stand (pure).

use super::Latch;
use crate::api::operator::OperatorState;
use crate::config::proxy::LatchConfig;
use crate::daemon::eligibility::Eligibility;
use crate::health::Verdict;

pub use crate::daemon::clock::Now;

/// A backend, as the latch sees it.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// Its name.
    pub name: &'a str,
    /// Primary or backup.
    pub backup: bool,
    /// What checks say.
    pub verdict: Verdict,
    /// The last probe's outcome in words.
    pub reason: &'a str,
    /// What the operator says.
    pub operator: OperatorState,
}

impl Standing<'_> {
    /// What it may get by itself.
    pub(super) fn eligibility(&self) -> Eligibility {
        Eligibility::of(self.verdict, self.operator)
    }

    /// It may become the active backend.
    pub(super) fn usable(&self) -> bool {
        self.eligibility().admits_new()
    }

    /// As the active backend it serves.
    pub(super) fn keeps(&self) -> bool {
        self.eligibility().admits_bound()
    }

    pub(super) fn in_words(&self) -> String {
        match self.operator {
            OperatorState::Ready => format!("{} is {} ({})", self.name, self.verdict, self.reason),
            said => format!("{} is {} ({}), {said} by the operator", self.name, self.verdict, self.reason),
        }
    }
}

/// What surrounds the latch of one service at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// This proxy's name.
    pub own: &'a str,
    /// The service's name.
    pub service: &'a str,
    /// The service's backends in the order of the document.
    pub backends: &'a [Standing<'a>],
    /// How the latch moves.
    pub rules: &'a LatchConfig,
    /// Requests running on the active backend.
    pub running: u64,
}

impl<'a> Site<'a> {
    pub(super) fn find(&self, name: &str) -> Option<&'a Standing<'a>> {
        self.backends.iter().find(|backend| backend.name == name)
    }

    pub(super) fn primary(&self) -> Option<&'a Standing<'a>> {
        self.backends.iter().find(|backend| !backend.backup)
    }

    /// Primaries, then backups, each in order.
    pub(super) fn in_order(&self) -> impl Iterator<Item = &'a Standing<'a>> {
        let backends = self.backends;
        let primaries = backends.iter().filter(|backend| !backend.backup);
        primaries.chain(backends.iter().filter(|backend| backend.backup))
    }

    /// The first usable backend that was never failed away from.
    pub(super) fn fresh(&self, latch: &Latch) -> Option<&'a Standing<'a>> {
        self.in_order().find(|backend| {
            backend.usable() && backend.name != latch.active && !latch.spent.iter().any(|s| s == backend.name)
        })
    }

    /// The usable backend that was failed away from last: its sessions are the youngest.
    pub(super) fn last_resort(&self, latch: &Latch) -> Option<&'a Standing<'a>> {
        latch
            .spent
            .iter()
            .rev()
            .filter(|name| **name != latch.active)
            .find_map(|name| self.find(name).filter(|b| b.usable()))
    }
}
