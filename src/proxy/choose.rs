//! Which backend serves a request (pure): the one that the latch names; else the one that a valid cookie names; else the
//! one that knows the visitor by an authenticated connection; else one of the primaries, by balance; else the first backup.
//! One that has as many requests as it takes gets no other: they go to the rest of the primaries, or queue.
//!
//! Must never: look at a clock, or choose a backend that may not get this request ([`crate::proxy::eligibility`]).
//! Called by the workers for each attempt, by `explain`, and by `build` to know whether a service is usable at all.

pub mod balance;
pub mod cookie;

use std::time::Duration;

use crate::daemon::eligibility::Eligibility;
use crate::proxy::snapshot::{Backend, LatchView, Service, ServiceMode};
pub use balance::BalanceState;
use balance::{contains, set_of};

/// What is known of the request.
#[derive(Debug, Clone, Copy, Default)]
pub struct RequestFacts {
    /// The backend its valid cookie names.
    pub cookie: Option<usize>,
    /// The backend that knows the visitor by a connection of its own.
    pub authenticated: Option<usize>,
    /// Backends (by index, up to 128) this request has already failed on.
    pub tried: u128,
    /// The backend (an index) of which it has got a slot, after it has queued.
    pub granted: Option<usize>,
    /// Since the process began, for weights that grow. Zero where none does.
    pub now: Duration,
}

impl RequestFacts {
    /// Whether the request belongs to this backend while that may get it.
    pub fn bind(&self, backend: usize) -> bool {
        [self.cookie, self.authenticated].contains(&Some(backend))
    }
}

/// What to do with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Send it to this backend.
    Use {
        /// An index into the service's backends.
        backend: usize,
        /// The response carries a new cookie.
        set_cookie: bool,
    },
    /// Every backend that may get it has as many requests as it takes: queue for a slot of one of them.
    Queue {
        /// The set of them, by index.
        among: u128,
    },
    /// Wait for the next snapshot, bounded by [`Service::longest_wait`].
    Wait,
    /// No backend may get it: it is answered 503.
    Nobody,
    /// Which backend may get it is not known: it is answered 503.
    Undecided,
    /// This proxy alone cannot reach the backend that may get it: it is answered 503.
    Isolated,
    /// This proxy cannot agree with the others which backend may get it: it is answered 503.
    Unagreed,
}

/// Chooses the backend of a request. `random` is a fresh random number (for random-two-choices).
pub fn choose(service: &Service, facts: RequestFacts, state: &mut BalanceState, random: u64) -> Choice {
    match &service.mode {
        ServiceMode::Latched { latch, .. } => by_latch(service, *latch, facts),
        ServiceMode::Sticky { .. } => {
            let bound = by_bond(service, facts.cookie, facts, false);
            let bound = bound.or_else(|| by_bond(service, facts.authenticated, facts, true));
            bound.unwrap_or_else(|| by_balance(service, facts, state, random, true))
        }
        ServiceMode::Stateless => by_bond(service, facts.authenticated, facts, false)
            .unwrap_or_else(|| by_balance(service, facts, state, random, false)),
    }
}

/// Control moves a latch in the very snapshot that says its backend is down, or holds it: an active backend that may
/// not serve means that nobody else can.
fn by_latch(service: &Service, latch: LatchView, facts: RequestFacts) -> Choice {
    let active = match latch {
        LatchView::Active(active) => active,
        LatchView::Hold | LatchView::Awaiting(_) => return Choice::Wait,
        LatchView::Nobody => return Choice::Nobody,
        LatchView::Undecided => return Choice::Undecided,
        LatchView::Isolated => return Choice::Isolated,
        LatchView::Unagreed => return Choice::Unagreed,
    };
    match service.backends.get(active).map_or(Eligibility::None, Backend::eligibility) {
        Eligibility::None => Choice::Nobody,
        Eligibility::Pending => Choice::Wait,
        Eligibility::All | Eligibility::Bound if contains(facts.tried, active) => Choice::Wait,
        Eligibility::All | Eligibility::Bound if is_full(service, facts, active) => {
            Choice::Queue { among: 1 << active }
        }
        Eligibility::All | Eligibility::Bound => {
            Choice::Use { backend: active, set_cookie: facts.cookie != Some(active) }
        }
    }
}

/// The backend that the request is bound to, by a cookie or by an authenticated connection.
fn by_bond(service: &Service, bond: Option<usize>, facts: RequestFacts, set_cookie: bool) -> Option<Choice> {
    let backend = bond.filter(|bond| !contains(facts.tried, *bond))?;
    let admitted = service.backends.get(backend)?.eligibility().admits_bound();
    let choice = match is_full(service, facts, backend) {
        true => Choice::Queue { among: 1 << backend },
        false => Choice::Use { backend, set_cookie },
    };
    admitted.then_some(choice)
}

/// Whether a backend takes no more, from all but who has a slot already.
fn is_full(service: &Service, facts: RequestFacts, backend: usize) -> bool {
    facts.granted != Some(backend) && service.backends[backend].is_full()
}

fn by_balance(
    service: &Service,
    facts: RequestFacts,
    state: &mut BalanceState,
    random: u64,
    set_cookie: bool,
) -> Choice {
    let use_of = |backend| Choice::Use { backend, set_cookie };
    let is_candidate = |backend: &Backend| !backend.backup && backend.is_balanced();
    let full = match service.queue {
        Some(_) => set_of(&service.backends, |index, _| is_full(service, facts, index)),
        None => 0,
    };
    let is_granted = |index: &usize| !contains(facts.tried, *index) && is_candidate(&service.backends[*index]);
    if let Some(granted) = facts.granted.filter(is_granted) {
        return use_of(granted);
    }
    let weight = |backend: &Backend| if is_candidate(backend) { service.weight_of(backend, facts.now) } else { 0 };
    if let Some(picked) = balance::pick(service.balance, &service.backends, weight, facts.tried | full, state, random) {
        return use_of(picked);
    }
    let among = set_of(&service.backends, |index, backend| is_candidate(backend) && !contains(facts.tried, index));
    match first_backup(service, facts.tried) {
        _ if among != 0 => Choice::Queue { among },
        Some(backup) if contains(full, backup) => Choice::Queue { among: 1 << backup },
        Some(backup) => use_of(backup),
        None => Choice::Nobody,
    }
}

fn first_backup(service: &Service, tried: u128) -> Option<usize> {
    let mut backends = service.backends.iter().enumerate();
    backends
        .find(|(index, backend)| backend.backup && backend.is_balanced() && !contains(tried, *index))
        .map(|(index, _)| index)
}

/// Whether a service has a backend to send a request to, now or when a short hold ends.
pub fn is_usable(service: &Service) -> bool {
    match choose(service, RequestFacts::default(), &mut BalanceState::default(), 0) {
        Choice::Use { .. } | Choice::Queue { .. } => true,
        Choice::Wait => service.backends.iter().any(|backend| backend.eligibility().admits_bound()),
        Choice::Nobody | Choice::Undecided | Choice::Isolated | Choice::Unagreed => false,
    }
}

#[cfg(test)]
mod tests;
