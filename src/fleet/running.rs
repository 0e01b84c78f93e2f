//! What a host runs with, as text: one side of a comparison. What runs now comes from its gate, what is to run from evaluation.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::{self, DnsConfig, ProxyConfig};

/// What the daemons and units of a host run with, as text: the old side of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The system these are of.
    pub system: PathBuf,
    /// The documents by file name: `dns.json`, `proxy.json`.
    pub documents: BTreeMap<String, String>,
    /// The zone files that `dns.json` names, by apex.
    pub zones: BTreeMap<String, String>,
    /// The text of each unit, drop-ins appended, by name.
    pub units: BTreeMap<String, String>,
    /// What no switch may change (`system.switch.inhibitors` of NixOS), by name.
    #[serde(default)]
    pub inhibitors: BTreeMap<String, String>,
}

impl Running {
    /// What NixOS refuses to switch over: `dbus-implementation: dbus -> broker`. With any, the machine has to boot into the new system.
    pub fn inhibitors_changed_by(&self, new: &Running) -> Vec<String> {
        let changed = self.inhibitors.iter().filter_map(|(name, before)| {
            let after = new.inhibitors.get(name).filter(|after| *after != before)?;
            Some(format!("{name}: {before} -> {after}"))
        });
        changed.collect()
    }
}

impl Running {
    /// The configuration of the nameserver; `None` without one, or if its document is not valid.
    pub fn dns_config(&self) -> Option<DnsConfig> {
        config::dns::parse(Path::new("dns.json"), self.documents.get("dns.json")?).ok()
    }

    /// The configuration of the proxy, likewise.
    pub fn proxy_config(&self) -> Option<ProxyConfig> {
        config::proxy::parse(Path::new("proxy.json"), self.documents.get("proxy.json")?).ok()
    }
}
