//! The document and the zone files it names, read and compiled together: at start, at a reload and by `--check-config`.

use std::path::Path;
use std::sync::Arc;

use super::compiled::{self, Zones};
use crate::config::regular_file::{MOST_DOCUMENT, read_regular_file};
use crate::config::{self, DnsConfig, Findings};
use crate::zone::{self, ZoneFile};

/// A document that can be served.
#[derive(Debug, Clone)]
pub struct Document {
    /// What it says.
    pub config: DnsConfig,
    /// Its zones, with the pools' names in them.
    pub zones: Arc<Zones>,
}

/// Reads all of it, or gives every finding: those of the document, then those of each zone file, then those of what
/// they say together.
pub fn load(file: &Path) -> Result<Document, Findings> {
    let config = match config::dns::load(file) {
        Ok(config) => config,
        Err(mut findings) => {
            findings.0.extend(zone_findings_of_a_bad_document(file));
            return Err(findings);
        }
    };
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
    Ok(Document { config, zones: Arc::new(zones) })
}

/// A document with findings has no typed form, but the operator wants the zones' findings in the same run: takes
/// the zone files' names from wherever they can be made out.
fn zone_findings_of_a_bad_document(file: &Path) -> Vec<crate::config::Finding> {
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
