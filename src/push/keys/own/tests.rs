#![allow(clippy::unwrap_used)]
use super::*;
use crate::push::admin::known_fleet::tests::admin_in;

#[test]
fn the_next_signing_key_has_the_next_name() {
    assert_eq!(name_after("admin-nl-1:AAAA", "admin-nl"), "admin-nl-2");
    assert_eq!(name_after("fleet:AAAA", "admin-nl"), "admin-nl-2");
}

#[test]
fn without_next_keys_nothing_is_switched() {
    let kept = tempfile::tempdir().unwrap();
    let admin = admin_in(kept.path());
    write_secret(&admin.deploy_key, b"x").unwrap();
    assert!(switch(&admin).unwrap_err().to_string().contains("no next keys"));
    assert_eq!(fs::read(&admin.deploy_key).unwrap(), b"x");
    assert!(write_secret(&admin.deploy_key, b"y").is_err(), "a key is never overwritten");
}
