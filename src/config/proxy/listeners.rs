//! `listeners`: where visitors are accepted, and what is spoken there.

use std::net::SocketAddr;

use ipnet::IpNet;

use crate::config::address;
use crate::config::distinct::Distinct;
use crate::config::listen::Listening;
use crate::config::names;
use crate::config::reader::{Keys, Object, Read, Value};

/// One address that accepts visitors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerConfig {
    /// Its name in logs and metrics.
    pub name: String,
    /// The address that is bound. `[::]` is IPv6 only.
    pub address: SocketAddr,
    /// The protocol that it speaks.
    pub protocol: Protocol,
    /// Visitors of https may choose HTTP/2. Default true.
    pub http2: bool,
    /// Every connection begins with a header of the PROXY protocol, and comes from these: `trusted_proxies` of the listener, or else of
    /// the document. `None`: no connection has such a header. Never empty.
    pub proxies: Option<Vec<IpNet>>,
}

/// What a listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 (and 1.0) in clear text.
    Http,
    /// The same over TLS.
    Https,
}

/// The keys of a listener.
pub(super) const KEYS: Keys = Keys {
    object: "listeners[]",
    names: &["address", "http2", "name", "protocol", "proxy_protocol", "trusted_proxies"],
};

/// Reads all of them; `trusted`: `trusted_proxies` of the document, if it could be read.
pub(super) fn read<'a>(
    value: &Value<'a>,
    trusted: Option<&[IpNet]>,
    listening: &mut Listening<'a>,
) -> Read<Vec<ListenerConfig>> {
    let mut listener_names = Distinct::default();
    let listeners = value.list("listeners", |value| {
        let listener = value.object(&KEYS)?;
        let name = listener.required("name", |value| listener_names.claim_parsed(value, "a name", names::name));
        let address = listener.required("address", |value| listening.claim(value));
        let protocol = listener.with_default("protocol", Protocol::Http, |value| {
            value.one_of(&[("http", Protocol::Http), ("https", Protocol::Https)])
        });
        let http2 = listener.with_default("http2", true, Value::boolean);
        let proxies = read_proxies(&listener, trusted);
        if protocol == Ok(Protocol::Http) {
            listener.refuse(&["http2"], "without TLS, where it is not spoken")?;
        }
        Ok(ListenerConfig { name: name?, address: address?, protocol: protocol?, http2: http2?, proxies: proxies? })
    })?;
    value.at_least_one("listener")?;
    Ok(listeners)
}

/// Networks of clients.
pub(super) fn read_networks(value: &Value<'_>) -> Read<Vec<IpNet>> {
    value.list("networks", |value| value.parsed("a network, like \"10.0.0.0/8\"", address::network))
}

/// From whom connections are taken that begin with a header of the PROXY protocol, if they have to.
fn read_proxies(listener: &Object<'_>, trusted: Option<&[IpNet]>) -> Read<Option<Vec<IpNet>>> {
    let own = listener.optional("trusted_proxies", read_networks);
    if !listener.with_default("proxy_protocol", false, Value::boolean)? {
        listener.refuse(&["trusted_proxies"], "without \"proxy_protocol\": true")?;
        return Ok(None);
    }
    // What is wrong with those of the document is told already.
    let (Some(proxies), Some(asked)) = (own?.or_else(|| trusted.map(Vec::from)), listener.get("proxy_protocol")) else {
        return Ok(None);
    };
    match proxies.is_empty() {
        true => Err(asked.fault(
            "any client could say that it is somebody else: list in \"trusted_proxies\", of the listener or of the document, \
             who may connect there",
        )),
        false => Ok(Some(proxies)),
    }
}
