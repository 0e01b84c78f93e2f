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

/// What the certificate goes by, on the disk and between peers: the name that it is for where it is for one alone; else the first one, and a
/// fingerprint of all. It is the same at every nameserver with the same names in whatever order, and another one wherever the names differ:
/// those that share a first name would take each other's certificate, and its key.
pub fn called(acme: &EncryptedAcmeConfig) -> String {
    let all: Vec<String> = sorted(acme).iter().map(HostPattern::to_string).collect();
    // It is the name of a file.
    if let [alone] = &all[..]
        && let Ok(name) = names::name(alone)
    {
        return name;
    }
    let first = all.first().map_or("", String::as_str);
    let plain = first.strip_prefix("*.").unwrap_or(first);
    let fingerprint = format!("{:08x}", crc32fast::hash(all.join(" ").as_bytes()));
    names::name(&format!("{plain}-{fingerprint}")).unwrap_or_else(|_| format!("names-{fingerprint}"))
}

/// Each of the names once.
fn sorted(acme: &EncryptedAcmeConfig) -> Vec<HostPattern> {
    let mut hosts = acme.names.clone();
    hosts.sort();
    hosts.dedup();
    hosts
}

#[cfg(test)]
mod tests;
