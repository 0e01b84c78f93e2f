//! What the log says of messages that dnstap drops: a line a minute while it does.

use std::time::Duration;

/// Between two lines, and how long after the last drop it is said that messages are dropped.
const INTERVAL: Duration = Duration::from_secs(60);

/// What has been seen.
#[derive(Default)]
pub struct DnstapLog {
    dropped: u64,
    /// When that was another number last, since the process began.
    changed: Option<Duration>,
    /// When the last line was written, and how many had been dropped then.
    written: Option<(Duration, u64)>,
}

impl DnstapLog {
    /// Looks at how many messages were dropped by `running` (since the process began), and logs what is new in it.
    pub fn look(&mut self, dropped: u64, running: Duration) {
        if dropped != self.dropped {
            (self.dropped, self.changed) = (dropped, Some(running));
        }
        let (at, before) = self.written.unwrap_or_default();
        let is_due = self.written.is_none() || running.saturating_sub(at) >= INTERVAL;
        if dropped > before && is_due {
            self.written = Some((running, dropped));
            tracing::warn!(
                "dnstap: {} messages were dropped: its receiver does not take them as they come",
                dropped - before
            );
        }
    }

    /// Whether messages were dropped in the last minute.
    pub fn is_dropping(&self, running: Duration) -> bool {
        self.changed.is_some_and(|changed| running.saturating_sub(changed) < INTERVAL)
    }
}
