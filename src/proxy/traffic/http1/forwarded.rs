//! How the backend learns who asked: X-Forwarded-For, -Proto, -Host and Forwarded (RFC 7239).
//!
//! Such fields of the client itself are dropped, unless it is one of the `trusted_proxies`: then ours are appended.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use crate::proxy::tls::visitor::SecureVisitor;
use crate::proxy::traffic::message::fields::{Field, FieldKind, elements};
use crate::proxy::traffic::message::{Request, RequestHead, Scheme};
use crate::proxy_protocol::{Ends, Facts};

/// A client as these fields write it; made once for each connection.
#[derive(Debug)]
pub struct Client {
    /// Its end of the connection.
    pub peer: SocketAddr,
    /// Its address; an IPv4 one also where IPv6 carries it.
    pub address: IpAddr,
    /// What is known of it by the handshake; none: in clear text.
    pub tls: Option<Box<SecureVisitor>>,
    /// The end that it connected to, where that is to be told to a backend.
    pub destination: Option<SocketAddr>,
    /// What the proxy through which it came says of it beside its address (PROXY protocol), if it says anything.
    pub facts: Option<Box<Facts>>,
    plain: String,
    node: String,
}

impl Client {
    /// For the peer of a connection.
    pub fn new(peer: SocketAddr) -> Client {
        let address = peer.ip().to_canonical();
        let node = match address {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("\"[{v6}]\""),
        };
        Client { peer, address, tls: None, destination: None, facts: None, plain: address.to_string(), node }
    }

    /// For the visitor whom the header of the PROXY protocol names.
    pub fn named(ends: Ends, facts: Facts) -> Client {
        let facts = (facts != Facts::default()).then(|| Box::new(facts));
        Client { destination: Some(ends.destination), facts, ..Client::new(ends.source) }
    }

    /// How it reached whoever it connected to: by this scheme, unless the proxy through which it came says that it was over TLS.
    pub fn scheme(&self, request: &RequestHead) -> Scheme {
        if self.facts.as_ref().is_some_and(|facts| facts.is_secure) { Scheme::Https } else { request.scheme }
    }

    /// Whether its own forwarded fields are believed.
    pub fn is_trusted(&self, trusted: &[IpNet]) -> bool {
        trusted.iter().any(|network| network.contains(&self.address))
    }

    /// Who asked first, as far as it can be believed: of the addresses in `X-Forwarded-For`, from the last one back, the first that is no
    /// trusted proxy's; the client itself, if it is none. None: a trusted proxy was asked by whom it does not name.
    pub fn visitor(&self, request: Request<'_>, trusted: &[IpNet]) -> Option<IpAddr> {
        let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
        let mut visitor = self.address;
        let mut said = request.values(FieldKind::ForwardedFor).rev().flat_map(|value| elements(value).rev());
        while is_trusted(&visitor) {
            match said.by_ref().find(|element| !element.is_empty()) {
                Some(element) => visitor = address_of(element)?,
                None => break,
            }
        }
        Some(visitor)
    }

    /// Writes the four fields.
    pub fn write(&self, out: &mut Vec<u8>, head: &[u8], request: &RequestHead, fields: &[Field], trusted: bool) {
        let claimed = |kind: FieldKind| {
            fields.iter().filter(move |field| trusted && field.kind == kind).map(|field| field.value.of_head(head))
        };
        let scheme = self.scheme(request).as_str().as_bytes();
        let host = request.authority.map(|authority| authority.of_head(head)).unwrap_or_default();

        begin(out, b"X-Forwarded-For: ", claimed(FieldKind::ForwardedFor));
        out.extend_from_slice(self.plain.as_bytes());
        out.extend_from_slice(b"\r\nX-Forwarded-Proto: ");
        out.extend_from_slice(claimed(FieldKind::ForwardedProto).next().unwrap_or(scheme));
        out.extend_from_slice(b"\r\nX-Forwarded-Host: ");
        out.extend_from_slice(claimed(FieldKind::ForwardedHost).next().unwrap_or(host));
        out.extend_from_slice(b"\r\n");
        begin(out, b"Forwarded: ", claimed(FieldKind::Forwarded));
        out.extend_from_slice(b"for=");
        out.extend_from_slice(self.node.as_bytes());
        if !host.is_empty() {
            out.extend_from_slice(b";host=\"");
            out.extend_from_slice(host);
            out.extend_from_slice(b"\"");
        }
        out.extend_from_slice(b";proto=");
        out.extend_from_slice(scheme);
        out.extend_from_slice(b"\r\n");
    }
}

/// Writes the name, and the values that trusted proxies set, as one list: some backends read only the first of several lines.
fn begin<'h>(out: &mut Vec<u8>, name: &[u8], said: impl Iterator<Item = &'h [u8]>) {
    out.extend_from_slice(name);
    for value in said.filter(|value| !value.is_empty()) {
        out.extend_from_slice(value);
        out.extend_from_slice(b", ");
    }
}

/// An address as proxies write it: some with the port, some in the brackets of RFC 7239.
fn address_of(element: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(element).ok()?;
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port).or_else(in_brackets).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests;
