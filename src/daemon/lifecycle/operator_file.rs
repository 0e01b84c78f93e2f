//! When `operator.json` is written, which changes are on disk, and the alarm while it cannot be written (pure).
//!
//! An operator state is in force in memory at once. It is written soon after, one write at a time: all that changed during a
//! write is in the next one. A failed write is repeated until one succeeds, and until then there is an alarm.

use std::io;
use std::time::Duration;

use super::super::clock::Now;
use super::super::operator::proposals::Refused;
use super::persistence::Persistence;

/// Between two tries.
const RETRY: Duration = Duration::from_secs(2);

/// A write that takes longer is an alarm.
const SLOW: Duration = Duration::from_secs(2);

/// One change of the states in memory: their number since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Change(u64);

/// How the file compares with the states in memory.
#[derive(Debug, Default)]
pub struct OperatorFile {
    /// Why its former content is lost, until it is written again.
    lost: Option<String>,
    /// The last change in memory.
    last: Change,
    /// The last change that is on disk.
    on_disk: Change,
    writing: Option<Writing>,
    failure: Option<Failure>,
    /// Writes that failed since the start.
    failures: u64,
}

/// The write under way.
#[derive(Debug, Clone, Copy)]
struct Writing {
    /// The last change in it.
    last: Change,
    since: Duration,
}

/// The last write, if it failed.
#[derive(Debug)]
struct Failure {
    /// The last change in it.
    last: Change,
    why: String,
    /// When the next try is due.
    due: Duration,
}

impl OperatorFile {
    /// The file at the start; `lost` is why it could not be read, for the operator.
    pub fn new(lost: Option<String>) -> OperatorFile {
        OperatorFile { lost, ..OperatorFile::default() }
    }

    /// Notes that the states in memory have changed. The next write is due at once, also after a failed one: whoever made
    /// this change is told how its own write ended.
    pub fn changed(&mut self) -> Change {
        self.last.0 += 1;
        self.try_at_once();
        self.last
    }

    /// Whether a write is due now; if so, it counts as begun.
    pub fn begin_if_due(&mut self, now: Now) -> bool {
        let waits = self.failure.as_ref().is_some_and(|failure| now.running < failure.due);
        let due = self.writing.is_none() && self.on_disk < self.last && !waits;
        if due {
            self.writing = Some(Writing { last: self.last, since: now.running });
        }
        due
    }

    /// Makes a failed write due at once.
    pub fn try_at_once(&mut self) {
        if let Some(failure) = &mut self.failure {
            failure.due = Duration::ZERO;
        }
    }

    /// Takes the result of a write.
    pub fn written(&mut self, ended: io::Result<()>, now: Now) {
        let Some(Writing { last, .. }) = self.writing.take() else { return };
        match ended {
            Ok(()) => (self.on_disk, self.failure, self.lost) = (last, None, None),
            Err(why) => {
                self.failures += 1;
                self.failure = Some(Failure { last, why: why.to_string(), due: now.running + RETRY });
            }
        }
    }

    /// Whether this change is on disk.
    pub fn persistence(&self, change: Change, now: Now) -> Persistence {
        let failed = self.failure.as_ref().filter(|failure| change <= failure.last).map(|failure| failure.why.clone());
        match failed.or_else(|| self.slow(now)) {
            _ if change <= self.on_disk => Persistence::OnDisk,
            Some(why) => Persistence::Failed(format!(
                "it is in force, but not on disk ({why}); the write is tried again every 2 s"
            )),
            None => Persistence::Pending,
        }
    }

    /// The same of a command that was put to the peers first.
    pub fn persistence_once_decided(&self, decided: Option<&Result<Change, Refused>>, now: Now) -> Persistence {
        match decided {
            None => Persistence::Pending,
            Some(Ok(change)) => self.persistence(*change, now),
            Some(Err(Refused(why))) => Persistence::Withdrawn(why.clone()),
        }
    }

    /// Why a write that is under way counts as failed, if it does.
    fn slow(&self, now: Now) -> Option<String> {
        let slow = self.writing.filter(|writing| now.running.saturating_sub(writing.since) >= SLOW);
        slow.map(|_| format!("the disk has not answered for {SLOW:?}"))
    }

    /// Whether the last write failed.
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Writes that failed since the start.
    pub fn failures(&self) -> u64 {
        self.failures
    }

    /// When a failed write is due again.
    pub fn wakes(&self) -> Option<Duration> {
        match self.writing {
            Some(_) => None,
            None => self.failure.as_ref().map(|failure| failure.due),
        }
    }

    /// What the operator should look at.
    pub fn alarms(&self, now: Now) -> Vec<String> {
        let why = self.failure.as_ref().map(|failure| failure.why.clone()).or_else(|| self.slow(now));
        let unwritten = why.map(|why| {
            format!(
                "an operator state is not on disk: it cannot be written ({why}); it is in force in memory, and the write is \
                 tried again every 2 s"
            )
        });
        self.lost.iter().cloned().chain(unwritten).collect()
    }
}

#[cfg(test)]
mod tests;
