//! What the log says of response rate limiting: a line a minute while it bites, and none for a single query.

use std::time::Duration;

use crate::dns::counters::{Counters, Limited};
use crate::dns::rate_limit::Class;

/// Between two lines.
const INTERVAL: Duration = Duration::from_secs(60);

/// What has been logged.
#[derive(Default)]
pub struct RateLimitLog {
    /// When the last line was written, since the process began.
    last: Option<Duration>,
    /// What had been counted then.
    counted: [u64; Limited::ALL.len()],
}

impl RateLimitLog {
    /// Looks at what the workers counted by `running` (since the process began), and logs what is new in it.
    pub fn look<'c>(&mut self, counters: impl Iterator<Item = &'c Counters>, running: Duration) {
        if self.last.is_some_and(|last| running.saturating_sub(last) < INTERVAL) {
            return;
        }
        let mut now = [0; Limited::ALL.len()];
        let mut client = None;
        for counters in counters {
            for limited in Limited::ALL {
                let of = |class: &Class| counters.limited[*class as usize][limited as usize].get();
                now[limited as usize] += Class::ALL.iter().map(of).sum::<u64>();
            }
            client = counters.last_limited().or(client);
        }
        let before = std::mem::replace(&mut self.counted, now);
        let new = |limited: Limited| now[limited as usize].saturating_sub(before[limited as usize]);
        let [dropped, slipped, spared] = Limited::ALL.map(new);
        if dropped + slipped + spared == 0 {
            return;
        }
        self.last = Some(running);
        let last = client.map_or_else(String::new, |address| format!(", the last for {address}"));
        tracing::warn!(
            "responses are limited: {dropped} dropped, {slipped} cut{}{last}; forged queries, or a client that should be \
             in rate_limit.exempt",
            if spared > 0 { format!(", {spared} sent all the same (log_only)") } else { String::new() }
        );
    }
}
