//! Which backend serves a request (pure; DESIGN 7 "Choose").
//!
//! Owns the order latch, cookie, balance, backup. Must never: look at a clock, or choose a backend that may not serve
//! this request. Called by the workers for each attempt, by `explain`, and by `build` to know whether a service is
//! usable at all.

pub mod balance;
pub mod cookie;

use crate::api::operator::OperatorState;
use crate::health::Verdict;
use crate::proxy::snapshot::{LatchView, Service, ServiceMode};
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
    match service.backends.get(active) {
        Some(backend) if backend.operator == OperatorState::Maint || backend.verdict == Verdict::Down => Choice::Nobody,
        Some(backend) if backend.verdict == Verdict::Unchecked || has(ask.tried, active) => Choice::Wait,
        Some(_) => Choice::Use { backend: active, set_cookie: ask.cookie != Some(active) },
        None => Choice::Nobody,
    }
}

fn by_cookie(service: &Service, ask: Ask) -> Option<Choice> {
    let named = ask.cookie.filter(|named| !has(ask.tried, *named))?;
    service.backends.get(named)?.keeps().then_some(Choice::Use { backend: named, set_cookie: false })
}

fn by_balance(service: &Service, ask: Ask, spread: &mut Spread, random: u64, set_cookie: bool) -> Choice {
    let primary = |backend: &crate::proxy::snapshot::Backend| !backend.backup && backend.usable();
    balance::pick(service.balance, &service.backends, primary, ask.tried, spread, random)
        .or_else(|| first_backup(service, ask.tried))
        .map_or(Choice::Nobody, |backend| Choice::Use { backend, set_cookie })
}

/// A backup of weight 0 gets only requests that name it, like any other backend.
fn first_backup(service: &Service, tried: u128) -> Option<usize> {
    let fits = |(index, backend): &(usize, &crate::proxy::snapshot::Backend)| {
        backend.backup && backend.weight > 0 && backend.usable() && !has(tried, *index)
    };
    service.backends.iter().enumerate().find(fits).map(|(index, _)| index)
}

#[cfg(test)]
mod tests;
