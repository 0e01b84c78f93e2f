//! The secrets that server cookies are made and verified with, and the file they come from.

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::daemon::key_file::{KeyError, read_lines};

/// A secret, 128 bits (RFC 9018, 4.4).
pub type Secret = [u8; 16];

/// A key of the fleet, as its other key files have them.
const KEY_BYTES: usize = 32;

const EXPECTED: &str = "expected 32 bytes in base64, or 32 hexadecimal digits";

/// At least one secret: the first makes cookies, all of them verify. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets {
    first: Secret,
    others: Vec<Secret>,
    /// Made by this process, and known to no other.
    random: bool,
}

/// Shows how many there are, and nothing else.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} not shown)", 1 + self.others.len())
    }
}

impl Secrets {
    /// One that nobody else knows.
    ///
    /// # Errors
    ///
    /// The system gives no random bytes.
    pub fn random() -> Result<Secrets, KeyError> {
        let mut first = [0; 16];
        crate::random::fill(&mut first).map_err(|_| KeyError::new("the system gives no random bytes"))?;
        Ok(Secrets { first, others: Vec::new(), random: true })
    }

    /// Those of a file: one a line, as 32 bytes in base64, like every key of a fleet (the first 16 bytes are used), or
    /// as 32 hexadecimal digits, like those of BIND, Knot, NSD and Unbound, where one is shared with them. Empty lines and
    /// `#` lines are skipped.
    ///
    /// # Errors
    ///
    /// Name file and line, never the content.
    pub fn read(path: &Path) -> Result<Secrets, KeyError> {
        const MAKES: &str = "`openssl rand -base64 32` makes one";
        let expected = format!("the same on every nameserver, one a line ({MAKES})");
        let mut secrets = read_lines(path, &expected, MAKES, |line| {
            secret(line).ok_or_else(|| KeyError::new(format!("no key; {EXPECTED}")))
        })?;
        let first = secrets.remove(0);
        Ok(Secrets { first, others: secrets, random: false })
    }

    /// Just this one.
    pub fn one(secret: Secret) -> Secrets {
        Secrets { first: secret, others: Vec::new(), random: false }
    }

    /// The one that makes cookies.
    pub fn first(&self) -> &Secret {
        &self.first
    }

    /// All that verify, the first first.
    pub fn iter(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Whether this process has made it up.
    pub fn is_random(&self) -> bool {
        self.random
    }
}

fn secret(line: &[u8]) -> Option<Secret> {
    match line.len() {
        32 => hexadecimal(line),
        _ => STANDARD.decode(line).ok().filter(|key| key.len() == KEY_BYTES)?.first_chunk().copied(),
    }
}

fn hexadecimal(line: &[u8]) -> Option<Secret> {
    let mut secret = [0; 16];
    for (byte, digits) in secret.iter_mut().zip(line.chunks(2)) {
        let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|d| d.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(secret)
}

#[cfg(test)]
mod tests;
