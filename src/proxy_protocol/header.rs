//! What a header says, and why one says nothing.

use std::net::SocketAddr;

/// Bytes that a header may have. The specification bounds version 1 by 107 and version 2 by its two bytes of length; addresses and all
/// values that it knows take a few hundred, a visitor's certificate some thousand more.
pub const MOST: usize = 4096;

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

impl Ends {
    /// Both in IPv4, or both in IPv6: a header has one family.
    pub(super) fn of_one_family(self) -> Ends {
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
