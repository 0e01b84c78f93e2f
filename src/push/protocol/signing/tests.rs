#![allow(clippy::unwrap_used)]

use aws_lc_rs::signature::KeyPair;

use super::*;

/// A key of this name, made from a number.
pub(crate) fn key(name: &str, number: u8) -> (SigningKey, TrustedKeys) {
    let seed = [number; HALF];
    let public = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap().public_key().as_ref().to_vec();
    let secret = STANDARD.encode([&seed[..], &public].concat());
    let signing = SigningKey::parse(&format!("{name}:{secret}\n")).unwrap();
    (signing, TrustedKeys::parse(&format!("{name}:{}\n", STANDARD.encode(public))).unwrap())
}

#[test]
fn a_signature_counts_for_its_own_text_and_a_known_key_only() {
    let (signing, trusted) = key("admin-nl-1", 1);
    let (other, _) = key("admin-nl-1", 2);
    let (stranger, _) = key("admin-xx-1", 3);
    let signature = signing.sign(b"text");
    assert_eq!(trusted.check(b"text", &signature), Ok("admin-nl-1"));
    for (text, signature, why) in [
        (&b"texu"[..], signature.clone(), "does not match"),
        (b"text", other.sign(b"text"), "does not match"),
        (b"text", stranger.sign(b"text"), "not a key of this fleet"),
        (b"text", "admin-nl-1:!".to_owned(), "not base64"),
        (b"text", "admin-nl-1".to_owned(), "not signed"),
    ] {
        assert!(trusted.check(text, &signature).unwrap_err().to_string().contains(why), "{why}");
    }
}

#[test]
fn a_file_that_holds_no_key_is_told_by_line_and_never_by_content() {
    assert_eq!(TrustedKeys::parse("a:AAAA\n"), Err(1));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("signing");
    fs::write(&file, "admin:c2VjcmV0").unwrap();
    let why = SigningKey::read(&file).unwrap_err().to_string();
    assert!(why.contains("signing") && !why.contains("c2Vj"), "{why}");
    assert!(!format!("{:?}", key("a", 1).0).contains("AQEB"));
}
