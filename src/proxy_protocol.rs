//! The PROXY protocol, versions 1 and 2 (HAProxy's doc/proxy-protocol.txt): what a proxy says at the front of a connection of
//! the visitor on whose behalf it has opened it.
//!
//! Pure: bytes in, a [`Header`] out, and the way back ([`write()`]). Must never: guess. A listener asks for the header or it does not;
//! one that asks takes nothing else. Called by the proxy for visitors and for backends, and by checks.

mod binary;
mod crc32c;
mod text;

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// Bytes that a header may have. The specification bounds version 1 by 107 and version 2 by its two bytes of length; addresses and all
/// values that it knows take a few hundred, a visitor's certificate some thousand more.
pub const MOST: usize = 4096;

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

/// Both ends of the visitor's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The visitor's.
    pub source: SocketAddr,
    /// The one that he connected to.
    pub destination: SocketAddr,
}

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// Whose connection it is. `None`: the sender's own (a check), or one whose ends are no addresses of TCP; then those of the
    /// connection on which the header came are to be taken (specification, 2.1 and 2.2).
    pub ends: Option<Ends>,
    /// What else is said of the visitor.
    pub facts: Facts,
}

/// What version 2 may say beside addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The visitor spoke TLS with the sender (PP2_TYPE_SSL with PP2_CLIENT_SSL).
    pub is_secure: bool,
    /// The host that he named in the handshake (PP2_TYPE_AUTHORITY).
    pub authority: Option<Box<str>>,
    /// What the sender calls the connection (PP2_TYPE_UNIQUE_ID), at most 128 bytes.
    pub unique_id: Option<Box<[u8]>>,
}

/// Why what came is no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It begins as neither version does.
    #[error("it does not begin with a header of the PROXY protocol")]
    NoHeader,
    /// It does not end where it has to.
    #[error("its header of the PROXY protocol is longer than {MOST} bytes, or its line than 107")]
    TooLong,
    /// The line of version 1 is not one of TCP4, TCP6 or UNKNOWN.
    #[error("the line of its PROXY protocol header is malformed")]
    Line,
    /// Version or command are none that are known.
    #[error("its PROXY protocol header has another version than 2, or an unknown command")]
    Command,
    /// The addresses do not fit into the length.
    #[error("the addresses of its PROXY protocol header are cut short")]
    Addresses,
    /// A value does not fit into the length.
    #[error("a value (TLV) of its PROXY protocol header is cut short")]
    Value,
    /// The checksum is another one.
    #[error("the checksum (CRC32C) of its PROXY protocol header is wrong")]
    Checksum,
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

impl Ends {
    /// Both in IPv4, or both in IPv6: a header has one family.
    fn of_one_family(self) -> Ends {
        let canonical = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
        let mapped = |end: SocketAddr| match end {
            SocketAddr::V4(v4) => SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port()),
            v6 => v6,
        };
        let (source, destination) = (canonical(self.source), canonical(self.destination));
        match source.is_ipv4() == destination.is_ipv4() {
            true => Ends { source, destination },
            false => Ends { source: mapped(source), destination: mapped(destination) },
        }
    }
}

fn is_begun(bytes: &[u8], signature: &[u8]) -> bool {
    let length = bytes.len().min(signature.len());
    bytes[..length] == signature[..length]
}

#[cfg(test)]
mod tests;
