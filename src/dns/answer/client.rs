//! Who asks, and how.

use crate::dns::cookie::Issuer;

/// How a query came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// In a datagram: the answer is at most [`super::UDP_SIZE`] and what the client takes.
    Udp,
    /// Over a stream: the answer may fill a message.
    Tcp {
        /// How long the connection may idle, in units of 100 ms (RFC 7828, 3.1).
        keepalive: u16,
    },
    /// Over a stream that nobody else can read: the answer is padded where the client asks for that (RFC 8467).
    Encrypted {
        /// The same; none where something else than the option says it (RFC 9250, 5.5.2; in HTTP it would be a matter of HTTP's).
        keepalive: Option<u16>,
    },
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Client<'s> {
    /// How the query came.
    pub transport: Transport,
    /// Verifies and makes this client's cookies; if there is none, cookies are ignored.
    pub issuer: Option<Issuer<'s>>,
}

impl Client<'_> {
    /// One without cookies.
    pub fn without_cookies(transport: Transport) -> Client<'static> {
        Client { transport, issuer: None }
    }
}
