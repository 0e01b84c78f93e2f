//! How many refused requests a worker sends to the journal (pure).
//!
//! Whoever is refused can be so as often as he likes, and it costs him less than anything else: the journal is not to be filled with
//! that, or with it alone.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// In each second, of each worker.
const MOST: u32 = 200;

const SECOND: Duration = Duration::from_secs(1);

/// Those of the present second.
#[derive(Debug, Default)]
pub(super) struct Pace {
    began: Cell<Option<Instant>>,
    taken: Cell<u32>,
}

impl Pace {
    /// Whether one more is taken.
    pub(super) fn takes(&self, now: Instant) -> bool {
        if self.began.get().is_none_or(|began| now.saturating_duration_since(began) >= SECOND) {
            self.began.set(Some(now));
            self.taken.set(0);
        }
        let takes = self.taken.get() < MOST;
        self.taken.set(self.taken.get() + u32::from(takes));
        takes
    }
}

#[cfg(test)]
mod tests;
