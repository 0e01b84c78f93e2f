//! Which requests a service's backends may get: the rule of [`crate::daemon::eligibility`], on a snapshot (pure).

use crate::api::operator::OperatorState;
use crate::daemon::eligibility::Eligibility;
use crate::proxy::snapshot::{Backend, LatchView, Service, ServiceMode, Stays};

impl Backend {
    /// What it may get, the latch of its service left aside.
    pub fn eligibility(&self) -> Eligibility {
        Eligibility::of(self.verdict, self.operator)
    }

    /// Whether it may get no request at all.
    pub fn is_out(&self) -> bool {
        self.eligibility() == Eligibility::None
    }

    /// Whether requests that nothing binds are balanced over it.
    pub fn is_balanced(&self) -> bool {
        self.weight > 0 && self.eligibility().admits_new()
    }
}

impl Service {
    /// Whether the latch has made another backend active than the one with this index (`None`: a backend that the
    /// service no longer has).
    pub fn has_moved_from(&self, backend: Option<usize>) -> bool {
        match (self.stays, &self.mode) {
            (Stays::Nobody, _) => true,
            (Stays::Only(active), _) => active != backend,
            (Stays::ByView, ServiceMode::Latched { latch: LatchView::Active(active), .. }) => Some(*active) != backend,
            (Stays::ByView, _) => false,
        }
    }

    /// An operator has all of its backends in maint.
    pub fn is_in_maintenance(&self) -> bool {
        self.backends.iter().all(|backend| backend.operator == OperatorState::Maint)
    }

    /// Whether requests that run on the backend with this index may stay there.
    pub fn keeps_running_on(&self, backend: usize) -> bool {
        !self.has_moved_from(Some(backend))
            && self.backends.get(backend).is_some_and(|backend| backend.eligibility().keeps_running())
    }
}

#[cfg(test)]
mod tests;
