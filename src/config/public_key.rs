//! A daemon's public key, by which its peers know it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::distinct::Distinct;
use super::invalid::Invalid;
use super::reader::{Read, Value};

/// The keys of one daemon: the present one, and while it is replaced the next one.
const MOST: usize = 2;

/// The public half of an X25519 key pair (RFC 7748, 6.1). In text it is 32 bytes in base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// Reads it as it stands in a document.
    ///
    /// # Errors
    ///
    /// What was expected; a private key put here by mistake is not repeated.
    pub fn parse(text: &str) -> Result<PublicKey, Invalid> {
        const EXPECTED: &str = "expected 32 bytes in base64, as `polder keys identity FILE` prints them";
        let bytes = STANDARD
            .decode(text)
            .map_err(|_| Invalid::unquoted(format!("not a public key: not base64; {EXPECTED}")))?;
        let length = bytes.len();
        let wrong_length = |_| Invalid::unquoted(format!("not a public key: {length} bytes; {EXPECTED}"));
        let key: [u8; 32] = bytes.try_into().map_err(wrong_length)?;
        // With it every shared secret is zero (RFC 7748, 6.1): anybody could be this peer.
        match key.iter().all(|byte| *byte == 0) {
            true => Err(Invalid::unquoted(format!("not a public key: all zero; {EXPECTED}"))),
            false => Ok(PublicKey(key)),
        }
    }
}

/// Reads the keys of one daemon; `keys` are all that the document has met so far.
pub(super) fn read_few<'a>(value: &Value<'a>, keys: &mut Distinct<'a, PublicKey>) -> Read<Vec<PublicKey>> {
    let read = value.list("public keys", |value| keys.claim_parsed(value, "a public key", PublicKey::parse))?;
    match read.len() {
        0..=MOST => Ok(read),
        more => Err(value.fault(format!(
            "{more} keys: expected at most {MOST}, the present one and, while it is replaced, the next one"
        ))),
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

#[cfg(test)]
mod tests;
