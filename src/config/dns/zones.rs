//! `zones` of `dns.json`: the zones that are served, and where they come from: a file, or other nameservers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::transfers::{self, PrimaryConfig, TransferConfig, TsigKeyConfig};
use crate::config::distinct::Distinct;
use crate::config::names;
use crate::config::reader::{Keys, Read, Value};

/// One zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneConfig {
    /// Where it comes from.
    pub source: ZoneSource,
    /// What is done about text that can be served and is hardly meant. Default lenient.
    pub checks: Checks,
    /// What other nameservers get of it. None: nothing.
    pub transfer: Option<TransferConfig>,
}

/// Where a zone comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ZoneSource {
    /// Its master file (RFC 1035, 5). A relative path is relative to the document.
    File(PathBuf),
    /// Other nameservers, by transfers; never empty. The first one is asked first.
    Primaries(Vec<PrimaryConfig>),
}

impl ZoneConfig {
    /// Its master file, if it comes from one.
    pub fn file(&self) -> Option<&Path> {
        match &self.source {
            ZoneSource::File(file) => Some(file),
            ZoneSource::Primaries(_) => None,
        }
    }

    /// The nameservers that it comes from; none if it comes from a file.
    pub fn primaries(&self) -> &[PrimaryConfig] {
        match &self.source {
            ZoneSource::File(_) => &[],
            ZoneSource::Primaries(primaries) => primaries,
        }
    }
}

/// What is done about zone text that can be served but is hardly meant, or is not answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Checks {
    /// The zone is loaded, with a warning.
    #[default]
    Lenient,
    /// The zone is refused.
    Strict,
}

impl Checks {
    /// Both, as documents name them.
    pub const ALL: [(&str, Checks); 2] = [("lenient", Checks::Lenient), ("strict", Checks::Strict)];
}

/// The keys of a zone.
pub(super) const KEYS: Keys = Keys { object: "zones.NAME", names: &["checks", "file", "primaries", "transfer"] };

/// Reads them; `keys` are the document's TSIG keys, if they could be read.
pub(super) fn read(
    value: &Value<'_>,
    keys: Option<&BTreeMap<String, TsigKeyConfig>>,
) -> Read<BTreeMap<String, ZoneConfig>> {
    let mut apexes = Distinct::default();
    let zones = value.table(names::zone_name, |apex, location, value| {
        apexes.claim(apex.clone(), location, &format!("the zone {apex}"))?;
        let zone = value.object(&KEYS)?;
        let file = zone.optional("file", Value::file);
        let primaries = zone.optional("primaries", |value| transfers::read_primaries(value, keys));
        let checks = zone.with_default("checks", Checks::default(), |value| value.one_of(&Checks::ALL));
        let transfer = zone.optional("transfer", |value| transfers::read(value, keys));
        let source = match (file?, primaries?) {
            (Some(file), None) => ZoneSource::File(file),
            (None, Some(primaries)) => ZoneSource::Primaries(primaries),
            (None, None) => return Err(value.fault("expected \"file\", or \"primaries\" that it is got from")),
            (Some(_), Some(_)) => return Err(value.fault("has \"file\" and \"primaries\": expected one of them")),
        };
        Ok(ZoneConfig { source, checks: checks?, transfer: transfer? })
    })?;
    value.at_least_one("zone")?;
    Ok(zones)
}
