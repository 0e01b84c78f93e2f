//! What the CA asks this proxy at `/.well-known/acme-challenge/` (RFC 8555, 8.3), and what it is answered (pure).
//!
//! Part of the snapshot: a request looks one token up, without a lock.

use std::collections::BTreeMap;
use std::fmt;

/// Where the CA asks.
const PATH: &[u8] = b"/.well-known/acme-challenge/";

/// The most bytes of a token; CAs' have some forty.
const LONGEST_TOKEN: usize = 200;

/// The answers by token, of this proxy's order and of the peers'.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Challenges(BTreeMap<String, String>);

/// Shows how many there are, and nothing else.
impl fmt::Debug for Challenges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Challenges({} not shown)", self.0.len())
    }
}

impl Challenges {
    /// Each token with its key authorization (RFC 8555, 8.1).
    pub fn new(answers: impl IntoIterator<Item = (String, String)>) -> Challenges {
        Challenges(answers.into_iter().collect())
    }

    /// The answer to a request for this path; none: it is no challenge that is known, and goes its normal way.
    pub fn answer(&self, path: &[u8]) -> Option<&str> {
        let token = std::str::from_utf8(path.strip_prefix(PATH)?).ok()?;
        self.0.get(token).map(String::as_str)
    }
}

/// Whether a CA may be asking.
pub fn is_challenge(path: &[u8]) -> bool {
    path.starts_with(PATH)
}

/// Whether this can be a token: base64 for URLs (RFC 8555, 8.1), so that it is one segment of a path.
pub fn is_token(text: &str) -> bool {
    let is_of_alphabet = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !text.is_empty() && text.len() <= LONGEST_TOKEN && text.bytes().all(is_of_alphabet)
}

/// Whether this can be a key authorization: a token, a dot and a digest.
pub fn is_key_authorization(text: &str) -> bool {
    text.split_once('.').is_some_and(|(token, digest)| is_token(token) && is_token(digest))
}

#[cfg(test)]
mod tests;
