//! A request to be explained, and how it may end before a backend is chosen.

use std::net::IpAddr;

use crate::config::proxy::Protocol;

/// A request to be explained.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'v> {
    /// What the URL's scheme says.
    pub protocol: Protocol,
    /// The host that is asked for.
    pub host: &'v str,
    /// The port; none: that which the scheme has by itself.
    pub port: Option<u16>,
    /// The path, at least `/`.
    pub path: &'v str,
    /// The query with its question mark; empty: it has none.
    pub query: &'v str,
    /// The Cookie field; empty: it has none.
    pub cookie: &'v str,
    /// Who asks; none: nobody in particular.
    pub from: Option<IpAddr>,
}

impl Visit<'_> {
    /// What a browser names: the host, and the port unless it goes without saying.
    pub(super) fn authority(&self) -> String {
        let (host, usual) = (self.host, usual_port(self.protocol));
        self.port.filter(|port| *port != usual).map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

/// The port that a URL need not name (RFC 9110, 4.2.1 and 4.2.2).
pub(super) fn usual_port(protocol: Protocol) -> u16 {
    match protocol {
        Protocol::Http => 80,
        Protocol::Https => 443,
    }
}

/// What a request gets that goes no further: what the visitor is refused with; none, he is served by the proxy itself.
pub(super) struct Refusal(pub Option<&'static str>);

impl Refusal {
    /// With a status, or by not getting as far as a request.
    pub(super) fn with(what: &'static str) -> Refusal {
        Refusal(Some(what))
    }

    /// By the proxy itself.
    pub(super) const fn served() -> Refusal {
        Refusal(None)
    }
}
