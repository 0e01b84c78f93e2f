//! A host's clock and counters, as known to this pusher. Manifests are signed by them, so that a host with a wrong clock can be pushed
//! to as well.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use crate::push::protocol::Clock;
use crate::unix_time::unix_ms;

/// The clock and the counter of one host.
#[derive(Debug, Default)]
pub(super) struct HostClock {
    known: AtomicBool,
    /// How far it is ahead of ours, in milliseconds.
    ahead: AtomicI64,
    /// The highest counter that the host has accepted or this pusher has used.
    counter: AtomicU64,
}

impl HostClock {
    /// Whether the host has sent its clock.
    pub(super) fn is_known(&self) -> bool {
        self.known.load(Ordering::Acquire)
    }

    /// Sets the clock that the host has sent.
    pub(super) fn set(&self, clock: Clock) {
        self.ahead.store(clock.now.cast_signed().wrapping_sub(unix_ms().cast_signed()), Ordering::Relaxed);
        self.counter.fetch_max(clock.counter, Ordering::Relaxed);
        self.known.store(true, Ordering::Release);
    }

    /// How far it is ahead of ours, in milliseconds; negative if it is behind.
    pub(super) fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }

    /// An unused counter, and the host's time.
    pub(super) fn next(&self) -> (u64, u64) {
        let now = unix_ms().saturating_add_signed(self.ahead.load(Ordering::Relaxed));
        let after = |counter: u64| counter.saturating_add(1).max(now);
        let before = self.counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |counter| Some(after(counter)));
        (before.map_or_else(after, after), now)
    }
}

#[cfg(test)]
mod tests;
