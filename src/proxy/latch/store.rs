//! The latches on disk: two checksummed slots in the state directory, written by a thread of their own.
//!
//! Owns the slots. Both have every record before it is reported as written. Must never: let a slow disk hold up a failover: a write that takes longer than [`LIMIT`] is reported
//! as not ended yet, and again when it has. Called by `run`.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::latches::{Record, StoredLatches, WriteOutcome};
use crate::daemon::state_file::{Slots, Stored};

/// How long a write may hold a latch back.
const LIMIT: Duration = Duration::from_secs(1);

/// The version of the stored form.
const VERSION: u64 = 1;

/// The thread that writes. It ends when this is dropped and the last write has ended.
pub struct LatchStore {
    jobs: mpsc::Sender<Job>,
    damage: Option<String>,
}

type Job = (Value, oneshot::Sender<std::io::Result<()>>);

impl LatchStore {
    /// Reads what is there, and starts the thread.
    pub fn open(state_dir: &Path) -> std::io::Result<(LatchStore, StoredLatches)> {
        let mut slots = Slots::new(state_dir, "latches");
        let (damage, found) = (slots.damage(), found(slots.read()));
        let is_whole = matches!(found, StoredLatches::Whole(_));
        let (jobs, work) = mpsc::channel::<Job>();
        let thread = std::thread::Builder::new().name("latches".into());
        thread.spawn(move || {
            if is_whole {
                mirror(&mut slots);
            }
            for (value, done) in work {
                let written = slots.write(&value).map(|()| mirror(&mut slots));
                // Nobody waits any more when the daemon stops: the write was still worth doing.
                let _ = done.send(written);
            }
        })?;
        Ok((LatchStore { jobs, damage }, found))
    }

    /// Why one of the two slots could not be believed when they were read, if the other one was used: an alarm.
    pub fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    /// Writes a record and reports how it went: once within [`LIMIT`], and a second time if that was `Late`.
    pub fn write(
        &self,
        record: &Record,
        report: impl Fn(WriteOutcome) + 'static,
    ) -> impl Future<Output = ()> + 'static {
        let (done, mut ended) = oneshot::channel();
        let value = json!({
            "version": VERSION,
            "latches": record.latches,
            "undecided": record.undecided,
            "doubtful": record.doubtful,
            "strangers": record.substitutes,
        });
        let sent = self.jobs.send((value, done)).is_ok();
        async move {
            if !sent {
                return report(WriteOutcome::Failed("the thread that writes latches has ended".into()));
            }
            let end = |end: Result<std::io::Result<()>, oneshot::error::RecvError>| match end {
                Ok(Ok(())) => WriteOutcome::Written,
                Ok(Err(error)) => WriteOutcome::Failed(error.to_string()),
                Err(_) => WriteOutcome::Failed("the thread that writes latches has ended".into()),
            };
            match tokio::time::timeout(LIMIT, &mut ended).await {
                Ok(in_time) => report(end(in_time)),
                Err(_) => {
                    report(WriteOutcome::Late(format!("the disk has not answered for {LIMIT:?}")));
                    report(end(ended.await));
                }
            }
        }
    }
}

/// A record counts when one slot has it. The other one is tried again with the next record.
fn mirror(slots: &mut Slots) {
    if let Err(error) = slots.mirror() {
        tracing::warn!("the second slot of the latches cannot be written: {error}");
    }
}

fn found(stored: Stored) -> StoredLatches {
    match stored {
        Stored::Missing => StoredLatches::Missing,
        Stored::Broken(why) => StoredLatches::Broken(why),
        Stored::Whole(value) if value["version"] != VERSION => StoredLatches::Broken(format!(
            "the stored latches are of version {}, this program reads {VERSION}",
            value["version"]
        )),
        Stored::Whole(value) => match serde_json::from_value(value) {
            Ok(record) => StoredLatches::Whole(record),
            Err(error) => StoredLatches::Broken(format!("the stored latches cannot be read: {error}")),
        },
    }
}

#[cfg(test)]
mod tests;
