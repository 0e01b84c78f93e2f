//! What needs no other program. Real working copies and checkouts: tests/stage.rs.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::push::program::quoted;

#[test]
fn a_folder_of_no_repository_is_staged_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("hosts/empty")).unwrap();
    fs::write(folder.path().join("hosts/a b.nix"), "{ }").unwrap();
    fs::write(folder.path().join("run"), "#!/bin/sh").unwrap();
    fs::set_permissions(folder.path().join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("hosts/nowhere", folder.path().join("link")).unwrap();

    let staged = stage(folder.path()).unwrap();
    let copy = staged.folder();
    assert_eq!(staged.revision.in_words(), "no revision");
    assert_eq!(fs::read_to_string(copy.join("hosts/a b.nix")).unwrap(), "{ }");
    assert!(copy.join("hosts/empty").is_dir());
    assert_eq!(fs::metadata(copy.join("run")).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(fs::read_link(copy.join("link")).unwrap(), PathBuf::from("hosts/nowhere"));

    drop(staged);
    assert!(!copy.exists(), "the copy goes away with what holds it");
}

#[test]
fn a_socket_is_refused_and_a_folder_that_is_not_there_cannot_be_staged() {
    let folder = tempfile::tempdir().unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    match stage(folder.path()).unwrap_err() {
        StageError::Files(unfit) => {
            assert_eq!(unfit, [UnfitFile::new("socket", "is a socket, a pipe or a device: remove it")]);
        }
        StageError::Failed(why) => panic!("{why}"),
    }
    assert!(matches!(stage(&folder.path().join("none")), Err(StageError::Failed(_))));
}

#[test]
fn paths_are_quoted_for_a_shell() {
    for (path, word) in [("hosts/a.nix", "hosts/a.nix"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("", "''")] {
        assert_eq!(quoted(path), word);
    }
}
