//! The weight of a backend that has come up: it grows in steps of a tenth (pure), as with HAProxy's `slowstart`.
//!
//! In steps, for a round of the balance begins anew whenever a weight changes. All weights of such a service count tenths, so that
//! the share of a weight of 1 can grow, too.

use std::time::Duration;

use super::snapshot::{Backend, Service};

/// The tenths of a weight that is whole.
const WHOLE: u32 = 10;

impl Service {
    /// The share of a backend among the others of this service, at this time since the process began.
    pub fn weight_of(&self, backend: &Backend, now: Duration) -> u32 {
        match self.slow_start {
            None => backend.weight,
            Some(time) => backend.weight * backend.tenths(time, now),
        }
    }
}

impl Backend {
    /// The tenths of its weight that it has, where it gets all of it in this time.
    pub fn tenths(&self, time: Duration, now: Duration) -> u32 {
        let Some(since) = self.up_since else { return WHOLE };
        let grown = now.saturating_sub(since).as_millis() * u128::from(WHOLE) / time.as_millis().max(1);
        u32::try_from(grown).unwrap_or(WHOLE).clamp(1, WHOLE)
    }
}

#[cfg(test)]
mod tests;
