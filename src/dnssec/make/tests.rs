use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::dnssec::folder::read_keys;
use crate::dnssec::public_key::verify;
use crate::zone::name;

fn wire(text: &str) -> Box<[u8]> {
    name::from_text(text).unwrap()
}

#[test]
fn keys_of_all_algorithms_are_made_written_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let times = Times { created: Some(1_796_054_291), publish: Some(1_796_054_291), ..Times::default() };
    for (algorithm, role) in Algorithm::ALL.into_iter().zip([Role::Ksk, Role::Zsk, Role::Ksk, Role::Zsk]) {
        let made = make(&wire("a_b*c.example"), role, algorithm, times, &[]).unwrap();
        let written = made.write(folder.path()).unwrap();
        let mode = |file: &Path| fs::metadata(file).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&written.private), mode(&written.public)), (0o600, 0o644));
        let keys = read_keys(folder.path(), &wire("a_b*c.example")).unwrap();
        let key = keys.iter().find(|key| key.dnskey() == made.key().dnskey()).unwrap();
        assert_eq!((key.role(), key.algorithm(), *key.times()), (role, algorithm, times));
        assert!(verify(made.key().dnskey(), b"message", &key.sign(b"message")));
        if matches!(algorithm, Algorithm::RsaSha256 | Algorithm::RsaSha512) {
            assert_eq!(key.sign(b"message").len(), 2048 / 8);
        }
    }
    assert_eq!(read_keys(folder.path(), &wire("a_b*c.example")).unwrap().len(), 4);
}

#[test]
fn a_key_is_never_written_over_one_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let made = make(&wire("example.com"), Role::Zsk, Algorithm::Ed25519, Times::default(), &[]).unwrap();
    let written = made.write(folder.path()).unwrap();
    fs::write(&written.private, "of somebody else").unwrap();
    let error = made.write(folder.path()).unwrap_err().to_string();
    assert_eq!(error, format!("{}: is there already, and is not written over", written.private.display()));
    assert_eq!(fs::read_to_string(&written.private).unwrap(), "of somebody else");
    // Where only the public half is there, no secret is left behind.
    fs::remove_file(&written.private).unwrap();
    let error = made.write(folder.path()).unwrap_err().to_string();
    assert_eq!(error, format!("{}: is there already, and is not written over", written.public.display()));
    assert!(!written.private.exists());
}

#[test]
fn a_new_key_has_a_tag_that_no_other_has() {
    let free = 7;
    let taken: Vec<u16> = (0..=u16::MAX).filter(|tag| tag % 8 != free).collect();
    for _ in 0..8 {
        let made = make(&wire("example.com"), Role::Zsk, Algorithm::Ed25519, Times::default(), &taken).unwrap();
        assert_eq!(made.key().tag() % 8, free);
    }
}
