//! Key files that hosts share: one key per line, 32 bytes in base64. The first key seals, all of them open.
//!
//! Beside them, [`agreement`] has certificates, which each host has for itself.
//!
//! [`mod@file`] changes a key file on a host by one step. [`rotate`] takes all hosts through the steps; it sees present keys by their
//! fingerprints only, because no key ever leaves a host. [`own`] has the keys of an admin machine.

pub mod agreement;
pub mod file;
pub mod own;
pub mod rotate;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::push::error::Error;
use crate::push::hex::hex;
use crate::push::protocol::Secret;

/// The length of a key, in bytes.
const LENGTH: usize = 32;

/// The length of a fingerprint, in hexadecimal digits.
const FINGERPRINT: usize = 16;

/// Makes a new key.
///
/// # Errors
///
/// The system gives no random bytes.
pub fn make() -> Result<Secret, Error> {
    let mut bytes = [0; LENGTH];
    crate::random::fill(&mut bytes).map_err(|_| Error::new("the system gives no random bytes"))?;
    Ok(Secret(STANDARD.encode(bytes)))
}

/// A key's fingerprint: the start of its SHA-256. `None` if the text is not a key.
pub fn fingerprint(key: &str) -> Option<String> {
    let bytes = STANDARD.decode(key.trim()).ok().filter(|bytes| bytes.len() == LENGTH)?;
    let mut name = hex(digest::digest(&digest::SHA256, &bytes).as_ref());
    name.truncate(FINGERPRINT);
    Some(name)
}

#[cfg(test)]
mod tests;
