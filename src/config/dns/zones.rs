//! `zones` of `dns.json`: the zones that are served, and where their files are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::transfers::{self, TransferConfig, TsigKeyConfig};
use crate::config::distinct::Distinct;
use crate::config::names;
use crate::config::reader::{Keys, Read, Value};

/// One zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneConfig {
    /// Its master file (RFC 1035, 5). A relative path is relative to the document.
    pub file: PathBuf,
    /// What is done about text that can be served and is hardly meant. Default lenient.
    pub checks: Checks,
    /// What other nameservers get of it. None: nothing.
    pub transfer: Option<TransferConfig>,
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
pub(super) const KEYS: Keys = Keys { object: "zones.NAME", names: &["checks", "file", "transfer"] };

/// Reads them; `keys` are the document's TSIG keys, if they could be read.
pub(super) fn read(
    value: &Value<'_>,
    keys: Option<&BTreeMap<String, TsigKeyConfig>>,
) -> Read<BTreeMap<String, ZoneConfig>> {
    let mut apexes = Distinct::default();
    let zones = value.table(names::zone_name, |apex, location, value| {
        apexes.claim(apex.clone(), location, &format!("the zone {apex}"))?;
        let zone = value.object(&KEYS)?;
        let file = zone.required("file", Value::file);
        let checks = zone.with_default("checks", Checks::default(), |value| value.one_of(&Checks::ALL));
        let transfer = zone.optional("transfer", |value| transfers::read(value, keys));
        Ok(ZoneConfig { file: file?, checks: checks?, transfer: transfer? })
    })?;
    value.at_least_one("zone")?;
    Ok(zones)
}
