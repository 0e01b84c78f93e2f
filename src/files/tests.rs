use std::io::ErrorKind;

use super::*;

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn a_replaced_file_has_the_new_content_and_nothing_is_left_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet.json");
    replace(&path, b"one", Access::Mode(0o660)).unwrap();
    replace(&path, b"two", Access::Mode(0o660)).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(mode_of(&path), 0o660);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn permissions_of_the_file_before_are_kept_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cookies.key");
    replace(&path, b"one", Access::AsBefore(0o600)).unwrap();
    assert_eq!(mode_of(&path), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
    replace(&path, b"two", Access::AsBefore(0o600)).unwrap();
    assert_eq!(mode_of(&path), 0o440);
}

#[test]
fn a_file_that_is_there_is_not_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deploy.key");
    create(&path, b"one", None, 0o640).unwrap();
    let refused = create(&path, b"two", None, 0o640).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).unwrap(), b"one");
}

#[test]
fn a_lock_has_one_holder_and_is_free_when_that_one_drops_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("guard");
    let held = lock(&path, 0o600).unwrap();
    assert!(try_lock(&path, 0o600).unwrap().is_none());
    drop(held);
    assert!(try_lock(&path, 0o600).unwrap().is_some());
}

#[test]
fn an_error_names_the_file() {
    let error = replace(Path::new("/nowhere/at/all"), b"", Access::Mode(0o600)).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/at/all: "), "{error}");
}
