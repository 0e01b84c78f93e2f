//! Warnings that are logged at most once a minute, however often their cause occurs.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// The shortest time between two.
const INTERVAL: Duration = Duration::from_secs(60);

/// One kind of warning of one worker.
#[derive(Debug, Default)]
pub struct Throttle {
    last: Cell<Option<Instant>>,
}

impl Throttle {
    /// Whether the warning may be logged now; if so, it counts as logged.
    pub fn permits(&self) -> bool {
        let is_due = self.last.get().is_none_or(|last| last.elapsed() >= INTERVAL);
        if is_due {
            self.last.set(Some(Instant::now()));
        }
        is_due
    }
}
