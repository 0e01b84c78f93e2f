//! Signing keys in Nix' own format (`nix key generate-secret`): Ed25519, with a name before the key.
//!
//! Reads them, and makes and checks signatures. What is signed is [`crate::push::protocol::manifest`]'s and [`crate::push::protocol::upload`]'s. Must
//! never: show a private key, even in an error. Used on the admin machine and on the host.

use crate::push::error::Error;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Bytes of an Ed25519 seed and of a public key (RFC 8032, 5.1.5); Nix keeps both, one after the other, as the private key.
const HALF: usize = 32;

/// An admin machine's private signing key.
pub struct SigningKey {
    name: String,
    pair: Ed25519KeyPair,
}

/// Shows its name only.
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
    /// It cannot be read, or has no key in it; the error names the file, never its content.
    pub fn read(file: &Path) -> Result<SigningKey, Error> {
        let text = fs::read_to_string(file).map_err(|error| {
            Error::at(file.display(), format!("{error}; `polder keys make` makes the keys of an admin machine"))
        })?;
        SigningKey::parse(&text).ok_or_else(|| {
            Error::at(file.display(), "expected one signing key, NAME:BASE64, as `nix key generate-secret` makes it")
        })
    }

    fn parse(text: &str) -> Option<SigningKey> {
        let (name, key) = text.trim().split_once(':')?;
        let bytes = STANDARD.decode(key).ok()?;
        let (seed, public) = bytes.split_at_checked(HALF)?;
        let pair = Ed25519KeyPair::from_seed_and_public_key(seed, public).ok()?;
        (!name.is_empty()).then(|| SigningKey { name: name.to_owned(), pair })
    }

    /// Signs a text: `NAME:BASE64`.
    pub fn sign(&self, text: &[u8]) -> String {
        format!("{}:{}", self.name, STANDARD.encode(self.pair.sign(text)))
    }
}

/// The trusted public keys, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedKeys(BTreeMap<String, Vec<u8>>);

impl TrustedKeys {
    /// Reads a file of public keys, one per line.
    ///
    /// # Errors
    ///
    /// It cannot be read, or a line is not a key; the error names the file and the line.
    pub fn read(file: &Path) -> Result<TrustedKeys, Error> {
        let text = fs::read_to_string(file).map_err(|error| {
            Error::at(file.display(), format!("{error}: this host knows no signing key of an admin machine"))
        })?;
        TrustedKeys::parse(&text).map_err(|line| {
            Error::new(format!("{}:{line}: expected a public key, NAME:BASE64 of {HALF} bytes", file.display()))
        })
    }

    /// An error is the number of the line that is not a key.
    fn parse(text: &str) -> Result<TrustedKeys, usize> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let keys = lines.map(|(index, line)| public_key(line.trim()).ok_or(index + 1));
        Ok(TrustedKeys(keys.collect::<Result<_, _>>()?))
    }

    /// Verifies a signature. Returns the name of the key that made it.
    ///
    /// # Errors
    ///
    /// The signature is not valid, or its key is not trusted.
    pub fn check<'s>(&self, text: &[u8], signature: &'s str) -> Result<&'s str, Error> {
        let (name, signed) =
            signature.split_once(':').ok_or_else(|| Error::new("it is not signed: expected NAME:BASE64"))?;
        let key = self.0.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Error::new(format!("it is signed by {name:?}, which is not a key of this fleet (this host knows {known})"))
        })?;
        let signed = STANDARD.decode(signed).map_err(|_| Error::new("its signature is not base64"))?;
        let good = UnparsedPublicKey::new(&ED25519, key).verify(text, &signed).is_ok();
        if good { Ok(name) } else { Err(Error::new(format!("the signature by {name:?} does not match"))) }
    }
}

fn public_key(line: &str) -> Option<(String, Vec<u8>)> {
    let (name, key) = line.split_once(':')?;
    let key = STANDARD.decode(key).ok().filter(|key| key.len() == HALF)?;
    Some((name.to_owned(), key))
}

#[cfg(test)]
pub(crate) mod tests;
