//! Which certificate a nameserver's document wants ordered from the CA (pure).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::acme::desired::{Desired, Terms};
use crate::api::daemon::Daemon;
use crate::config::acme::ChallengeKind;
use crate::config::dns::EncryptedAcmeConfig;
use crate::config::{DnsConfig, HostPattern, names};

/// What a document says of orders.
pub fn terms(document: &DnsConfig) -> Terms {
    let acme = document.encrypted.as_ref().and_then(|encrypted| encrypted.acme.as_ref());
    let desired = acme.map(|acme| (called(acme), Desired { hosts: sorted(acme), challenge: ChallengeKind::Dns01 }));
    Terms {
        own: document.name.clone(),
        daemon: Daemon::Nameserver,
        ca: acme.map(|acme| Arc::new(acme.ca.clone())),
        desired: desired.into_iter().collect::<BTreeMap<_, _>>(),
    }
}

/// What the certificate goes by: the first of its names, the same at every nameserver with the same names in whatever order.
pub fn called(acme: &EncryptedAcmeConfig) -> String {
    let first = sorted(acme).first().map(|host| host.to_string()).unwrap_or_default();
    let plain = first.strip_prefix("*.").unwrap_or(&first);
    // It is the name of a file.
    names::name(plain).unwrap_or_else(|_| format!("names-{:08x}", crc32fast::hash(first.as_bytes())))
}

fn sorted(acme: &EncryptedAcmeConfig) -> Vec<HostPattern> {
    let mut hosts = acme.names.clone();
    hosts.sort();
    hosts
}

#[cfg(test)]
mod tests;
