//! The zones of a document signed, with the keys of their folders.

use std::path::Path;
use std::sync::Arc;

use crate::config::{DnsConfig, Finding};
use crate::daemon::key_file::KeyError;
use crate::dns::compiled::{Found, Zone, Zones};
use crate::dns::signing::{Signers, ZoneSigner, check_signable, sign_zone};
use crate::dnssec;
use crate::zone::name::{self, Name};
use crate::zone::number::rtype;

/// Signs the zones that are to be signed, with what there was `before`, for a time in seconds since the epoch. Gives with them what signs them, and what was wrong: such a zone is
/// there as it was.
pub fn sign(
    config: &DnsConfig,
    zones: Arc<Zones>,
    before: Option<&Zones>,
    now: u64,
) -> (Arc<Zones>, Signers, Vec<KeyError>) {
    let (mut signers, mut signed, mut unusable) = (Vec::new(), Vec::new(), Vec::new());
    for (apex, zone) in &config.zones {
        let Some((dnssec, wire)) = zone.dnssec.as_ref().zip(name::from_text(apex)) else { continue };
        let key = || format!("zones.{apex}.dnssec");
        let signer = match dnssec::read_keys(&dnssec.keys, &wire) {
            Ok(keys) => ZoneSigner::new(wire, keys, dnssec.lifetime, dnssec.denial),
            Err(why) => {
                unusable.push(KeyError::at(&why.file, why.line, why.why).of(format!("{}.keys", key())));
                continue;
            }
        };
        if let Some(zone) = zones.get(signer.apex()) {
            let before = before.and_then(|before| before.get(signer.apex())).unwrap_or(zone);
            match sign_one(zone, &signer, before, now) {
                Ok(zone) => signed.push(zone),
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

/// Zones whose files have what a zone that is signed here cannot have.
pub fn unsignable(file: &Path, config: &DnsConfig, zones: &[Arc<Zone>]) -> Vec<Finding> {
    let finding = |zone: &Arc<Zone>| {
        let apex = name::to_text(&zone.apex);
        let dnssec = config.zones.get(&apex)?.dnssec.as_ref()?;
        let message = check_signable(zone, dnssec.denial).err()?.to_string();
        Some(Finding { file: file.into(), line: None, path: format!("zones[\"{apex}\"].dnssec"), message })
    };
    zones.iter().filter_map(finding).collect()
}

/// Zones that are served and lie in one that is signed, which does not delegate them: it proves to resolvers that they are not there.
pub fn undelegated(file: &Path, config: &DnsConfig, zones: &[Arc<Zone>]) -> Vec<Finding> {
    let is_signed =
        |zone: &&Arc<Zone>| config.zones.get(&name::to_text(&zone.apex)).is_some_and(|config| config.dnssec.is_some());
    let mut findings = Vec::new();
    for parent in zones.iter().filter(is_signed) {
        let above = name::to_text(&parent.apex);
        let within =
            config.zones.keys().filter(|apex| **apex != above).filter_map(|apex| Some((apex, Name::from_text(apex)?)));
        for (apex, child) in within.filter(|(_, child)| name::is_within(child.as_bytes(), &parent.apex)) {
            let message = match parent.find(&child, rtype::NS) {
                Found::Cut(cut) if cut.set(rtype::DS).is_none() || config.zones[apex].dnssec.is_some() => continue,
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

fn sign_one(zone: &Zone, signer: &ZoneSigner, before: &Zone, now: u64) -> Result<Arc<Zone>, KeyError> {
    let signatures = sign_zone(zone, &signer.at(now), Some(before)).map_err(|why| KeyError::new(why.to_string()))?;
    Ok(Arc::new(zone.signed(Arc::new(signatures))))
}
