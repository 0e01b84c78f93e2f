//! Which certificates a document wants ordered (plain data), whichever daemon's it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use crate::api::daemon::Daemon;
use crate::config::acme::{CaConfig, ChallengeKind};
use crate::config::{CertificateConfig, HostPattern};

/// What a document says of orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The daemon's name, by which its peers know it.
    pub own: String,
    /// What it is: a nameserver answers the CA by itself, a proxy has its nameservers answer.
    pub daemon: Daemon,
    /// The CA; none where nothing is ordered.
    pub ca: Option<Arc<CaConfig>>,
    /// What is to be there, by the name that the certificate goes by: of a service, or of a nameserver's clients.
    pub desired: BTreeMap<String, Desired>,
}

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
    pub fn fingerprint(&self, ca: &CaConfig) -> u32 {
        let CaConfig { directory, eab, ca_file, profile, contact: _ } = ca;
        let eab = eab.as_ref().map(|eab| (&eab.key_id, eab.hmac_key_file.display().to_string()));
        let all =
            json!([self.names(), self.challenge.as_str(), directory, profile, eab, ca_file.display().to_string()]);
        crc32fast::hash(all.to_string().as_bytes())
    }

    /// The same number for whoever is served by the same certificate: the same names, by the same CA.
    pub fn number(&self, ca: &CaConfig) -> u32 {
        crc32fast::hash(json!([self.names(), ca.directory]).to_string().as_bytes())
    }
}

/// The folder of what is ordered.
pub fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("acme")
}

/// Where the certificate of this name lies, and its key: one file holds both, so they always fit.
pub fn files(state_dir: &Path, certificate: &str) -> CertificateConfig {
    let file = folder(state_dir).join(format!("{certificate}.pem"));
    CertificateConfig { chain_file: file.clone(), key_file: file }
}
