//! Zones for tests that come signed: signed here, and written out as a file.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{ZoneSigner, sign_zone};
use crate::config::dns::{Checks, Denial, DnssecConfig, SerialRule};
use crate::dns::compiled::{PoolOwners, Zone, compile_zone};
use crate::dnssec::{Algorithm, Role, Times, make};
use crate::zone;

/// The text of a zone, signed at a time in seconds since the epoch with a new key, for 14 days.
pub fn presigned_text(apex: &str, text: &str, now: u64, denial: Denial) -> String {
    let zone = compiled(apex, text);
    let key = make(&zone.apex, Role::Ksk, Algorithm::EcdsaP256, Times::default(), &[]).unwrap().into_key();
    let signer = ZoneSigner::new(zone.apex.clone(), vec![Arc::new(key)], &config(denial, SerialRule::File));
    let signatures = sign_zone(&zone, &signer.at(now), None).unwrap();
    text_of(&zone.signed(Arc::new(signatures)))
}

/// As documents have it that say nothing of the rest; nothing is read from its folder.
pub fn config(denial: Denial, serial: SerialRule) -> DnssecConfig {
    DnssecConfig { keys: "/keys".into(), lifetime: Duration::from_secs(14 * 86_400), denial, serial, zonemd: false }
}

/// A zone of this text, without pools.
pub fn compiled(apex: &str, text: &str) -> Zone {
    let file = zone::parse(apex, Path::new("zone"), text, Checks::Lenient).unwrap();
    let none = std::collections::BTreeMap::new();
    let owners = PoolOwners::new(Path::new("dns.json"), vec![file.apex.clone()], &none).unwrap();
    compile_zone(&file, &owners).unwrap()
}

/// All records of a zone, a line each.
pub fn text_of(zone: &Zone) -> String {
    let mut text = String::new();
    for (owner, set) in zone.whole() {
        let owner = zone::name::to_absolute_text(owner);
        for rdata in set.rdatas() {
            let data = zone::rdata::show(set.rtype, rdata);
            writeln!(text, "{owner} {} {} {data}", set.ttl, zone::rdata::types::to_text(set.rtype)).unwrap();
        }
    }
    text
}
