//! The fields by which the proxy alone tells a backend who a visitor is (pure).
//!
//! Two services can have the same backend, and only one of them may ask who its visitors are. The backend cannot tell their requests
//! apart: so what the one says of visitors, no visitor of the other may say.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use super::drops::Drops;
use crate::config::ProxyConfig;
use crate::config::proxy::{CLIENT_CERT, FieldConfig, RemovedFields, ServiceConfig, Variable};

/// Of the addresses of backends that are told such fields by a service: their names.
pub fn by_address(document: &ProxyConfig) -> HashMap<SocketAddr, Arc<Drops>> {
    let mut all: HashMap<SocketAddr, Drops> = HashMap::new();
    for service in document.services.values() {
        let own = of(service);
        let backends = service.target.backends().filter(|_| !own.is_empty());
        for backend in backends.into_iter().flat_map(|backends| &backends.backends) {
            let drops = all.entry(normal(backend.address)).or_default();
            own.iter().for_each(|fields| drops.add(fields));
        }
    }
    all.into_iter().map(|(address, drops)| (address, Arc::new(drops))).collect()
}

/// One form of an address, be it of IPv4 or that in IPv6.
pub fn normal(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Those of one service.
pub fn of(service: &ServiceConfig) -> Vec<RemovedFields> {
    let asks_for_certificates = service.tls.as_ref().is_some_and(|tls| tls.client_certificates.is_some());
    let certificates = asks_for_certificates.then(|| RemovedFields::Beginning(CLIENT_CERT.to_owned()));
    let user = service.basic_auth.as_ref().map(|_| RemovedFields::Named("X-Remote-User".to_owned()));
    let copied = service.forward_auth.iter().flat_map(|auth| &auth.copy);
    let copied = copied.map(|name| RemovedFields::Named(name.as_str().to_owned()));
    let tells = |field: &&FieldConfig| field.value.variables().any(Variable::is_of_certificate);
    let set = service.headers.request.set.iter().filter(tells);
    let set = set.map(|field| RemovedFields::Named(field.name.clone()));
    certificates.into_iter().chain(user).chain(copied).chain(set).collect()
}
