//! `dns.json` and the zone files it names, read and compiled together: at a start, at a reload and by `--check-config`.

mod outgoing_tls;
mod pools;
mod presigned;
mod signing;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::config::dns::{Checks, EncryptedConfig, PoolConfig, ZoneConfig};
use crate::config::regular_file::{MOST_DOCUMENT, read_regular_file};
use crate::config::{self, DnsConfig, Finding, Findings};
use crate::counted::counted;
use crate::daemon::key_file::KeyError;
use crate::daemon::lifecycle::descriptors::DescriptorError;
use crate::daemon::lifecycle::{Document, Settings};
use crate::daemon::peers::Identity;
use crate::daemon::sockets::Listing;
use crate::dns::capacity::Limits;
use crate::dns::compiled::{self, PoolOwners, Zone, Zones};
use crate::dns::control::prepared::{AtHand, Impaired, Instead, Prepared};
use crate::dns::encrypted::Terms;
use crate::dns::encrypted::certificates::{self, Shown};
use crate::dns::journal::{self, Journals};
use crate::dns::locality::Locations;
use crate::dns::pool::near;
use crate::dns::protection::Protection;
use crate::dns::secondary::made;
use crate::dns::signing::Signers;
use crate::dns::transfer::Transfers;
use crate::dns::zone_copies::{ZoneCopies, ZoneCopy};
use crate::dnssec::validate::Depth;
use crate::health::Targets;
use crate::unix_time;
use crate::zone::{self, name};
use pools::Expected;

/// A document with its zones, before any key file is read.
pub struct Parsed {
    config: DnsConfig,
    zones: Arc<Zones>,
    impaired: BTreeMap<String, Impaired>,
    warnings: Vec<Finding>,
    /// The document that is in force.
    before: Option<Before>,
    /// What checks go by must not keep zones from being served.
    at_start: bool,
}

/// What is kept of the document before.
struct Before {
    /// The zones that are served, of which signatures may be kept.
    zones: Arc<Zones>,
    /// What has made these.
    signers: Signers,
    /// What was signed of its pools.
    at_hand: Arc<AtHand>,
    /// What those of the next one are likely to be answered with.
    expected: Expected,
}

impl Parsed {
    fn new(config: DnsConfig, zones: Zones, impaired: BTreeMap<String, Impaired>) -> Parsed {
        // Those about a copy were said when its text was the zone's.
        let files = zones.iter().filter(|zone| zone.fingerprint.is_some());
        let warnings = files.flat_map(|zone| zone.warnings.iter().cloned()).collect();
        Parsed { config, zones: Arc::new(zones), impaired, warnings, before: None, at_start: false }
    }
}

impl Document for Prepared {
    type Parsed = Parsed;

    /// Gives every finding: those of the document, then those of each zone, with what it and the document say together.
    fn parse(file: &Path) -> Result<Parsed, Findings> {
        parse_all(file, None, |_, _, _| None)
    }

    /// A zone that has not changed is the one that is in force, and takes no memory beside it.
    fn parse_again(file: &Path, in_force: &Prepared) -> Result<Parsed, Findings> {
        let before = pool_owners(file, &in_force.config)?;
        let served = in_force.served();
        let parsed = parse_all(file, Some(&served), |apex, zone, owners| {
            let wire = name::from_text(apex).filter(|_| in_force.config.zones.get(apex) == Some(zone))?;
            let kept = served.get(&wire).filter(|_| owners.within(&wire).eq(before.within(&wire)))?;
            kept.fingerprint
                .as_ref()
                .is_some_and(|read| zone.file().is_some_and(|file| read.is_still(file)))
                .then(|| Arc::clone(kept))
        })?;
        let (signers, at_hand) = (in_force.signers.clone(), in_force.at_hand.load_full());
        let expected = pools::expected_after(in_force, &at_hand, &parsed.config);
        Ok(Parsed { before: Some(Before { zones: served, signers, at_hand, expected }), ..parsed })
    }

    /// As [`Document::parse`], but a zone that cannot be used does not keep the others from being served: it is read from its last good
    /// copy, or is unavailable.
    fn parse_at_start(file: &Path) -> Result<Parsed, Findings> {
        let config = parse_config(file)?;
        let owners = pool_owners(file, &config)?;
        let (copies, journals) = (ZoneCopies::new(&config.state_dir), Journals::new(&config.state_dir));
        let (mut zones, mut unavailable, mut impaired) = (Vec::new(), Vec::new(), BTreeMap::new());
        for (apex, zone) in &config.zones {
            if zone.file().is_none() {
                unavailable.extend(name::from_text(apex));
                continue;
            }
            let copy = || {
                copies.read(apex).map_err(|error| error.to_string()).and_then(|ZoneCopy { zone, since }| {
                    compiled::compile_zone(&zone, &owners).map(|zone| (zone, since)).map_err(|why| why.to_string())
                })
            };
            let stored = || journals.read(apex);
            // What is as it was when it was taken was verified then.
            let loaded = presigned::load(apex, zone, &owners, Depth::Structure).and_then(|loaded| {
                let is_known = || copy().is_ok_and(|(copy, _)| journal::have_the_same_records(&copy, &loaded));
                match loaded.is_presigned() && !is_known() {
                    true => presigned::load(apex, zone, &owners, Depth::Signatures),
                    false => Ok(loaded),
                }
            });
            let findings = match loaded {
                Ok(mut loaded) => {
                    // One that is to be signed has its history once it is.
                    if zone.dnssec.is_none() {
                        journal::follow_stored(&mut loaded, zone, stored, || copy().ok().map(|(copy, _)| copy));
                    }
                    zones.push(Arc::new(loaded));
                    continue;
                }
                Err(findings) => findings,
            };
            let instead = match copy() {
                Ok((mut copied, since)) => {
                    let serial = copied.serial;
                    if zone.dnssec.is_none() {
                        journal::follow_stored(&mut copied, zone, stored, || None);
                    }
                    zones.push(Arc::new(copied));
                    Instead::Copy { serial, since }
                }
                Err(why) => match presigned::load_as_it_is(apex, zone, &owners) {
                    Ok(mut loaded) => {
                        journal::follow_stored(&mut loaded, zone, stored, || None);
                        loaded.bogus = Some(made::brief(&findings.0));
                        zones.push(Arc::new(loaded));
                        Instead::AsItIs
                    }
                    Err(_) => {
                        unavailable.extend(name::from_text(apex));
                        Instead::Servfail(why)
                    }
                },
            };
            impaired.insert(apex.clone(), Impaired { findings, instead });
        }
        for (apex, impaired) in &impaired {
            impaired.findings.0.iter().for_each(|finding| tracing::error!("{finding}"));
            tracing::error!("zone {apex} is {impaired}");
        }
        Ok(Parsed { at_start: true, ..Parsed::new(config, Zones::new(zones, unavailable), impaired) })
    }

    fn with_keys(
        Parsed { config, zones, impaired, warnings, before, at_start }: Parsed,
    ) -> Result<(Prepared, Vec<String>), Vec<KeyError>> {
        warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        let identity = config.peers.as_ref().map(|peers| Identity::of_daemon(&config.name, peers)).transpose();
        let challenges = config.acme_challenges.as_ref().map(|challenges| {
            Identity::read(&challenges.key_file).map_err(|error| error.of("acme_challenges.key_file"))
        });
        let (connectors, mut unusable) = outgoing_tls::read(&config);
        let (shown, unusable_shown) =
            config.encrypted.as_ref().map(|encrypted| Shown::read(encrypted, &config.state_dir)).unwrap_or_default();
        unusable.extend(unusable_shown);
        let signed_at = unix_time::unix_ms() / 1000;
        let (zones, signers, unusable_keys) =
            signing::sign(&config, zones, before.as_ref().map(|before| (&*before.zones, &before.signers)), signed_at);
        unusable.extend(unusable_keys);
        if !at_start && !unusable.is_empty() {
            return Err(unusable);
        }
        let missed = unusable.iter().map(|error| format!("{error}; whatever else the document says is done")).collect();
        let transfers = Transfers::read(&config.tsig_keys, &config.zones);
        match (identity, challenges.transpose(), Protection::of(&config), transfers) {
            (Ok(identity), Ok(challenges_identity), Ok(protection), Ok(transfers)) => {
                let (tcp, transfers) = (Limits::of(&config.tcp), Arc::new(transfers));
                let encrypted = config.encrypted.as_ref().zip(shown).map(|(config, shown)| Terms::new(config, shown));
                let locations = Arc::new(Locations::new(&config.locations));
                let before = before.map(|Before { at_hand, expected, .. }| (at_hand, expected));
                let signed_pools = pools::sign(&config, (&zones, &signers), before, signed_at);
                let prepared = Prepared {
                    config,
                    zones,
                    renewed: ArcSwapOption::empty(),
                    impaired,
                    connectors,
                    locations,
                    tcp,
                    encrypted,
                    protection,
                    transfers,
                    signers,
                    signed_at,
                    at_hand: ArcSwap::from_pointee(AtHand::prepared(signed_pools)),
                    identity,
                    challenges_identity,
                };
                Ok((prepared, missed))
            }
            (identity, challenges, protection, transfers) => {
                let errors = identity.err().into_iter().chain(challenges.err()).chain(protection.err());
                Err(errors.chain(transfers.err().into_iter().flatten()).collect())
            }
        }
    }

    fn warnings(parsed: &Parsed) -> &[Finding] {
        &parsed.warnings
    }

    fn fit(&mut self, open_files: u64) -> Result<Option<String>, DescriptorError> {
        let (targets, encrypted) = (Prepared::targets(self).len(), self.encrypted.as_mut());
        self.tcp.fit(encrypted.map(|terms| &mut terms.limits), &self.config, targets, open_files)
    }

    fn in_words(Parsed { config, .. }: &Parsed) -> String {
        format!("{}, {}", counted(config.zones.len(), "zone"), counted(config.pools.len(), "pool"))
    }

    fn settings_of(parsed: &Parsed) -> Settings<'_> {
        settings(&parsed.config)
    }

    fn listens_on(Parsed { config, .. }: &Parsed) -> Listing {
        let told = config.acme_challenges.iter().map(|challenges| challenges.listen);
        let encrypted = config.encrypted.iter().flat_map(EncryptedConfig::addresses);
        let (mut tcp, mut udp) = (config.listeners.clone(), config.listeners.clone());
        tcp.extend(told);
        for (transport, address) in encrypted {
            if transport == "quic" { &mut udp } else { &mut tcp }.push(address);
        }
        Listing { tcp, udp }
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

fn parse_config(file: &Path) -> Result<DnsConfig, Findings> {
    config::dns::load(file).map_err(|mut findings| {
        findings.0.extend(zone_findings_of_a_bad_document(file));
        findings
    })
}

fn pool_owners<'c>(file: &'c Path, config: &'c DnsConfig) -> Result<PoolOwners<'c>, Findings> {
    PoolOwners::new(file, config.zones.keys().filter_map(|apex| name::from_text(apex)).collect(), &config.pools)
}

/// Reads a document and every zone that `kept` has not; they are counted where they were `before`.
fn parse_all(
    file: &Path,
    before: Option<&Zones>,
    kept: impl Fn(&str, &ZoneConfig, &PoolOwners<'_>) -> Option<Arc<Zone>>,
) -> Result<Parsed, Findings> {
    let config = parse_config(file)?;
    let owners = pool_owners(file, &config)?;
    let (mut zones, mut without_file, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    for (apex, zone) in &config.zones {
        if zone.file().is_none() {
            without_file.extend(name::from_text(apex));
            continue;
        }
        if let Some(kept) = kept(apex, zone, &owners) {
            zones.push(kept);
            continue;
        }
        match presigned::load(apex, zone, &owners, Depth::Signatures) {
            // It has its history once it is signed.
            Ok(loaded) if zone.dnssec.is_some() => zones.push(Arc::new(loaded)),
            Ok(mut loaded) => {
                match before.and_then(|before| before.get(&loaded.apex)) {
                    Some(before) => journal::follow(&mut loaded, zone, before),
                    // A check of the document serves nothing.
                    None if before.is_none() => {}
                    None => {
                        let journals = Journals::new(&config.state_dir);
                        journal::follow_stored(&mut loaded, zone, || journals.read(apex), || None);
                    }
                }
                zones.push(Arc::new(loaded));
            }
            Err(more) => findings.extend(more.0),
        }
    }
    let (mut unread, shown) = (Vec::new(), certificates::check(file, &config));
    findings.extend(signing::unsignable(file, &config, &zones));
    findings.extend(signing::undelegated(file, &config, &zones));
    findings.extend(signing::digests_beside_pools(file, &config, &zones));
    findings.extend(presigned::signed_twice(file, &config, zones.iter().map(AsRef::as_ref)));
    for (unusable, unread_of_them) in [outgoing_tls::check(file, &config), shown] {
        findings.extend(unusable);
        unread.extend(unread_of_them);
    }
    if !findings.is_empty() {
        return Err(Findings(findings));
    }
    let zones = Zones::new(zones, without_file);
    let zones = match before {
        Some(before) => zones.following(before),
        None => zones,
    };
    let mut parsed = Parsed::new(config, zones, BTreeMap::new());
    parsed.warnings.extend(too_small(file, &parsed.config));
    parsed.warnings.extend(unread);
    Ok(parsed)
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
        .filter_map(|(apex, name)| zone::load(apex, &folder.join(name), Checks::Lenient).err())
        .flat_map(|findings| findings.0)
        .collect()
}

/// Locations whose members are never answered alone, though the document says where they are.
fn too_small(file: &Path, config: &DnsConfig) -> Vec<Finding> {
    let of_pool = |(name, pool): (&String, &PoolConfig)| {
        let least = pool.nearby_at_least;
        let finding = |(location, members): (&str, usize)| Finding {
            file: file.to_owned(),
            line: None,
            path: format!("pools.{name}.nearby_at_least"),
            message: format!(
                "{} in {location}, and clients there get them alone from {least} on: they get all members, always",
                if members == 1 { "there is 1 member".to_owned() } else { format!("there are {members} members") }
            ),
        };
        near::too_small(pool).into_iter().map(finding).collect::<Vec<_>>()
    };
    config.pools.iter().flat_map(of_pool).collect()
}

#[cfg(test)]
mod tests;
