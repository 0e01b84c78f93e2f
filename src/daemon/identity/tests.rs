#![allow(clippy::unwrap_used)]
use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn the_public_half_is_that_of_rfc_7748() {
    // RFC 7748, 6.1: Bob's.
    let private = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
    let public = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
    let bytes = |text: &str| -> [u8; 32] {
        std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
    };
    assert_eq!(Identity::of(bytes(private)).unwrap().public(), PublicKey(bytes(public)));
}

#[test]
fn a_made_key_is_read_again_belongs_to_its_owner_alone_and_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new/identity.key");
    let made = Identity::make(&file).unwrap();
    assert_eq!(Identity::read(&file).unwrap(), made);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o400);
    assert_eq!(fs::metadata(file.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    let before = fs::read(&file).unwrap();
    assert_eq!(Identity::make(&file).unwrap(), made);
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_file_that_is_no_key_is_not_written_over_either() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("identity.key");
    fs::write(&file, "something else\n").unwrap();
    let error = Identity::make(&file).unwrap_err().to_string();
    assert!(error.contains("identity.key:1: not base64"), "{error}");
    assert_eq!(fs::read(&file).unwrap(), b"something else\n");
}

#[test]
fn one_file_holds_one_key_and_debug_shows_its_public_half_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("identity.key");
    let key = STANDARD.encode([1; 32]);
    fs::write(&file, format!("{key}\n{key}\n")).unwrap();
    assert!(Identity::read(&file).unwrap_err().to_string().contains("2 keys; expected one"));
    let shown = format!("{:?}", Identity::of([1; 32]).unwrap());
    assert!(!shown.contains(&key) && shown.starts_with("Identity("), "{shown}");
}
