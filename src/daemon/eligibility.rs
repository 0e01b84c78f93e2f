//! Whether a backend may get a request (pure): the only statement of this rule.
//!
//! By itself a backend is judged by what its checks and what the operator says:
//!
//! | checks \ operator | ready | drain | maint |
//! | --- | --- | --- | --- |
//! | up | [every request](Eligibility::All) | [requests bound to it](Eligibility::Bound) | [none](Eligibility::None) |
//! | unchecked | [none yet](Eligibility::Pending) | [none yet](Eligibility::Pending) | none |
//! | down | none | none | none |
//!
//! A request is *bound* to a backend by its cookie, or by the latch of a service that has one. All other requests are
//! balanced over the primaries, and over the backups in their order when no primary is left; a backend of weight 0 gets
//! none of these. Where there is a latch, its active backend alone gets requests, whatever its weight, and requests that
//! run on another one leave it; a latch that is held or undecided has not moved, so running requests stay.
//!
//! Everything that asks goes through here: the proxy's choice for a request, its readiness, requests and connections that a
//! new snapshot finds on a backend, the latch's next backend and `explain` (all by way of `proxy::eligibility`, which adds
//! weight and latch), and the command `failover`.

use crate::api::operator::OperatorState;
use crate::health::Verdict;

/// Which requests a backend may get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eligibility {
    /// Every request: its checks say up, the operator says ready.
    All,
    /// Only those that a cookie or a latch binds to it.
    Bound,
    /// None before its first check has ended; requests that are bound to it wait.
    Pending,
    /// None, and those that run on it leave it.
    None,
}

impl Eligibility {
    /// The rule's table.
    pub fn of(verdict: Verdict, operator: OperatorState) -> Eligibility {
        match (verdict, operator) {
            (_, OperatorState::Maint) | (Verdict::Down, _) => Eligibility::None,
            (Verdict::Unchecked, _) => Eligibility::Pending,
            (Verdict::Up, OperatorState::Drain) => Eligibility::Bound,
            (Verdict::Up, OperatorState::Ready) => Eligibility::All,
        }
    }

    /// It may get requests that nothing binds to it, and become the active backend of a latch.
    pub fn admits_new(self) -> bool {
        self == Eligibility::All
    }

    /// It may get requests that are bound to it.
    pub fn admits_bound(self) -> bool {
        matches!(self, Eligibility::All | Eligibility::Bound)
    }

    /// Requests that run on it may stay, and connections to it are worth keeping.
    pub fn keeps_running(self) -> bool {
        self != Eligibility::None
    }
}

#[cfg(test)]
mod tests;
