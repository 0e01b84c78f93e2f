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
