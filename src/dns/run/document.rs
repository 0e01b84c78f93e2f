//! `dns.json` and the zone files it names, read and compiled together: at a start, at a reload and by `--check-config`.

use std::path::Path;
use std::sync::Arc;

use crate::config::regular_file::{MOST_DOCUMENT, read_regular_file};
use crate::config::{self, DnsConfig, Finding, Findings};
use crate::daemon::key_file::KeyError;
use crate::daemon::lifecycle::descriptors::DescriptorError;
use crate::daemon::lifecycle::{Document, Settings};
use crate::daemon::peers::Identity;
use crate::daemon::sockets::Listing;
use crate::dns::compiled::{self, Zones};
use crate::dns::control::prepared::Prepared;
use crate::dns::protection::Protection;
use crate::health::checker::Targets;
use crate::zone::{self, ZoneFile};

impl Document for Prepared {
    type Parsed = (DnsConfig, Arc<Zones>);

    /// Gives every finding: those of the document, then those of each zone file, then those of what they say together.
    fn parse(file: &Path) -> Result<Self::Parsed, Findings> {
        let config = config::dns::load(file).map_err(|mut findings| {
            findings.0.extend(zone_findings_of_a_bad_document(file));
            findings
        })?;
        let mut files: Vec<ZoneFile> = Vec::new();
        let mut findings = Vec::new();
        for (apex, zone) in &config.zones {
            match zone::load(apex, &zone.file) {
                Ok(zone) => files.push(zone),
                Err(found) => findings.extend(found.0),
            }
        }
        if !findings.is_empty() {
            return Err(Findings(findings));
        }
        let zones = compiled::compile(file, &files, &config.pools)?;
        Ok((config, Arc::new(zones)))
    }

    fn with_keys((config, zones): Self::Parsed) -> Result<Prepared, Vec<KeyError>> {
        let identity = config.peers.as_ref().map(|peers| Identity::of_daemon(&config.name, peers)).transpose();
        match (identity, Protection::of(&config)) {
            (Ok(identity), Ok(protection)) => Ok(Prepared::new(config, zones, protection, identity)),
            (identity, protection) => Err(identity.err().into_iter().chain(protection.err()).collect()),
        }
    }

    fn fit(&mut self, open_files: u64) -> Result<Option<String>, DescriptorError> {
        Prepared::fit(self, open_files)
    }

    fn in_words((config, _): &Self::Parsed) -> String {
        format!("zones {}, pools {}", config.zones.len(), config.pools.len())
    }

    fn settings_of((config, _): &Self::Parsed) -> Settings<'_> {
        settings(config)
    }

    fn listens_on((config, _): &Self::Parsed) -> Listing {
        Listing { tcp: config.listeners.clone(), udp: config.listeners.clone() }
    }

    fn settings(&self) -> Settings<'_> {
        settings(&self.config)
    }

    fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    fn targets(&self) -> Targets {
        Prepared::targets(self)
    }
}

fn settings(config: &DnsConfig) -> Settings<'_> {
    Settings {
        name: &config.name,
        state_dir: &config.state_dir,
        admin: &config.admin,
        peers: config.peers.as_ref(),
        // A reload starts and stops the threads of each listener.
        fixed_workers: None,
        drain: config.drain,
    }
}

/// A document with findings has no typed form, but the operator wants the zones' findings in the same run: takes
/// the zone files' names from wherever they can be made out.
fn zone_findings_of_a_bad_document(file: &Path) -> Vec<Finding> {
    let Ok(text) = read_regular_file(file, MOST_DOCUMENT) else { return Vec::new() };
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(&text) else { return Vec::new() };
    let Some(zones) = value.get("zones").and_then(|zones| zones.as_object()) else { return Vec::new() };
    let folder = file.parent().unwrap_or(Path::new(""));
    let named = zones.iter().filter_map(|(apex, zone)| Some((apex, zone.get("file")?.as_str()?)));
    named
        .filter_map(|(apex, name)| zone::load(apex, &folder.join(name)).err())
        .flat_map(|findings| findings.0)
        .collect()
}
