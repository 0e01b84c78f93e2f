#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn new_keys_differ_and_their_fingerprints_do_not_tell_them() {
    let (one, other) = (make().unwrap(), make().unwrap());
    assert_ne!(one.0, other.0);
    let name = fingerprint(&one.0).unwrap();
    assert_eq!((name.len(), Some(name)), (FINGERPRINT, fingerprint(&format!(" {}\n", one.0))));
}

#[test]
fn what_is_no_key_has_no_fingerprint() {
    for text in ["", "!", "c2hvcnQ="] {
        assert_eq!(fingerprint(text), None, "{text}");
    }
}
