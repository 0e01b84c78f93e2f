//! A host's clock and counters, as far as this pusher knows them: manifests are signed by them, so that a host whose clock is wrong
//! can be pushed to all the same.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use crate::push::protocol::Clock;
use crate::unix_time::unix_ms;

/// One host's.
#[derive(Debug, Default)]
pub(super) struct HostClock {
    known: AtomicBool,
    /// How far it is ahead of ours, in milliseconds.
    ahead: AtomicI64,
    /// The highest counter that it has taken, or that we have used.
    counter: AtomicU64,
}

impl HostClock {
    /// Whether it was ever told.
    pub(super) fn is_known(&self) -> bool {
        self.known.load(Ordering::Acquire)
    }

    /// Takes what the host tells.
    pub(super) fn set(&self, clock: Clock) {
        self.ahead.store(clock.now.cast_signed().wrapping_sub(unix_ms().cast_signed()), Ordering::Relaxed);
        self.counter.fetch_max(clock.counter, Ordering::Relaxed);
        self.known.store(true, Ordering::Release);
    }

    /// How far it is ahead of ours, in milliseconds; negative if it is behind.
    pub(super) fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }

    /// A counter that nobody has used, and the host's time.
    pub(super) fn next(&self) -> (u64, u64) {
        let now = unix_ms().saturating_add_signed(self.ahead.load(Ordering::Relaxed));
        let after = |counter: u64| counter.saturating_add(1).max(now);
        let before = self.counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |counter| Some(after(counter)));
        (before.map_or_else(after, after), now)
    }
}

#[cfg(test)]
mod tests;
