//! What no visitor of a service can say, because its backends are told so by another one, in a sentence.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use crate::config::ProxyConfig;
use crate::proxy::edge::own_fields::{normal, of};
use crate::proxy::snapshot::Service;

/// Says it, where another service has such a backend, too.
pub fn about(document: &ProxyConfig, service: &Service) -> Option<String> {
    let addresses: BTreeSet<SocketAddr> = service.addresses().map(normal).collect();
    let others = document.services.values().filter(|other| {
        let mut theirs = other.target.backends().into_iter().flat_map(|backends| &backends.backends);
        *other.name != *service.name && theirs.any(|backend| addresses.contains(&normal(backend.address)))
    });
    let fields: BTreeSet<String> = others.flat_map(of).map(|fields| fields.to_string()).collect();
    let names = fields.into_iter().collect::<Vec<_>>().join(", ");
    (!names.is_empty()).then(|| {
        format!("a backend that another service tells by {names} who its visitors are gets no such fields of a visitor")
    })
}
