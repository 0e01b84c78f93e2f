//! A daemon's public key, by which its peers know it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::invalid::Invalid;

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
