//! The PROXY protocol, versions 1 and 2 (HAProxy's doc/proxy-protocol.txt): what a proxy says at the front of a connection of
//! the visitor on whose behalf it has opened it.
//!
//! Pure: bytes in, a [`Header`] out, and the way back ([`write()`]). Must never: guess. A listener asks for the header or it does not;
//! one that asks takes nothing else. Called by the proxy for visitors and for backends, and by checks.

mod binary;
mod crc32c;
mod header;
mod text;

use serde::{Deserialize, Serialize};

pub use header::{Ends, Facts, Header, MOST, Malformed};

/// The form of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Version {
    /// One line of text.
    V1,
    /// Binary, with more values.
    V2,
}

impl Version {
    /// As documents have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Version::V1 => "v1",
            Version::V2 => "v2",
        }
    }
}

/// How long the header is that these bytes begin with; `None`: all of them are part of it, and more is to come.
///
/// # Errors
///
/// They begin none.
pub fn measure(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    if is_begun(bytes, &binary::SIGNATURE) {
        binary::measure(bytes)
    } else if is_begun(bytes, text::SIGNATURE) {
        text::measure(bytes)
    } else {
        Err(Malformed::NoHeader)
    }
}

/// Reads a whole header.
///
/// # Errors
///
/// It is malformed.
pub fn read(header: &[u8]) -> Result<Header, Malformed> {
    match header.strip_prefix(&binary::SIGNATURE) {
        Some(_) => binary::read(header),
        None => text::read(header),
    }
}

/// Writes a header. Without ends it says that the connection is the sender's own: `LOCAL` in version 2, `UNKNOWN` in version 1, which has
/// no word for it.
pub fn write(version: Version, ends: Option<Ends>, out: &mut Vec<u8>) {
    let ends = ends.map(Ends::of_one_family);
    match version {
        Version::V1 => text::write(ends, out),
        Version::V2 => binary::write(ends, out),
    }
}

fn is_begun(bytes: &[u8], signature: &[u8]) -> bool {
    let length = bytes.len().min(signature.len());
    bytes[..length] == signature[..length]
}

#[cfg(test)]
mod tests;
