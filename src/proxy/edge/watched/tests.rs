//! A file that changes under us.
#![allow(clippy::unwrap_used)]

use std::fs;

use super::*;
use crate::proxy::edge::basic_auth::users::Users;

const SECRET: &str = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

#[test]
fn a_file_that_has_become_unusable_changes_nothing_until_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    let file = WatchedFile::<Users>::open(&path, "basic_auth.users_file");
    assert!(file.content().is_none());
    assert!(file.alarm().unwrap().contains("nobody is let in by it"));
    assert!(file.refresh().is_none(), "nothing has changed");

    fs::write(&path, format!("alice:{SECRET}\n")).unwrap();
    assert_eq!(file.refresh(), Some(Ok(())));
    let users = file.content().unwrap();
    assert_eq!((file.alarm(), file.refresh()), (None, None));

    fs::write(&path, "alice:secret\n").unwrap();
    let why = file.refresh().unwrap().unwrap_err().to_string();
    assert!(why.contains("users:1: its hash is neither"), "{why}");
    assert!(file.refresh().is_none(), "it is told once");
    assert!(Arc::ptr_eq(&users, &file.content().unwrap()), "and those before go on");
    assert!(file.alarm().unwrap().contains("the users before go on"));

    fs::write(&path, format!("bob:{SECRET}\n")).unwrap();
    assert_eq!(file.refresh(), Some(Ok(())));
    assert!(!Arc::ptr_eq(&users, &file.content().unwrap()), "with all that was remembered");
    assert_eq!(file.alarm(), None);
}
