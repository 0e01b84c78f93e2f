//! Zones whose files come signed, as validators would find them: with the keys that the zone above leads to, if that is the fleet's too.

use super::documents::Running;
use super::report::{Checked, Finding};
use crate::dns::compiled::Zone;
use crate::dnssec::validate::{Depth, Judged, Severity, Subject, is_signed, validate};
use crate::unix_time;
use crate::zone::name;
use crate::zone::number::rtype;
use crate::zone::{ZoneFile, ZoneRecord};

pub(super) fn check(running: &Running, checked: &mut Checked) {
    let now = unix_time::unix_ms() / 1000;
    for (apex, file) in running.zones.iter().filter(|(_, file)| is_signed(&file.records)) {
        let parent = signers_above(running, file);
        let (records, depth, parent) = (&file.records, Depth::Signatures, parent.as_deref());
        let flaws = validate(&Subject { apex: &file.apex, records, now, depth, parent });
        let Judged { errors, warnings } =
            Judged::of(file, &flaws, |severity| matches!(severity, Severity::Bogus | Severity::Untimely));
        checked.findings.extend(errors.into_iter().map(Finding::from));
        checked.notes.extend(warnings.into_iter().map(Finding::from));
        signed_twice(running, apex, checked);
    }
    digests_beside_pools(running, checked);
}

/// A zone with a pool's name cannot have a digest: what is answered there changes without it.
fn digests_beside_pools(running: &Running, checked: &mut Checked) {
    for nameserver in running.nameservers.values() {
        let has_digest = |zone: &&Zone| {
            let config = nameserver.config.zones.get(&name::to_text(&zone.apex));
            config.and_then(|zone| zone.dnssec.as_ref()).is_some_and(|dnssec| dnssec.zonemd)
        };
        for zone in nameserver.zones.iter().filter(has_digest) {
            let Some((_, pool)) = zone.pool_names().next() else { continue };
            let (apex, pool) = (name::to_text(&zone.apex), name::to_text(pool.name()));
            let message = format!(
                "is to have a digest (\"zonemd\"), and {pool} in it is a pool's, whose addresses change without it: take out one of the two"
            );
            checked.finding(format!("zone {apex}"), message);
        }
    }
}

/// The DS records of a zone in that of the fleet which delegates it; none: it has none, or is not the fleet's.
fn signers_above(running: &Running, file: &ZoneFile) -> Option<Vec<Vec<u8>>> {
    let is_above = |other: &&ZoneFile| other.apex != file.apex && name::is_within(&file.apex, &other.apex);
    let parent = running.zones.values().filter(is_above).max_by_key(|above| above.apex.len())?;
    let is_of_it = |record: &ZoneRecord<'_>| record.rtype == rtype::DS && record.owner.eq_ignore_ascii_case(&file.apex);
    let signers: Vec<Vec<u8>> = parent.records.iter().filter(is_of_it).map(|record| record.rdata.to_vec()).collect();
    (!signers.is_empty()).then_some(signers)
}

fn signed_twice(running: &Running, apex: &str, checked: &mut Checked) {
    let has_signed = |config: &crate::config::DnsConfig| {
        config.zones.get(apex).is_some_and(|zone| zone.file().is_some() && zone.dnssec.is_some())
    };
    let mut hosts = running.nameservers.iter().filter(|(_, nameserver)| has_signed(&nameserver.config));
    if let Some((host, _)) = hosts.next() {
        let message = format!(
            "its file is signed already, and {host} is to sign it (\"dnssec\"): give it a file without signatures, or take \"dnssec\" out and it is served \
             with those that it has"
        );
        checked.finding(format!("zone {apex}"), message);
    }
}
