//! When `operator.json` is written, and the alarm while it cannot be (pure).
//!
//! An operator state is in force in memory at once. It is written soon after, one write at a time; a failed write is
//! repeated until one succeeds, and until then there is an alarm.

use std::io;
use std::time::Duration;

use super::super::clock::Now;

/// Between two tries.
const RETRY: Duration = Duration::from_secs(2);

/// A write that takes longer is an alarm.
const SLOW: Duration = Duration::from_secs(2);

/// How the file compares with the states in memory.
#[derive(Debug, Default)]
pub struct OperatorFile {
    /// Why its former content is lost, until it is written again.
    lost: Option<String>,
    /// The states in memory have changed since the last write began.
    dirty: bool,
    /// When the write under way began.
    writing: Option<Duration>,
    /// Why the last write failed, and when the next try is due.
    failure: Option<(String, Duration)>,
    /// Writes that failed since the start.
    failures: u64,
}

impl OperatorFile {
    /// The file at the start; `lost` is why it could not be read, for the operator.
    pub fn new(lost: Option<String>) -> OperatorFile {
        OperatorFile { lost, ..OperatorFile::default() }
    }

    /// Notes that the states in memory have changed.
    pub fn mark_dirty(&mut self) {
        self.dirty = true;
    }

    /// Whether a write is due now; if so, it counts as begun.
    pub fn begin_if_due(&mut self, now: Now) -> bool {
        let waits = self.failure.as_ref().is_some_and(|(_, due)| now.running < *due);
        let due = self.writing.is_none() && (self.dirty || self.failure.is_some()) && !waits;
        if due {
            (self.writing, self.dirty) = (Some(now.running), false);
        }
        due
    }

    /// Makes a failed write due at once, since the process is about to end.
    pub fn try_at_once(&mut self) {
        if let Some((_, due)) = &mut self.failure {
            *due = Duration::ZERO;
        }
    }

    /// Takes the result of a write.
    pub fn written(&mut self, ended: io::Result<()>, now: Now) {
        self.writing = None;
        self.lost.take_if(|_| ended.is_ok());
        self.failures += u64::from(ended.is_err());
        self.failure = ended.err().map(|why| (why.to_string(), now.running + RETRY));
    }

    /// Whether every operator state is on disk, or an alarm says that one is not.
    pub fn is_settled(&self, now: Now) -> bool {
        let is_slow = self.writing.is_some_and(|since| now.running.saturating_sub(since) >= SLOW);
        self.failure.is_some() || is_slow || (!self.dirty && self.writing.is_none())
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
            None => self.failure.as_ref().map(|(_, due)| *due),
        }
    }

    /// What the operator should look at.
    pub fn alarms(&self, now: Now) -> Vec<String> {
        let slow = self.writing.filter(|since| now.running.saturating_sub(*since) >= SLOW);
        let slow = slow.map(|_| format!("the disk has not answered for {SLOW:?}"));
        let why = self.failure.as_ref().map(|(why, _)| why.clone()).or(slow);
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
