//! Those who connect to a daemon's control thread: how many connections each may have, and what the log says of refused ones.

use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

/// At most one log line in this time about connections that were refused.
const REFUSAL_LOG_INTERVAL: Duration = Duration::from_secs(10);

/// The running tasks by owner, at most `each` for one owner.
pub(super) struct Slots<K> {
    each: usize,
    /// The oldest first.
    taken: Vec<(K, AbortHandle)>,
}

impl<K: PartialEq> Slots<K> {
    /// None is running.
    pub(super) fn new(each: usize) -> Slots<K> {
        Slots { each, taken: Vec::new() }
    }

    /// Starts one more; the oldest of the same owner is ended if there would be too many.
    pub(super) fn take(&mut self, owner: K, start: impl FnOnce() -> AbortHandle) {
        self.taken.retain(|(_, task)| !task.is_finished());
        let own: Vec<usize> = (0..self.taken.len()).filter(|at| self.taken[*at].0 == owner).collect();
        if own.len() >= self.each {
            self.taken.remove(own[0]).1.abort();
        }
        self.taken.push((owner, start()));
    }
}

/// Log lines about refused connections, limited so that strangers cannot fill the log.
#[derive(Default)]
pub(super) struct Refusals {
    logged: Option<Instant>,
    unlogged: u64,
}

impl Refusals {
    /// Says why a connection was refused, or counts it.
    pub(super) fn log(&mut self, why: &str) {
        let now = Instant::now();
        if self.logged.is_some_and(|logged| now < logged + REFUSAL_LOG_INTERVAL) {
            self.unlogged += 1;
            return;
        }
        let more = std::mem::take(&mut self.unlogged);
        tracing::warn!("refused a connection from {why} ({more} more since the last such line)");
        self.logged = Some(now);
    }
}

#[cfg(test)]
mod tests;
