//! `zones` of `dns.json`: the zones that are served, and where they come from: a file, other nameservers, or the names of the other zones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::catalogs::{self, CatalogConfig, Known};
use super::dnssec::{self, DnssecConfig, SerialRule};
use super::transfers::{self, PoolsInTransfer, PrimaryConfig, TransferConfig, TsigKeyConfig};
use crate::config::distinct::Distinct;
use crate::config::names;
use crate::config::reader::{Keys, Object, Read, Value};

/// One zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneConfig {
    /// Where it comes from.
    pub source: ZoneSource,
    /// What is done about text that can be served and is hardly meant. Default lenient.
    pub checks: Checks,
    /// What other nameservers get of it. None: nothing.
    pub transfer: Option<TransferConfig>,
    /// How it is signed here. None: it is answered as it came. Only of a zone from a file.
    pub dnssec: Option<DnssecConfig>,
}

/// Where a zone comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ZoneSource {
    /// Its master file (RFC 1035, 5). A relative path is relative to the document.
    File(PathBuf),
    /// Other nameservers, by transfers; never empty. The first one is asked first.
    Primaries(Vec<PrimaryConfig>),
    /// The names of other zones of the document, which it lists for other nameservers.
    Catalog(CatalogConfig),
    /// Other nameservers, by transfers: it lists zones that are served too, each as this says.
    Members(Vec<PrimaryConfig>, Box<ZoneConfig>),
}

impl ZoneConfig {
    /// Its master file, if it comes from one.
    pub fn file(&self) -> Option<&Path> {
        match &self.source {
            ZoneSource::File(file) => Some(file),
            ZoneSource::Primaries(_) | ZoneSource::Catalog(_) | ZoneSource::Members(..) => None,
        }
    }

    /// The nameservers that it comes from; none if it comes from a file.
    pub fn primaries(&self) -> &[PrimaryConfig] {
        match &self.source {
            ZoneSource::File(_) | ZoneSource::Catalog(_) => &[],
            ZoneSource::Primaries(primaries) | ZoneSource::Members(primaries, _) => primaries,
        }
    }

    /// What it is made of, if it is a catalog that is made here.
    pub fn catalog(&self) -> Option<&CatalogConfig> {
        match &self.source {
            ZoneSource::Catalog(catalog) => Some(catalog),
            ZoneSource::File(_) | ZoneSource::Primaries(_) | ZoneSource::Members(..) => None,
        }
    }

    /// How the zones are served that it lists, if it is a catalog of other nameservers.
    pub fn member(&self) -> Option<&ZoneConfig> {
        match &self.source {
            ZoneSource::Members(_, member) => Some(member),
            ZoneSource::File(_) | ZoneSource::Primaries(_) | ZoneSource::Catalog(_) => None,
        }
    }

    /// It lists zones for nameservers, and is answered only to those who may have it whole.
    pub fn is_catalog(&self) -> bool {
        self.catalog().is_some() || self.member().is_some()
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
pub(super) const KEYS: Keys =
    Keys { object: "zones.NAME", names: &["catalog", "checks", "dnssec", "file", "members", "primaries", "transfer"] };

/// The keys of `members`.
pub(super) const MEMBERS: Keys = Keys { object: "zones.NAME.members", names: &["checks", "primaries", "transfer"] };

/// What `members` says.
struct Members {
    /// None: those of the catalog.
    primaries: Option<Vec<PrimaryConfig>>,
    checks: Checks,
    transfer: Option<TransferConfig>,
}

/// Reads them; `keys` are the document's TSIG keys, if they could be read.
pub(super) fn read(
    value: &Value<'_>,
    keys: Option<&BTreeMap<String, TsigKeyConfig>>,
) -> Read<BTreeMap<String, ZoneConfig>> {
    let mut apexes = Distinct::default();
    let mut catalogs = Vec::new();
    let mut zones = value.table(names::zone_name, |apex, location, value| {
        apexes.claim(apex.clone(), location, &format!("the zone {apex}"))?;
        let zone = value.object(&KEYS)?;
        let file = zone.optional("file", Value::file);
        let primaries = zone.optional("primaries", |value| transfers::read_primaries(value, keys));
        let catalog = zone.optional("catalog", catalogs::read);
        let members = zone.optional("members", |value| read_members(value, keys));
        let checks = zone.with_default("checks", Checks::default(), |value| value.one_of(&Checks::ALL));
        let transfer = zone.optional("transfer", |value| transfers::read(value, keys));
        let dnssec = match (zone.get("primaries"), zone.get("catalog")) {
            (None, None) => zone.optional("dnssec", dnssec::read),
            (Some(_), _) => {
                zone.refuse(&["dnssec"], "beside \"primaries\": a zone is signed where its file is").map(|()| None)
            }
            (None, Some(_)) => {
                zone.refuse(&["dnssec"], "beside \"catalog\", which no resolver asks for").map(|()| None)
            }
        };
        if let (Ok(Some(transfer)), Ok(Some(dnssec))) = (&transfer, &dnssec) {
            with_signatures(&zone, transfer, dnssec.serial)?;
        }
        let (file, primaries, catalog, members) = (file?, primaries?, catalog?, members?);
        if members.is_some() && primaries.is_none() {
            return Err(
                value.fault("has \"members\", and so is a catalog of other nameservers: expected \"primaries\"")
            );
        }
        let source = match (file, primaries, catalog) {
            (Some(file), None, None) => ZoneSource::File(file),
            (None, Some(primaries), None) => match members {
                Some(members) => ZoneSource::Members(primaries.clone(), Box::new(members.config(primaries))),
                None => ZoneSource::Primaries(primaries),
            },
            (None, None, Some(catalog)) => {
                catalogs.push((apex.clone(), catalog));
                ZoneSource::Catalog(CatalogConfig::default())
            }
            (None, None, None) => {
                return Err(value
                    .fault("expected \"file\", \"primaries\" that it is got from, or \"catalog\" that it is made of"));
            }
            _ => return Err(value.fault("expected only one of \"file\", \"primaries\" and \"catalog\"")),
        };
        Ok(ZoneConfig { source, checks: checks?, transfer: transfer?, dnssec: dnssec? })
    })?;
    value.at_least_one("zone")?;
    let known = zones
        .iter()
        .map(|(apex, zone)| (apex.clone(), Known { is_catalog: zone.is_catalog(), is_given: zone.transfer.is_some() }));
    let known: BTreeMap<String, Known> = known.collect();
    let resolved: Vec<Read<(String, CatalogConfig)>> =
        catalogs.into_iter().map(|(apex, written)| Ok((apex.clone(), written.resolve(&apex, &known)?))).collect();
    for (apex, catalog) in resolved.into_iter().collect::<Read<Vec<_>>>()? {
        if let Some(zone) = zones.get_mut(&apex) {
            zone.source = ZoneSource::Catalog(catalog);
        }
    }
    Ok(zones)
}

/// What cannot be said of the transfer of a zone that is signed here.
fn with_signatures(zone: &Object<'_>, transfer: &TransferConfig, serial: SerialRule) -> Read<()> {
    let Some(value) = zone.get("transfer") else { return Ok(()) };
    if !transfer.notify.is_empty() && serial == SerialRule::File {
        return Err(value.fault(
            "cannot have \"notify\" beside \"dnssec\" with the serial of the file: it does not rise with the signatures, and who keeps a copy would answer \
             with those that have run out; expected \"serial\": \"hourly\" in \"dnssec\"",
        ));
    }
    if transfer.pools != PoolsInTransfer::Present {
        return Err(value.fault(
            "cannot leave out pools beside \"dnssec\": the signed zone says that they are there; expected \"pools\": \"present\", or none",
        ));
    }
    Ok(())
}

fn read_members(value: &Value<'_>, keys: Option<&BTreeMap<String, TsigKeyConfig>>) -> Read<Members> {
    let members = value.object(&MEMBERS)?;
    let primaries = members.optional("primaries", |value| transfers::read_primaries(value, keys));
    let checks = members.with_default("checks", Checks::default(), |value| value.one_of(&Checks::ALL));
    let transfer = members.optional("transfer", |value| transfers::read(value, keys));
    Ok(Members { primaries: primaries?, checks: checks?, transfer: transfer? })
}

impl Members {
    fn config(self, of_catalog: Vec<PrimaryConfig>) -> ZoneConfig {
        let source = ZoneSource::Primaries(self.primaries.unwrap_or(of_catalog));
        ZoneConfig { source, checks: self.checks, transfer: self.transfer, dnssec: None }
    }
}
