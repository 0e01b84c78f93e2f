//! What the log says at most once a minute, however often it happens.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// How often.
const EVERY: Duration = Duration::from_secs(60);

/// When something was said last, by one worker.
#[derive(Debug, Default)]
pub struct Seldom {
    said: Cell<Option<Instant>>,
}

impl Seldom {
    /// Whether it may be said again; if so, it counts as said.
    pub fn may_say(&self) -> bool {
        let may = self.said.get().is_none_or(|said| said.elapsed() >= EVERY);
        if may {
            self.said.set(Some(Instant::now()));
        }
        may
    }
}
