//! Which backend serves a request (pure; DESIGN 7 "Choose").
//!
//! Owns the order latch, cookie, balance, backup. Must never: look at a clock, or choose a backend that may not serve
//! this request. Called by the workers for each attempt, by `explain`, and by `build` to know whether a service is
//! usable at all.

pub mod balance;
pub mod cookie;

use crate::daemon::eligibility::Eligibility;
use crate::proxy::snapshot::{Backend, LatchView, Service, ServiceMode};
use balance::has;

/// What is known of the request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ask {
    /// The backend its valid cookie names.
    pub cookie: Option<usize>,
    /// Backends (by index, up to 128) this request has already failed on.
    pub tried: u128,
}

/// What to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Send it to this backend. `set_cookie`: the visitor must be told.
    Use {
        /// An index into the service's backends.
        backend: usize,
        /// The response carries a new cookie.
        set_cookie: bool,
    },
    /// Wait for the next snapshot, bounded by [`Service::longest_wait`].
    Wait,
    /// 503.
    Nobody,
}

/// One worker's memory of how it spread requests over one service (smooth round-robin).
#[derive(Debug, Default, Clone)]
pub struct Spread {
    /// The current weights, one a backend; they begin anew when `weights` change.
    pub current: Vec<i64>,
    /// The weights of the candidates this memory is of; 0 for a backend that is not one.
    pub weights: Vec<u32>,
}

/// Chooses. `random` is a fresh random number (for random-two-choices).
pub fn choose(service: &Service, ask: Ask, spread: &mut Spread, random: u64) -> Choice {
    match &service.mode {
        ServiceMode::Latched { latch, .. } => by_latch(service, *latch, ask),
        ServiceMode::Sticky { .. } => {
            by_cookie(service, ask).unwrap_or_else(|| by_balance(service, ask, spread, random, true))
        }
        ServiceMode::Stateless => by_balance(service, ask, spread, random, false),
    }
}

/// Control moves a latch in the very snapshot that says its backend is down, or holds it: an active backend that may
/// not serve means that nobody else can.
fn by_latch(service: &Service, latch: LatchView, ask: Ask) -> Choice {
    let active = match latch {
        LatchView::Active(active) => active,
        LatchView::Hold => return Choice::Wait,
        LatchView::Nobody => return Choice::Nobody,
    };
    match service.backends.get(active).map_or(Eligibility::None, Backend::eligibility) {
        Eligibility::None => Choice::Nobody,
        Eligibility::Pending => Choice::Wait,
        Eligibility::All | Eligibility::Bound if has(ask.tried, active) => Choice::Wait,
        Eligibility::All | Eligibility::Bound => {
            Choice::Use { backend: active, set_cookie: ask.cookie != Some(active) }
        }
    }
}

fn by_cookie(service: &Service, ask: Ask) -> Option<Choice> {
    let named = ask.cookie.filter(|named| !has(ask.tried, *named))?;
    let admitted = service.backends.get(named)?.eligibility().admits_bound();
    admitted.then_some(Choice::Use { backend: named, set_cookie: false })
}

fn by_balance(service: &Service, ask: Ask, spread: &mut Spread, random: u64, set_cookie: bool) -> Choice {
    let candidate = |backend: &Backend| !backend.backup && backend.is_balanced();
    balance::pick(service.balance, &service.backends, candidate, ask.tried, spread, random)
        .or_else(|| first_backup(service, ask.tried))
        .map_or(Choice::Nobody, |backend| Choice::Use { backend, set_cookie })
}

fn first_backup(service: &Service, tried: u128) -> Option<usize> {
    let mut backends = service.backends.iter().enumerate();
    backends
        .find(|(index, backend)| backend.backup && backend.is_balanced() && !has(tried, *index))
        .map(|(index, _)| index)
}

/// Whether a service has a backend to send a request to, now or when a short hold ends.
pub fn is_usable(service: &Service) -> bool {
    match choose(service, Ask::default(), &mut Spread::default(), 0) {
        Choice::Use { .. } => true,
        Choice::Wait => service.backends.iter().any(|backend| backend.eligibility().admits_bound()),
        Choice::Nobody => false,
    }
}

#[cfg(test)]
mod tests;
