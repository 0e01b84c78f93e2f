#![allow(clippy::unwrap_used)]

use super::*;
use crate::proxy::latch::Latch;

fn record(epoch: u64) -> Record {
    let latch = Latch { epoch, ..Latch::first("web2") };
    let substitutes = [("shop".to_string(), Some("web1".to_string()))].into();
    Record { latches: [("shop".to_string(), latch)].into(), undecided: ["lost".to_string()].into(), substitutes }
}

async fn write(store: &LatchStore, record: &Record) -> WriteOutcome {
    let (out, mut ended) = tokio::sync::mpsc::unbounded_channel();
    store.write(record, move |how| out.send(how).unwrap()).await;
    ended.recv().await.unwrap()
}

#[tokio::test]
async fn what_was_written_last_is_found_again_even_if_one_slot_is_torn() {
    let dir = tempfile::tempdir().unwrap();
    let (store, found) = LatchStore::open(dir.path()).unwrap();
    assert_eq!(found, StoredLatches::Missing);
    for epoch in 0..3 {
        assert_eq!(write(&store, &record(epoch)).await, WriteOutcome::Written);
    }
    assert_eq!(LatchStore::open(dir.path()).unwrap().1, StoredLatches::Whole(record(2)));
    std::fs::write(dir.path().join("latches.a"), "torn").unwrap();
    let StoredLatches::Whole(found) = LatchStore::open(dir.path()).unwrap().1 else {
        unreachable!("one slot is whole")
    };
    assert!(found == record(2) || found == record(1), "{found:?}");
    std::fs::write(dir.path().join("latches.b"), "torn").unwrap();
    assert!(matches!(LatchStore::open(dir.path()).unwrap().1, StoredLatches::Broken(_)));
}

#[tokio::test]
async fn a_directory_that_is_gone_is_reported_and_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = LatchStore::open(dir.path()).unwrap();
    dir.close().unwrap();
    assert!(matches!(write(&store, &record(1)).await, WriteOutcome::Failed(_)));
}

#[test]
fn a_record_of_another_version_is_not_guessed_at() {
    let stored = Stored::Whole(json!({ "version": 2, "latches": {} }));
    assert!(matches!(found(stored), StoredLatches::Broken(why) if why.contains("version 2")));
}
