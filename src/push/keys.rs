//! Keys that hosts share: one a line, 32 bytes in base64; the first seals, all open.
//!
//! [`mod@file`] is a host's side: it changes one file by one step. [`rotate`] takes the whole fleet through the steps; both know
//! the keys of others by their fingerprints only, and no key travels from a host. [`own`] are the keys of an admin machine.

pub mod file;
pub mod own;
pub mod rotate;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};

use crate::push::error::Error;
use crate::push::hex::hex;
use crate::push::protocol::Secret;

/// Bytes of a key.
const LENGTH: usize = 32;

/// Hexadecimal digits of a fingerprint.
const FINGERPRINT: usize = 16;

/// A new key.
///
/// # Errors
///
/// The system gives no random bytes.
pub fn make() -> Result<Secret, Error> {
    let mut bytes = [0; LENGTH];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::new("the system gives no random bytes"))?;
    Ok(Secret(STANDARD.encode(bytes)))
}

/// What names a key without telling it: the start of its SHA-256. `None` for what is no key.
pub fn fingerprint(key: &str) -> Option<String> {
    let bytes = STANDARD.decode(key.trim()).ok().filter(|bytes| bytes.len() == LENGTH)?;
    let mut name = hex(digest::digest(&digest::SHA256, &bytes).as_ref());
    name.truncate(FINGERPRINT);
    Some(name)
}

#[cfg(test)]
mod tests;
