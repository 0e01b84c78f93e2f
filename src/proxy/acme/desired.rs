//! Which certificates a document wants ordered (pure).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::config::ProxyConfig;
use crate::config::proxy::{
    AcmeConfig, CertificateConfig, CertificateSource, ChallengeKind, HostPattern, ServiceConfig,
};

/// A certificate that the document wants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Desired {
    /// The hosts that it is to be for.
    pub hosts: Vec<HostPattern>,
    /// How the CA is to be convinced.
    pub challenge: ChallengeKind,
}

impl Desired {
    /// The names, as the CA has them.
    pub fn names(&self) -> Vec<String> {
        self.hosts.iter().map(ToString::to_string).collect()
    }

    /// The same number for whoever would order the same in the same way: what failed for one would fail for the other.
    pub fn fingerprint(&self, ca: &AcmeConfig) -> u32 {
        let AcmeConfig { directory, eab, ca_file, profile, .. } = ca;
        let eab = eab.as_ref().map(|eab| (&eab.key_id, eab.hmac_key_file.display().to_string()));
        let all =
            json!([self.names(), self.challenge.as_str(), directory, profile, eab, ca_file.display().to_string()]);
        crc32fast::hash(all.to_string().as_bytes())
    }
}

/// Those of a document, by the service for which each is ordered. Services with the same hosts (and other paths) share one, which goes
/// by the first of them: CAs count the certificates of a set of names.
pub fn desired(document: &ProxyConfig) -> BTreeMap<String, Desired> {
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

/// The folder of what is ordered.
pub fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("acme")
}

/// Where the certificate of a service lies, and its key: one file holds both, so they always fit.
pub fn files(state_dir: &Path, service: &str) -> CertificateConfig {
    let file = folder(state_dir).join(format!("{service}.pem"));
    CertificateConfig { chain_file: file.clone(), key_file: file }
}

#[cfg(test)]
mod tests;
