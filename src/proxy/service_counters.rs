//! What each worker counts of a service's visitors: how they were answered, why with 503, and how long it took.
//!
//! A slot is written by one worker alone and read by all: no lock, no locked instruction, no memory taken. Kept across snapshots and
//! documents as long as a service of that name is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::daemon::metrics::histogram::Histogram;
use crate::proxy::traffic::termination::End;

/// How a request that is answered 503 can have ended, `Done` and `Local` where its service wants it so: the backend, or an `answer`.
pub const CAUSES: [End; 22] = [
    End::Done,
    End::Local,
    End::NoBackend,
    End::Maintenance,
    End::VerdictTimeout,
    End::QueueFull,
    End::Undecided,
    End::Isolated,
    End::Unagreed,
    End::QueueTimeout,
    End::QueueFullOfBackend,
    End::OutOfResources,
    End::DrainTimeout,
    End::BudgetSpent,
    End::RetriedStatus,
    End::NetworksUnread,
    End::NoHttps,
    End::NoUsers,
    End::PasswordsBusy,
    End::AuthFailed,
    End::FileUnread,
    End::FilesBusy,
];

/// Classes of statuses: none (0), 1xx to 5xx.
pub const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// One worker's counts for one service.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct ServiceCounters {
    responses: [AtomicU64; CLASSES.len()],
    /// By [`CAUSES`]; the last: by any other, such as a backend's 503 that was cut.
    unavailable: [AtomicU64; CAUSES.len() + 1],
    /// Responses 5xx that a backend has sent.
    backends_errors: AtomicU64,
    /// From a request's first byte to its response's last.
    pub requests: Histogram,
    /// Waits of those that waited.
    pub waits: Histogram,
    /// From a request sent to the head of the backend's response.
    pub backends: Histogram,
}

/// A request that is over.
#[derive(Debug, Clone, Copy)]
pub struct Visit {
    /// The response's status; 0: there was none.
    pub status: u16,
    /// How it ended.
    pub end: End,
    /// How long it waited, if it did.
    pub waited: Option<Duration>,
    /// How long a backend took to respond, if one has.
    pub responded: Option<Duration>,
    /// From its first byte to now.
    pub took: Duration,
}

impl ServiceCounters {
    /// None yet, for so many workers.
    pub fn of_workers(workers: usize) -> Arc<[ServiceCounters]> {
        (0..workers).map(|_| ServiceCounters::default()).collect()
    }

    /// Counts a request.
    pub fn count(&self, visit: Visit) {
        let class = usize::from(visit.status / 100).min(CLASSES.len() - 1);
        add(&self.responses[class]);
        if is_backends_error(visit) {
            add(&self.backends_errors);
        }
        if visit.status == 503 {
            let cause = CAUSES.iter().position(|cause| *cause == visit.end);
            add(&self.unavailable[cause.unwrap_or(CAUSES.len())]);
        }
        if let Some(waited) = visit.waited {
            self.waits.observe(waited);
        }
        if let Some(responded) = visit.responded {
            self.backends.observe(responded);
        }
        // A tunnel lasts as long as two people have something to say.
        if visit.status != 101 {
            self.requests.observe(visit.took);
        }
    }

    /// Responses of a class of [`CLASSES`].
    pub fn responses(&self, class: usize) -> u64 {
        self.responses[class].load(Relaxed)
    }

    /// Responses 5xx that a backend has sent: the others are the proxy's own.
    pub fn backends_errors(&self) -> u64 {
        self.backends_errors.load(Relaxed)
    }

    /// How many were answered 503, by cause: how the request ended; none: in any other way.
    pub fn unavailable(&self) -> impl Iterator<Item = (Option<End>, u64)> {
        let causes = CAUSES.into_iter().map(Some).chain([None]);
        causes.zip(self.unavailable.iter().map(|count| count.load(Relaxed)))
    }
}

/// Whether a backend has sent it, whatever became of its body.
fn is_backends_error(visit: Visit) -> bool {
    let has_begun = matches!(
        visit.end,
        End::Done
            | End::ClientInData
            | End::ClientBodyTimeout
            | End::BackendInData
            | End::BackendBodyTimeout
            | End::FailedOverInData
    );
    visit.status / 100 == 5 && visit.responded.is_some() && has_begun
}

/// The cause's name: the two letters of the log, or `other`.
pub fn name_of(cause: Option<End>) -> &'static str {
    cause.map_or("other", End::code)
}

/// One writer: a load and a store.
fn add(count: &AtomicU64) {
    count.store(count.load(Relaxed).wrapping_add(1), Relaxed);
}

#[cfg(test)]
mod tests;
