//! The addresses that a daemon listens on: each once in a document, whatever it is for, but that TCP and UDP may share one.

use std::net::SocketAddr;

use super::address;
use super::distinct::Distinct;
use super::reader::{Read, Value};

/// The addresses read so far.
#[derive(Debug, Default)]
pub(super) struct Listening<'a> {
    tcp: Distinct<'a, SocketAddr>,
    udp: Distinct<'a, SocketAddr>,
}

impl<'a> Listening<'a> {
    /// Reads an address for TCP that no other part of the document has taken.
    pub(super) fn claim(&mut self, value: &Value<'a>) -> Read<SocketAddr> {
        claim(&mut self.tcp, value)
    }

    /// The same for UDP.
    pub(super) fn claim_udp(&mut self, value: &Value<'a>) -> Read<SocketAddr> {
        claim(&mut self.udp, value)
    }

    /// The same for both.
    pub(super) fn claim_both(&mut self, value: &Value<'a>) -> Read<SocketAddr> {
        self.claim(value)?;
        self.claim_udp(value)
    }
}

fn claim<'a>(claimed: &mut Distinct<'a, SocketAddr>, value: &Value<'a>) -> Read<SocketAddr> {
    claimed.claim_parsed(value, "an address and port", address::listen)
}
