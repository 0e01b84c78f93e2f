#![allow(clippy::unwrap_used)]

use super::*;
use crate::proxy::latch::Latch;

fn record(epoch: u64) -> Record {
    let latch = Latch { epoch, ..Latch::first("web2") };
    let substitutes = [("shop".to_string(), Some("web1".to_string()))].into();
    let (undecided, doubtful) =
        (["lost".to_string(), "new".to_string()].into(), [("new".to_string(), Latch::first("a"))].into());
    Record { latches: [("shop".to_string(), latch)].into(), undecided, doubtful, substitutes }
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
    let (again, StoredLatches::Whole(found)) = LatchStore::open(dir.path()).unwrap() else {
        unreachable!("one slot is whole")
    };
    // The thread has written the torn slot anew before this.
    assert_eq!(write(&again, &record(3)).await, WriteOutcome::Written);
    assert_eq!(found, record(2), "both slots have every record");
    for slot in ["latches.a", "latches.b"] {
        std::fs::write(dir.path().join(slot), "torn").unwrap();
    }
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

#[tokio::test]
async fn both_slots_are_there_from_the_first_record_on_and_a_lost_or_damaged_one_is_written_anew_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("latches.a"), dir.path().join("latches.b"));
    let (store, _) = LatchStore::open(dir.path()).unwrap();
    assert_eq!(write(&store, &record(1)).await, WriteOutcome::Written);
    assert!(a.exists() && b.exists() && store.damage().is_none());
    for (slot, other) in [(&a, &b), (&b, &a)] {
        let whole = std::fs::read(other).unwrap();
        std::fs::write(slot, "torn").unwrap();
        let (again, found) = LatchStore::open(dir.path()).unwrap();
        assert_eq!(found, StoredLatches::Whole(record(1)));
        let damage = again.damage().map(str::to_owned).unwrap_or_default();
        assert!(damage.contains(&slot.display().to_string()), "{damage}");
        // What the thread does first has been done when a write has ended.
        assert_eq!(write(&again, &record(1)).await, WriteOutcome::Written);
        assert!(crate::daemon::state_file::Slots::new(dir.path(), "latches").damage().is_none(), "{slot:?}");
        std::fs::write(other, whole).unwrap();
        std::fs::remove_file(slot).unwrap();
        let (again, _) = LatchStore::open(dir.path()).unwrap();
        assert_eq!(write(&again, &record(1)).await, WriteOutcome::Written);
        assert!(slot.exists(), "a slot that is gone is written anew");
    }
}
