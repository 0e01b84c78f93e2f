//! Reads every document and zone file with the daemons' own parsers.

use std::collections::BTreeMap;
use std::path::Path;

use super::report::{Checked, Finding};
use crate::config::{self, DnsConfig, Findings, ProxyConfig};
use crate::dns::compiled::{self, Zones};
use crate::fleet::{Fleet, System};
use crate::zone::name::{self, Name};
use crate::zone::{self, ZoneFile};

/// What the daemons would run with: those whose documents could be read.
pub(super) struct Running {
    /// The nameservers by host.
    pub(super) nameservers: BTreeMap<String, Nameserver>,
    /// The proxies' documents by host.
    pub(super) proxies: BTreeMap<String, ProxyConfig>,
    /// The zone files by apex.
    pub(super) zones: BTreeMap<String, ZoneFile>,
    /// Every document could be read: what is not here does not exist.
    pub(super) complete: bool,
}

/// One nameserver's document, and its zones as it would answer from them.
pub(super) struct Nameserver {
    pub(super) config: DnsConfig,
    /// Those with a file: what stands in the others is not known before they have come.
    pub(super) zones: Zones,
}

/// Where a nameserver has from what it answers at a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source<'n> {
    /// From the file of a zone.
    File,
    /// From other nameservers, with the zone of this apex.
    Primaries(&'n str),
    /// From other nameservers, if their catalog lists a zone of the name: no other zone has it.
    Catalog,
    /// From nowhere.
    Nowhere,
}

impl Nameserver {
    /// By its document alone. Of several zones that enclose a name the deepest one has it.
    pub(super) fn source_of(&self, name: &Name) -> Source<'_> {
        let is_within = |apex: &str| name::from_text(apex).is_some_and(|apex| name::is_within(name.as_bytes(), &apex));
        let public = self.config.zones.iter().filter(|(_, zone)| !zone.is_catalog());
        // Each is the end of the name: the longest is the deepest.
        let deepest = public.filter(|(apex, _)| is_within(apex)).max_by_key(|(apex, _)| apex.len());
        match deepest {
            Some((_, zone)) if zone.file().is_some() => Source::File,
            Some((apex, _)) => Source::Primaries(apex),
            None if self.config.zones.values().any(|zone| zone.member().is_some()) => Source::Catalog,
            None => Source::Nowhere,
        }
    }
}

pub(super) fn read(fleet: &Fleet, checked: &mut Checked) -> Running {
    let before = checked.findings.len();
    let zones = read_zones(fleet, checked);
    let (mut nameservers, mut proxies) = (BTreeMap::new(), BTreeMap::new());
    for (host, system) in &fleet.systems {
        match system {
            System::Refused(messages) => {
                checked.findings.extend(messages.iter().map(|message| Finding::new(host, message)));
            }
            System::Rendered { dns, proxy, .. } => {
                if let Some(text) = dns
                    && let Some(nameserver) = nameserver(host, text, &zones, checked)
                {
                    nameservers.insert(host.clone(), nameserver);
                }
                if let Some(text) = proxy
                    && let Some(config) = sound(config::proxy::parse(&named(host, "proxy.json"), text), checked)
                {
                    proxies.insert(host.clone(), config);
                }
            }
        }
    }
    Running { nameservers, proxies, zones, complete: checked.findings.len() == before }
}

fn read_zones(fleet: &Fleet, checked: &mut Checked) -> BTreeMap<String, ZoneFile> {
    let mut zones = BTreeMap::new();
    for (apex, zone) in &fleet.zones {
        match zone::load(apex, &zone.file, zone.checks) {
            Ok(file) => {
                checked.notes.extend(file.warnings.iter().cloned().map(Finding::from));
                zones.insert(apex.clone(), file);
            }
            Err(findings) => checked.findings.extend(findings.0.into_iter().map(Finding::from)),
        }
    }
    zones
}

/// The document names each zone's file by its path in the store; what is read is the file that the operator edits.
fn nameserver(host: &str, text: &str, zones: &BTreeMap<String, ZoneFile>, checked: &mut Checked) -> Option<Nameserver> {
    let file = named(host, "dns.json");
    let config = sound(config::dns::parse(&file, text), checked)?;
    let with_file = || config.zones.iter().filter(|(_, zone)| zone.file().is_some()).map(|(apex, _)| apex);
    let files: Vec<ZoneFile> = with_file().filter_map(|apex| zones.get(apex).cloned()).collect();
    // A zone that could not be read would make its pools look homeless.
    if files.len() < with_file().count() {
        return None;
    }
    let zones = sound(compiled::compile(&file, &files, &config.pools), checked)?;
    Some(Nameserver { config, zones })
}

/// Returns what was read, or notes its findings: without line numbers, as nobody has seen a rendered document as text.
fn sound<T>(read: Result<T, Findings>, checked: &mut Checked) -> Option<T> {
    match read {
        Ok(sound) => Some(sound),
        Err(findings) => {
            for mut finding in findings.0 {
                if finding.file.extension().is_some_and(|extension| extension == "json") {
                    finding.line = None;
                }
                checked.findings.push(finding.into());
            }
            None
        }
    }
}

/// `px-nl: proxy.json`: the name of a document in findings, in place of a file's path.
fn named(host: &str, document: &str) -> std::path::PathBuf {
    Path::new(&format!("{host}: {document}")).to_owned()
}
