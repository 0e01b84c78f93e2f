#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

fn dir() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn whole(stored: Stored) -> Value {
    match stored {
        Stored::Whole(value) => value,
        other => panic!("expected a whole file, found {other:?}"),
    }
}

fn broken(stored: Stored) -> String {
    match stored {
        Stored::Broken(why) => why,
        other => panic!("expected a broken file, found {other:?}"),
    }
}

#[test]
fn a_state_file_that_was_never_written_is_missing_and_what_is_written_is_read() {
    let dir = dir();
    let file = StateFile::new(dir.path(), "operator");
    assert_eq!(file.read(), Stored::Missing);
    for round in 0..3 {
        file.write(&json!({ "round": round, "text": "two\nlines" })).unwrap();
        assert_eq!(whole(file.read())["round"], round);
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the temporary file is gone");
}

#[test]
fn a_state_file_cut_anywhere_is_broken() {
    let dir = dir();
    let file = StateFile::new(dir.path(), "operator");
    file.write(&json!({ "www/web1": "drain" })).unwrap();
    let bytes = fs::read(&file.path).unwrap();
    for length in 0..bytes.len() - 1 {
        fs::write(&file.path, &bytes[..length]).unwrap();
        let why = broken(file.read());
        assert!(why.contains("operator.json"), "{why}");
    }
}

#[test]
fn a_state_file_with_any_byte_changed_or_two_swapped_is_broken() {
    let dir = dir();
    let file = StateFile::new(dir.path(), "operator");
    file.write(&json!({ "epoch": 12, "active": "web2" })).unwrap();
    let bytes = fs::read(&file.path).unwrap();
    for at in 0..bytes.len() - 1 {
        let mut changed = bytes.clone();
        changed[at] ^= 0x01;
        fs::write(&file.path, &changed).unwrap();
        broken(file.read());
        let mut swapped = bytes.clone();
        swapped.swap(at, at + 1);
        if swapped[at] != swapped[at + 1] {
            fs::write(&file.path, &swapped).unwrap();
            broken(file.read());
        }
    }
}

#[test]
fn a_directory_in_place_of_a_state_file_is_broken_and_cannot_be_written() {
    let dir = dir();
    let file = StateFile::new(dir.path(), "operator");
    fs::create_dir(&file.path).unwrap();
    broken(file.read());
    let error = file.write(&json!(1)).unwrap_err();
    assert!(error.to_string().contains("operator.json"), "{error}");
    broken(file.read());
}

#[test]
fn a_full_disk_leaves_the_state_file_as_it_was() {
    let dir = dir();
    let file = StateFile::new(dir.path(), "operator");
    file.write(&json!("old")).unwrap();
    symlink("/dev/full", dir.path().join("operator.json.new")).unwrap();
    let error = file.write(&json!("new")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(whole(file.read()), json!("old"));
    file.write(&json!("new")).unwrap();
    assert_eq!(whole(file.read()), json!("new"));
}

#[test]
fn a_missing_directory_is_an_error_that_names_the_file() {
    let dir = dir();
    let gone = dir.path().join("gone");
    let error = StateFile::new(&gone, "operator").write(&json!(1)).unwrap_err();
    assert!(error.to_string().contains("gone/operator.json"), "{error}");
    let error = Slots::new(&gone, "latches").write(&json!(1)).unwrap_err();
    assert!(error.to_string().contains("gone/latches.a"), "{error}");
    assert_eq!(Slots::new(&gone, "latches").read(), Stored::Missing);
}

#[test]
fn a_read_only_directory_fails_the_write_and_keeps_what_was_there() {
    use std::os::unix::fs::PermissionsExt;
    if nix::unistd::geteuid().is_root() {
        return; // Root may write everywhere.
    }
    let dir = dir();
    let file = StateFile::new(dir.path(), "operator");
    let mut slots = Slots::new(dir.path(), "latches");
    file.write(&json!("old")).unwrap();
    slots.write(&json!(1)).unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o500)).unwrap();
    assert_eq!(file.write(&json!("new")).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    assert_eq!(slots.write(&json!(2)).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    assert_eq!((whole(file.read()), whole(slots.read())), (json!("old"), json!(1)));
}

#[test]
fn slots_are_missing_until_the_first_write_and_then_written_in_turn() {
    let dir = dir();
    let mut slots = Slots::new(dir.path(), "latches");
    assert_eq!(slots.read(), Stored::Missing);
    let (a, b) = (dir.path().join("latches.a"), dir.path().join("latches.b"));
    slots.write(&json!(1)).unwrap();
    assert!(a.exists() && !b.exists());
    let first = fs::read(&a).unwrap();
    slots.write(&json!(2)).unwrap();
    assert_eq!(fs::read(&a).unwrap(), first, "the second write leaves the first slot alone");
    slots.write(&json!(3)).unwrap();
    assert_ne!(fs::read(&a).unwrap(), first);
    assert_eq!(whole(slots.read()), json!(3));
    assert_eq!(whole(Slots::new(dir.path(), "latches").read()), json!(3));
}

#[test]
fn slots_written_without_having_been_read_do_not_overwrite_the_newest() {
    let dir = dir();
    for round in 0..6 {
        Slots::new(dir.path(), "latches").write(&json!(round)).unwrap();
        assert_eq!(whole(Slots::new(dir.path(), "latches").read()), json!(round));
        if round > 0 {
            let newest = dir.path().join(["latches.a", "latches.b"][round % 2]);
            let kept = fs::read(&newest).unwrap();
            fs::write(&newest, &kept[..10]).unwrap();
            assert_eq!(whole(Slots::new(dir.path(), "latches").read()), json!(round - 1));
            fs::write(&newest, &kept).unwrap();
        }
    }
}

#[test]
fn a_write_cut_anywhere_leaves_the_other_slot_to_be_read() {
    let dir = dir();
    let mut slots = Slots::new(dir.path(), "latches");
    slots.write(&json!({ "epoch": 1 })).unwrap();
    slots.write(&json!({ "epoch": 2 })).unwrap();
    let a = dir.path().join("latches.a");
    let before = fs::read(&a).unwrap();
    slots.write(&json!({ "epoch": 3, "reason": "x".repeat(100) })).unwrap();
    let after = fs::read(&a).unwrap();
    for cut in 0..200 {
        let torn: Vec<u8> = after[..cut].iter().chain(&before[cut..]).copied().collect();
        fs::write(&a, &torn).unwrap();
        let epoch = whole(Slots::new(dir.path(), "latches").read())["epoch"].clone();
        let complete = torn == after;
        assert!(epoch == 2 || complete && epoch == 3, "cut at {cut}: epoch {epoch}");
    }
}

#[test]
fn a_broken_slot_is_the_one_written_next() {
    let dir = dir();
    let mut slots = Slots::new(dir.path(), "latches");
    slots.write(&json!(1)).unwrap();
    slots.write(&json!(2)).unwrap();
    let b = dir.path().join("latches.b");
    fs::write(&b, "garbage").unwrap();
    let mut again = Slots::new(dir.path(), "latches");
    assert_eq!(whole(again.read()), json!(1));
    let a = fs::read(dir.path().join("latches.a")).unwrap();
    again.write(&json!(3)).unwrap();
    assert_eq!(fs::read(dir.path().join("latches.a")).unwrap(), a);
    assert_eq!(whole(again.read()), json!(3));
}

#[test]
fn a_full_disk_fails_the_write_keeps_the_other_slot_and_the_next_write_tries_the_same_slot() {
    let dir = dir();
    let mut slots = Slots::new(dir.path(), "latches");
    slots.write(&json!(1)).unwrap();
    let (a, b) = (dir.path().join("latches.a"), dir.path().join("latches.b"));
    let kept = fs::read(&a).unwrap();
    symlink("/dev/full", &b).unwrap();
    for _ in 0..3 {
        assert_eq!(slots.write(&json!(2)).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&a).unwrap(), kept);
    }
    assert_eq!(whole(Slots::new(dir.path(), "latches").read()), json!(1));
    fs::remove_file(&b).unwrap();
    slots.write(&json!(2)).unwrap();
    assert_eq!(fs::read(&a).unwrap(), kept);
    assert_eq!(whole(slots.read()), json!(2));
}

#[test]
fn a_failed_write_that_looks_whole_is_written_again_before_the_other_slot_is_touched() {
    let dir = dir();
    let mut slots = Slots::new(dir.path(), "latches");
    slots.write(&json!(1)).unwrap();
    slots.write(&json!(2)).unwrap();
    let (a, b) = (dir.path().join("latches.a"), dir.path().join("latches.b"));
    let kept = fs::read(&b).unwrap();
    fs::remove_file(&a).unwrap();
    symlink("/dev/full", &a).unwrap();
    slots.write(&json!(3)).unwrap_err();
    fs::remove_file(&a).unwrap();
    fs::write(&a, form::render(3, &json!(3)).unwrap()).unwrap();
    slots.write(&json!(4)).unwrap();
    assert_eq!(fs::read(&b).unwrap(), kept);
    assert_eq!(whole(slots.read()), json!(4));
}

#[test]
fn two_processes_writing_the_same_slots_during_a_takeover_leave_the_last_value() {
    let dir = dir();
    let mut old = Slots::new(dir.path(), "latches");
    let mut new = Slots::new(dir.path(), "latches");
    assert_eq!(new.read(), Stored::Missing);
    for value in 0..5 {
        old.write(&json!(value)).unwrap();
    }
    new.write(&json!("new")).unwrap();
    assert_eq!(whole(old.read()), json!("new"));
}

#[test]
fn slots_are_broken_if_any_is_there_and_none_is_whole_and_the_next_write_mends_them() {
    let dir = dir();
    let (a, b) = (dir.path().join("latches.a"), dir.path().join("latches.b"));
    fs::write(&a, "").unwrap();
    assert!(broken(Slots::new(dir.path(), "latches").read()).contains("latches.a: it is empty"));
    fs::create_dir(&b).unwrap();
    let mut slots = Slots::new(dir.path(), "latches");
    let why = broken(slots.read());
    assert!(why.contains("latches.a") && why.contains("latches.b"), "{why}");
    slots.write(&json!(1)).unwrap();
    assert_eq!(whole(slots.read()), json!(1));
}

#[test]
fn an_existing_slot_is_overwritten_in_place_and_never_grows_for_a_small_value() {
    use std::os::unix::fs::MetadataExt;
    let dir = dir();
    let mut slots = Slots::new(dir.path(), "latches");
    slots.write(&json!("x".repeat(5000))).unwrap();
    slots.write(&json!(2)).unwrap();
    let a = dir.path().join("latches.a");
    let before = fs::metadata(&a).unwrap();
    slots.write(&json!(3)).unwrap();
    let after = fs::metadata(&a).unwrap();
    assert_eq!((before.ino(), before.len()), (after.ino(), after.len()));
    assert_eq!(whole(slots.read()), json!(3), "what is left of the longer value says nothing");
}
