//! The zones of a document signed, with the keys of their folders.

use std::sync::Arc;

use crate::config::DnsConfig;
use crate::daemon::key_file::KeyError;
use crate::dns::compiled::{Zone, Zones};
use crate::dns::signing::{Signers, ZoneSigner, sign_zone};
use crate::dnssec;
use crate::zone::name;

/// Signs the zones that are to be signed, for a time in seconds since the epoch. Gives with them what signs them, and what was wrong: such a zone is
/// there as it was.
pub fn sign(config: &DnsConfig, zones: Arc<Zones>, now: u64) -> (Arc<Zones>, Signers, Vec<KeyError>) {
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
            match sign_one(zone, &signer, now) {
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

fn sign_one(zone: &Zone, signer: &ZoneSigner, now: u64) -> Result<Arc<Zone>, KeyError> {
    let signatures = sign_zone(zone, &signer.at(now), Some(zone)).map_err(|why| KeyError::new(why.to_string()))?;
    Ok(Arc::new(zone.signed(Arc::new(signatures))))
}
