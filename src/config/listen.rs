//! The addresses that a daemon listens on: each once in a document, whatever it is for.

use std::net::SocketAddr;

use super::address;
use super::distinct::Distinct;
use super::reader::{Read, Value};

/// The addresses read so far.
#[derive(Debug, Default)]
pub(super) struct Listening<'a>(Distinct<'a, SocketAddr>);

impl<'a> Listening<'a> {
    /// Reads an address that no other part of the document has taken.
    pub(super) fn claim(&mut self, value: &Value<'a>) -> Read<SocketAddr> {
        self.0.claim_parsed(value, "an address and port", address::listen)
    }
}
