//! `zones` of `dns.json`: the zones that are served, and where their files are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::distinct::Distinct;
use crate::config::names;
use crate::config::reader::{Keys, Read, Value};

/// One zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneConfig {
    /// Its master file (RFC 1035, 5). A relative path is relative to the document.
    pub file: PathBuf,
}

/// The keys of a zone.
pub(super) const KEYS: Keys = Keys { object: "zones.NAME", names: &["file"] };

pub(super) fn read(value: &Value<'_>) -> Read<BTreeMap<String, ZoneConfig>> {
    let mut apexes = Distinct::default();
    let zones = value.table(names::dns_name, |apex, location, value| {
        apexes.claim(apex.clone(), location, &format!("the zone {apex}"))?;
        let zone = value.object(&KEYS)?;
        Ok(ZoneConfig { file: zone.required("file", Value::file)? })
    })?;
    value.at_least_one("zone")?;
    Ok(zones)
}
