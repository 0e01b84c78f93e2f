//! Signing keys in Nix' own format (`nix key generate-secret`): Ed25519, with a name before the key.
//!
//! Owns reading them, and making and checking signatures. What is signed is [`super::manifest`]'s and [`super::upload`]'s. Must
//! never: show a private key, also not in an error. Called by both on the admin machine and on the host.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};

/// Bytes of an Ed25519 seed and of a public key (RFC 8032, 5.1.5); Nix keeps both, one after the other, as the private key.
const HALF: usize = 32;

/// An admin machine's private signing key.
pub struct SigningKey {
    name: String,
    pair: Ed25519KeyPair,
}

/// Says its name and nothing else.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, not shown)", self.name)
    }
}

impl SigningKey {
    /// Reads a key file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or it holds no key; names the file, never its content.
    pub fn read(file: &Path) -> Result<SigningKey, String> {
        let text = fs::read_to_string(file).map_err(|error| {
            format!("{}: {error}; `polder keys make` makes the keys of an admin machine", file.display())
        })?;
        SigningKey::parse(&text).ok_or_else(|| {
            format!("{}: expected one signing key, NAME:BASE64, as `nix key generate-secret` makes it", file.display())
        })
    }

    fn parse(text: &str) -> Option<SigningKey> {
        let (name, key) = text.trim().split_once(':')?;
        let bytes = STANDARD.decode(key).ok()?;
        let (seed, public) = bytes.split_at_checked(HALF)?;
        let pair = Ed25519KeyPair::from_seed_and_public_key(seed, public).ok()?;
        (!name.is_empty()).then(|| SigningKey { name: name.to_owned(), pair })
    }

    /// `NAME:BASE64`, the signature of a text.
    pub fn sign(&self, text: &[u8]) -> String {
        format!("{}:{}", self.name, STANDARD.encode(self.pair.sign(text)))
    }
}

/// The public keys whose signatures count, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedKeys(BTreeMap<String, Vec<u8>>);

impl TrustedKeys {
    /// Reads a file of public keys, one a line.
    ///
    /// # Errors
    ///
    /// It cannot be read, or a line is no key; names file and line.
    pub fn read(file: &Path) -> Result<TrustedKeys, String> {
        let text = fs::read_to_string(file)
            .map_err(|error| format!("{}: {error}: this host knows no admin's signing key", file.display()))?;
        TrustedKeys::parse(&text)
            .map_err(|line| format!("{}:{line}: expected a public key, NAME:BASE64 of {HALF} bytes", file.display()))
    }

    /// The error is the number of the line that is no key.
    fn parse(text: &str) -> Result<TrustedKeys, usize> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let keys = lines.map(|(index, line)| public_key(line.trim()).ok_or(index + 1));
        Ok(TrustedKeys(keys.collect::<Result<_, _>>()?))
    }

    /// The name of the key that made a signature, if it is good and the key one of these.
    ///
    /// # Errors
    ///
    /// Whose key it is said to be of, and why it does not count.
    pub fn check<'s>(&self, text: &[u8], signature: &'s str) -> Result<&'s str, String> {
        let (name, signed) = signature.split_once(':').ok_or("it is not signed: expected NAME:BASE64")?;
        let key = self.0.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            format!("it is signed by {name:?}, which is no key of this fleet (this host knows {known})")
        })?;
        let signed = STANDARD.decode(signed).map_err(|_| "its signature is not base64".to_owned())?;
        let good = UnparsedPublicKey::new(&ED25519, key).verify(text, &signed).is_ok();
        if good { Ok(name) } else { Err(format!("the signature of {name:?} is not of this text")) }
    }
}

fn public_key(line: &str) -> Option<(String, Vec<u8>)> {
    let (name, key) = line.split_once(':')?;
    let key = STANDARD.decode(key).ok().filter(|key| key.len() == HALF)?;
    Some((name.to_owned(), key))
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]

    use ring::signature::KeyPair;

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
            (&b"texu"[..], signature.clone(), "is not of this text"),
            (b"text", other.sign(b"text"), "is not of this text"),
            (b"text", stranger.sign(b"text"), "no key of this fleet"),
            (b"text", "admin-nl-1:!".to_owned(), "not base64"),
            (b"text", "admin-nl-1".to_owned(), "not signed"),
        ] {
            assert!(trusted.check(text, &signature).unwrap_err().contains(why), "{why}");
        }
    }

    #[test]
    fn a_file_that_holds_no_key_is_told_by_line_and_never_by_content() {
        assert_eq!(TrustedKeys::parse("a:AAAA\n"), Err(1));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("signing");
        fs::write(&file, "admin:c2VjcmV0").unwrap();
        let why = SigningKey::read(&file).unwrap_err();
        assert!(why.contains("signing") && !why.contains("c2Vj"), "{why}");
        assert!(!format!("{:?}", key("a", 1).0).contains("AQEB"));
    }
}
