//! What the parts of a demo fleet are called.

use super::addresses::{BACKENDS, NAMESERVERS, PROXIES};

/// What can be broken: every daemon and every backend.
pub fn parts() -> impl Iterator<Item = String> {
    let daemons = (0..PROXIES).map(proxy_name).chain((0..NAMESERVERS).map(nameserver_name));
    daemons.chain((0..BACKENDS).map(stateless_name)).chain((0..BACKENDS).map(stateful_name))
}

/// The name of nameserver `index`.
pub fn nameserver_name(index: usize) -> String {
    format!("ns-{}", index + 1)
}

/// The name of proxy `index`.
pub fn proxy_name(index: usize) -> String {
    format!("px-{}", index + 1)
}

/// The name of the stateless service's backend `index`.
pub fn stateless_name(index: usize) -> String {
    format!("web{}", index + 1)
}

/// The name of the stateful service's backend `index`; the first is the primary.
pub fn stateful_name(index: usize) -> String {
    format!("shop{}", index + 1)
}
