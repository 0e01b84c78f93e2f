//! Which certificates a proxy's document wants ordered from the CA (pure).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::acme::desired::{Desired, Terms};
use crate::api::daemon::Daemon;
use crate::config::ProxyConfig;
use crate::config::proxy::{CertificateSource, ServiceConfig};

/// What a document says of orders.
pub fn terms(document: &ProxyConfig) -> Terms {
    let desired = desired(document);
    let ca = document.acme.as_ref().filter(|_| !desired.is_empty()).map(|acme| Arc::new(acme.ca.clone()));
    Terms { own: document.name.clone(), daemon: Daemon::Proxy, ca, desired }
}

/// The certificates of a document, by the service for which each is ordered. Services with the same hosts (and other paths) share one,
/// which goes by the first of them: CAs count the certificates of a set of names.
fn desired(document: &ProxyConfig) -> BTreeMap<String, Desired> {
    by_names(document).into_iter().map(|(desired, service)| (service, desired)).collect()
}

/// For each service that gets its certificate from the CA, the service for which that is ordered.
pub fn shared(document: &ProxyConfig) -> BTreeMap<String, String> {
    let by_names = by_names(document);
    let of = |service: &ServiceConfig| Some((service.name.clone(), by_names.get(&of_service(service)?)?.clone()));
    document.services.values().filter_map(of).collect()
}

fn by_names(document: &ProxyConfig) -> BTreeMap<Desired, String> {
    let mut all = BTreeMap::new();
    for service in document.services.values() {
        if let Some(desired) = of_service(service) {
            all.entry(desired).or_insert_with(|| service.name.clone());
        }
    }
    all
}

fn of_service(service: &ServiceConfig) -> Option<Desired> {
    let CertificateSource::Acme(challenge) = service.tls.as_ref()?.source else { return None };
    let mut hosts = service.hosts.clone();
    hosts.sort();
    Some(Desired { hosts, challenge })
}

#[cfg(test)]
mod tests;
