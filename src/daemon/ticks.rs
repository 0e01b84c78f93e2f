//! The watchdog: every worker ticks at least each second, and the service manager's watchdog is fed only if all have.
//!
//! A worker that ends is forgotten when its [`Tick`] is dropped. A tick is one relaxed atomic addition.

#![allow(clippy::disallowed_types, reason = "held only while a worker begins or the watchdog counts, once in seconds")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::notify;

/// The shortest useful time between two feedings: workers tick each second.
const SHORTEST_FEED: Duration = Duration::from_secs(2);

/// All ticking workers. Cheap to clone.
#[derive(Clone, Default, Debug)]
pub struct Ticks {
    workers: Arc<Mutex<Vec<Weak<Worker>>>>,
}

/// One worker's tick; the worker counts as ended when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Tick {
    worker: Arc<Worker>,
}

#[derive(Debug)]
struct Worker {
    name: String,
    count: AtomicU64,
}

/// How often each worker had ticked, by its name.
type Counts = BTreeMap<String, u64>;

impl Ticks {
    /// Registers a worker under a name for the log. Names are told apart by a number if one is taken.
    pub fn worker(&self, name: &str) -> Tick {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.retain(|worker| worker.strong_count() > 0);
        let taken: Vec<Arc<Worker>> = workers.iter().filter_map(Weak::upgrade).collect();
        let is_free = |name: &String| taken.iter().all(|worker| worker.name != *name);
        let numbered = (2..).map(|number| format!("{name} ({number})"));
        let name = std::iter::once(name.to_owned()).chain(numbered).find(is_free).unwrap_or_default();
        let worker = Arc::new(Worker { name, count: AtomicU64::new(0) });
        workers.push(Arc::downgrade(&worker));
        Tick { worker }
    }

    /// Runs for ever on the current runtime. At half of the watchdog's time (WATCHDOG_USEC; never if that is not set for this
    /// process) it pings, or logs which worker has not ticked and leaves the ping out. WatchdogSec= must be 4 s at least.
    pub async fn feed(self) {
        let enabled = sd_notify::watchdog_enabled().filter(|time| !time.is_zero());
        let Some(interval) = enabled.map(|time| time / 2) else { return std::future::pending().await };
        if interval < SHORTEST_FEED {
            tracing::warn!("the watchdog's time (WatchdogSec=) is below 4 s: workers tick only each second");
        }
        self.feed_each(interval, notify::watchdog).await;
    }

    async fn feed_each(self, interval: Duration, mut ping: impl FnMut()) {
        let mut before = self.counts();
        let mut stalled = BTreeSet::new();
        ping();
        loop {
            tokio::time::sleep(interval).await;
            let now = self.counts();
            let silent = silent(&before, &now);
            for name in silent.difference(&stalled) {
                tracing::error!("{name} has not ticked for {interval:?}: the watchdog is not fed until it does");
            }
            for name in stalled.difference(&silent) {
                tracing::warn!("{name} ticks again, or has ended");
            }
            if silent.is_empty() {
                ping();
            }
            (before, stalled) = (now, silent);
        }
    }

    fn counts(&self) -> Counts {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |worker: Arc<Worker>| (worker.name.clone(), worker.count.load(Ordering::Relaxed));
        workers.iter().filter_map(Weak::upgrade).map(count).collect()
    }
}

impl Tick {
    /// Notes that the worker is alive. To be called at least once a second.
    pub fn tick(&self) {
        self.worker.count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Workers that were there at both moments and did not tick between them.
fn silent(before: &Counts, now: &Counts) -> BTreeSet<String> {
    now.iter().filter(|(name, count)| before.get(*name) == Some(count)).map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests;
