#![allow(clippy::unwrap_used)]
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::push::keys::make;
use crate::push::protocol::Secret;

fn add(key: &Secret) -> KeyChange {
    KeyChange::Add { key: key.clone() }
}

fn name(key: &Secret) -> String {
    fingerprint(&key.0).unwrap()
}

#[test]
fn a_key_is_added_last_then_becomes_the_first_then_the_others_go() {
    let (old, new) = (make().unwrap(), make().unwrap());
    let text = format!("# of the whole fleet\n{}\n", old.0);
    let added = changed(&text, &add(&new)).unwrap();
    assert_eq!(added, format!("# of the whole fleet\n{}\n{}\n", old.0, new.0));
    assert_eq!(changed(&added, &add(&new)).unwrap(), added, "twice is once");
    let early = changed(&added, &KeyChange::Retire { keep: name(&new) }).unwrap_err().to_string();
    assert!(early.contains("not its first"), "{early}");
    let promoted = changed(&added, &KeyChange::Promote { fingerprint: name(&new) }).unwrap();
    assert_eq!(promoted, format!("# of the whole fleet\n{}\n{}\n", new.0, old.0));
    let retired = changed(&promoted, &KeyChange::Retire { keep: name(&new) }).unwrap();
    assert_eq!(retired, format!("# of the whole fleet\n{}\n", new.0));
}

#[test]
fn no_error_tells_a_key() {
    let key = make().unwrap();
    let other = make().unwrap();
    for (text, change) in [
        (format!("{}\n{}x\n", key.0, key.0), add(&other)),
        (format!("{}\n", key.0), KeyChange::Promote { fingerprint: name(&other) }),
        (format!("{}\n", key.0), add(&Secret("bad".to_owned()))),
    ] {
        let error = changed(&text, &change).unwrap_err().to_string();
        assert!(!error.contains(&key.0[..8]) && !error.contains(&other.0[..8]), "{error}");
    }
}

#[test]
fn a_file_is_made_replaced_whole_and_read_by_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let key = make().unwrap();
    assert_eq!(apply(folder.path(), "cookies", &add(&key)).unwrap(), (vec![name(&key)], true));
    assert_eq!(apply(folder.path(), "cookies", &add(&key)).unwrap(), (vec![name(&key)], false));
    let file = folder.path().join("cookies");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, MODE);
    assert_eq!(all(folder.path()).unwrap(), BTreeMap::from([("cookies".to_owned(), vec![name(&key)])]));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_name_does_not_lead_out_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    for bad in ["", "..", "../shadow", "a/b", ".hidden", "/etc/shadow"] {
        assert!(apply(folder.path(), bad, &add(&make().unwrap())).is_err(), "{bad}");
    }
}
