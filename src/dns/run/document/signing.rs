//! The zones of a document signed, with the keys of their folders.

use std::path::Path;
use std::sync::Arc;

use crate::config::{DnsConfig, Finding};
use crate::daemon::key_file::KeyError;
use crate::dns::compiled::{Found, Zone, Zones};
use crate::dns::journal::{self, Journals};
use crate::dns::signing::{Signers, ZoneSigner, check_signable, sign_zone};
use crate::dnssec;
use crate::zone::name::{self, Name};
use crate::zone::number::rtype;

/// Signs the zones that are to be signed, with what there was `before`, for a time in seconds since the epoch. Gives with them what signs them, and what was wrong: such a zone is
/// there as it was.
pub fn sign(
    DnsConfig { zones: configs, state_dir, .. }: &DnsConfig,
    zones: Arc<Zones>,
    before: Option<(&Zones, &Signers)>,
    now: u64,
) -> (Arc<Zones>, Signers, Vec<KeyError>) {
    let (mut signers, mut signed, mut unusable) = (Vec::new(), Vec::new(), Vec::new());
    for (apex, config) in configs {
        let Some((dnssec, wire)) = config.dnssec.as_ref().zip(name::from_text(apex)) else { continue };
        let key = || format!("zones.{apex}.dnssec");
        let signer = match dnssec::read_keys(&dnssec.keys, &wire) {
            Ok(keys) => {
                let signer = ZoneSigner::new(wire, keys, dnssec);
                match before.and_then(|(_, signers)| signers.of(signer.apex())) {
                    Some(before) => signer.following(before),
                    None => signer,
                }
            }
            Err(why) => {
                unusable.push(KeyError::at(&why.file, why.line, why.why).of(format!("{}.keys", key())));
                continue;
            }
        };
        if let Some(zone) = zones.get(signer.apex()) {
            let served = before.and_then(|(zones, _)| zones.get(signer.apex()));
            match sign_one(zone, &signer, served.unwrap_or(zone), now) {
                Ok(mut one) => {
                    match served {
                        Some(served) => journal::follow(&mut one, config, served),
                        None => {
                            let journals = Journals::new(state_dir);
                            journal::follow_stored(&mut one, config, || journals.read(apex), || None);
                        }
                    }
                    signed.push(Arc::new(one));
                }
                Err(why) => {
                    unusable.push(why.of(key()));
                    continue;
                }
            }
        }
        signers.push(signer);
    }
    let zones = if signed.is_empty() { zones } else { Arc::new(zones.replacing(signed)) };
    (zones, signers.into_iter().collect(), unusable)
}

/// Zones that are to have a digest, and in which a pool has a name: its addresses change without the zone.
pub fn digests_beside_pools(file: &Path, config: &DnsConfig, zones: &[Arc<Zone>]) -> Vec<Finding> {
    let has_digest =
        |apex: &str| config.zones.get(apex).and_then(|zone| zone.dnssec.as_ref()).is_some_and(|dnssec| dnssec.zonemd);
    let beside = zones.iter().filter_map(|zone| {
        let (apex, (_, pool)) = (name::to_text(&zone.apex), zone.pool_names().next()?);
        let message = format!(
            "cannot be true beside a pool in the zone: {} is one's name, and its addresses change without the digest; take out one of the two",
            name::to_text(pool.name())
        );
        let path = format!("zones[\"{apex}\"].dnssec.zonemd");
        has_digest(&apex).then(|| Finding { file: file.into(), line: None, path, message })
    });
    beside.collect()
}

/// Zones whose files have what a zone that is signed here cannot have.
pub fn unsignable(file: &Path, config: &DnsConfig, zones: &[Arc<Zone>]) -> Vec<Finding> {
    let finding = |zone: &&Arc<Zone>| {
        let apex = name::to_text(&zone.apex);
        let dnssec = config.zones.get(&apex)?.dnssec.as_ref()?;
        let message = check_signable(zone, dnssec.denial).err()?.to_string();
        Some(Finding { file: file.into(), line: None, path: format!("zones[\"{apex}\"].dnssec"), message })
    };
    zones.iter().filter(|zone| !zone.is_presigned()).filter_map(|zone| finding(&zone)).collect()
}

/// Zones that are served and lie in one that is signed, which does not delegate them: it proves to resolvers that they are not there.
pub fn undelegated(file: &Path, config: &DnsConfig, zones: &[Arc<Zone>]) -> Vec<Finding> {
    let is_signed_here = |apex: &str| config.zones.get(apex).is_some_and(|config| config.dnssec.is_some());
    let is_presigned = |apex: &[u8]| zones.iter().any(|zone| *zone.apex == *apex && zone.is_presigned());
    let is_signed = |zone: &&Arc<Zone>| zone.is_presigned() || is_signed_here(&name::to_text(&zone.apex));
    let mut findings = Vec::new();
    for parent in zones.iter().filter(is_signed) {
        let above = name::to_text(&parent.apex);
        let within =
            config.zones.keys().filter(|apex| **apex != above).filter_map(|apex| Some((apex, Name::from_text(apex)?)));
        for (apex, child) in within.filter(|(_, child)| name::is_within(child.as_bytes(), &parent.apex)) {
            let message = match parent.find(&child, rtype::NS) {
                Found::Cut(cut) if cut.set(rtype::DS).is_none() || is_signed_here(apex) => continue,
                Found::Cut(_) if is_presigned(child.as_bytes()) => continue,
                Found::Cut(cut) if !cut.is_called(child.as_bytes()) => continue,
                Found::Cut(_) if config.zones[apex].file().is_none() => continue,
                Found::Cut(_) => format!(
                    "it has a DS for {apex}, which is served here and has no \"dnssec\": resolvers that validate refuse it; remove the DS from the file of \
                     {above}, or have {apex} signed"
                ),
                _ => format!(
                    "it is signed, and does not delegate {apex}, which is served here too: resolvers that validate would find proof that there is \
                     no such zone; add its NS records to the file of {above}, and its DS if it is signed"
                ),
            };
            let path = format!("zones[\"{above}\"].dnssec");
            findings.push(Finding { file: file.into(), line: None, path, message });
        }
    }
    findings
}

fn sign_one(zone: &Zone, signer: &ZoneSigner, before: &Zone, now: u64) -> Result<Zone, KeyError> {
    let signatures = sign_zone(zone, &signer.at(now), Some(before)).map_err(|why| KeyError::new(why.to_string()))?;
    Ok(zone.signed(Arc::new(signatures)))
}
