#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

/// As a takeover passes it on.
fn handed(lock: &StateLock) -> Vec<File> {
    lock.copy().unwrap().into_iter().map(File::from).collect()
}

#[test]
fn a_state_directory_has_one_daemon_and_the_loser_is_told_who_has_it_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let first = StateLock::hold(folder.path(), Vec::new()).unwrap();
    let refused = StateLock::hold(folder.path(), Vec::new()).unwrap_err().to_string();
    assert!(refused.contains(&folder.path().display().to_string()) && refused.contains("--takeover"), "{refused}");
    drop(first);
    assert!(StateLock::is_free(folder.path()));
    StateLock::hold(folder.path(), Vec::new()).unwrap();
}

#[test]
fn a_lock_that_is_handed_over_is_never_free_and_stays_with_whoever_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let old = StateLock::hold(folder.path(), Vec::new()).unwrap();
    let new = StateLock::hold(folder.path(), handed(&old)).unwrap();
    drop(old);
    StateLock::hold(folder.path(), Vec::new()).unwrap_err();
    // A takeover that does not come about: the copy goes, the lock stays.
    drop(StateLock::hold(folder.path(), handed(&new)).unwrap());
    StateLock::hold(folder.path(), Vec::new()).unwrap_err();
}

#[test]
fn the_lock_of_another_directory_is_no_lock_of_this_one() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let old = StateLock::hold(one.path(), Vec::new()).unwrap();
    let _other = StateLock::hold(two.path(), Vec::new()).unwrap();
    StateLock::hold(two.path(), handed(&old)).unwrap_err();
}

#[test]
fn a_directory_that_is_not_there_is_not_locked() {
    let folder = tempfile::tempdir().unwrap();
    let lock = StateLock::hold(&folder.path().join("gone"), Vec::new()).unwrap();
    assert!(lock.copy().unwrap().is_none());
}
