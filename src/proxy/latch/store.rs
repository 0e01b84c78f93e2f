//! The latches on disk: two checksummed slots in the state directory, written by a thread of their own.
//!
//! Owns the slots. Must never: let a slow disk hold up a failover: a write that takes longer than [`LIMIT`] is reported
//! as not ended yet, and again when it has. Called by `run`.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::latches::{Ended, Found, Record};
use crate::daemon::state_file::{Slots, Stored};

/// How long a write may hold a latch back.
const LIMIT: Duration = Duration::from_secs(1);

/// The version of the stored form.
const VERSION: u64 = 1;

/// The thread that writes. It ends when this is dropped and the last write has ended.
pub struct LatchStore {
    jobs: mpsc::Sender<Job>,
}

type Job = (Value, oneshot::Sender<std::io::Result<()>>);

impl LatchStore {
    /// Reads what is there, and starts the thread.
    pub fn open(state_dir: &Path) -> std::io::Result<(LatchStore, Found)> {
        let mut slots = Slots::new(state_dir, "latches");
        let found = found(slots.read());
        let (jobs, work) = mpsc::channel::<Job>();
        let thread = std::thread::Builder::new().name("latches".into());
        thread.spawn(move || {
            for (value, done) in work {
                // Nobody waits any more when the daemon stops: the write was still worth doing.
                let _ = done.send(slots.write(&value));
            }
        })?;
        Ok((LatchStore { jobs }, found))
    }

    /// Writes a record and reports how it went: once within [`LIMIT`], and a second time if that was `NotYet`.
    pub fn write(&self, record: &Record, report: impl Fn(Ended) + 'static) -> impl Future<Output = ()> + 'static {
        let (done, mut ended) = oneshot::channel();
        let value = json!({
            "version": VERSION,
            "latches": record.latches,
            "undecided": record.undecided,
            "strangers": record.strangers,
        });
        let sent = self.jobs.send((value, done)).is_ok();
        async move {
            if !sent {
                return report(Ended::Badly("the thread that writes latches has ended".into()));
            }
            let end = |end: Result<std::io::Result<()>, oneshot::error::RecvError>| match end {
                Ok(Ok(())) => Ended::Well,
                Ok(Err(error)) => Ended::Badly(error.to_string()),
                Err(_) => Ended::Badly("the thread that writes latches has ended".into()),
            };
            match tokio::time::timeout(LIMIT, &mut ended).await {
                Ok(in_time) => report(end(in_time)),
                Err(_) => {
                    report(Ended::NotYet(format!("the disk has not answered for {LIMIT:?}")));
                    report(end(ended.await));
                }
            }
        }
    }
}

fn found(stored: Stored) -> Found {
    match stored {
        Stored::Missing => Found::Missing,
        Stored::Broken(why) => Found::Broken(why),
        Stored::Whole(value) if value["version"] != VERSION => Found::Broken(format!(
            "the stored latches are of version {}, this program reads {VERSION}",
            value["version"]
        )),
        Stored::Whole(value) => match serde_json::from_value(value) {
            Ok(record) => Found::Whole(record),
            Err(error) => Found::Broken(format!("the stored latches cannot be read: {error}")),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::proxy::latch::Latch;

    fn record(epoch: u64) -> Record {
        let latch = Latch { epoch, ..Latch::first("web2") };
        let strangers = [("shop".to_string(), Some("web1".to_string()))].into();
        Record { latches: [("shop".to_string(), latch)].into(), undecided: ["lost".to_string()].into(), strangers }
    }

    async fn write(store: &LatchStore, record: &Record) -> Ended {
        let (out, mut ended) = tokio::sync::mpsc::unbounded_channel();
        store.write(record, move |how| out.send(how).unwrap()).await;
        ended.recv().await.unwrap()
    }

    #[tokio::test]
    async fn what_was_written_last_is_found_again_even_if_one_slot_is_torn() {
        let dir = tempfile::tempdir().unwrap();
        let (store, found) = LatchStore::open(dir.path()).unwrap();
        assert_eq!(found, Found::Missing);
        for epoch in 0..3 {
            assert_eq!(write(&store, &record(epoch)).await, Ended::Well);
        }
        assert_eq!(LatchStore::open(dir.path()).unwrap().1, Found::Whole(record(2)));
        std::fs::write(dir.path().join("latches.a"), "torn").unwrap();
        let Found::Whole(found) = LatchStore::open(dir.path()).unwrap().1 else { unreachable!("one slot is whole") };
        assert!(found == record(2) || found == record(1), "{found:?}");
        std::fs::write(dir.path().join("latches.b"), "torn").unwrap();
        assert!(matches!(LatchStore::open(dir.path()).unwrap().1, Found::Broken(_)));
    }

    #[tokio::test]
    async fn a_directory_that_is_gone_is_reported_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = LatchStore::open(dir.path()).unwrap();
        dir.close().unwrap();
        assert!(matches!(write(&store, &record(1)).await, Ended::Badly(_)));
    }

    #[test]
    fn a_record_of_another_version_is_not_guessed_at() {
        let stored = Stored::Whole(json!({ "version": 2, "latches": {} }));
        assert!(matches!(found(stored), Found::Broken(why) if why.contains("version 2")));
    }
}
