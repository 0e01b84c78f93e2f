//! Between whom an exchange is, and over what.

use std::net::SocketAddr;

use super::message::{HttpVersion, SocketProtocol};

/// The two ends of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Who asks; an IPv4 address in IPv6 form is an IPv4 address.
    pub client: SocketAddr,
    /// Where the query came in; none: that is not known.
    pub server: Option<SocketAddr>,
}

impl Ends {
    /// With the addresses in their own form.
    pub fn new(client: SocketAddr, server: Option<SocketAddr>) -> Ends {
        let canonical = |at: SocketAddr| SocketAddr::new(at.ip().to_canonical(), at.port());
        Ends { client: canonical(client), server: server.map(canonical) }
    }
}

/// How a thread's queries come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// In datagrams.
    Udp,
    /// Over TCP.
    Tcp,
    /// Over TLS (RFC 7858).
    Tls,
    /// Over HTTPS (RFC 8484), of which we speak HTTP/2.
    Https,
    /// Over QUIC (RFC 9250).
    Quic,
}

impl Protocol {
    pub(super) fn socket_protocol(self) -> SocketProtocol {
        match self {
            Protocol::Udp => SocketProtocol::Udp,
            Protocol::Tcp => SocketProtocol::Tcp,
            Protocol::Tls => SocketProtocol::Dot,
            Protocol::Https => SocketProtocol::Doh,
            Protocol::Quic => SocketProtocol::Doq,
        }
    }

    pub(super) fn http_version(self) -> Option<HttpVersion> {
        (self == Protocol::Https).then_some(HttpVersion::Http2)
    }
}
