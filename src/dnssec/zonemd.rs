//! The digest of a whole zone (RFC 8976): scheme SIMPLE, with SHA-384 and SHA-512.

use std::borrow::Cow;
use std::collections::BTreeMap;

use aws_lc_rs::digest::{Algorithm, Context, SHA384, SHA512};

use super::canonical::canonical_data;
use crate::memory;
use crate::zone::number::{CLASS_IN, rtype};
use crate::zone::{ZoneRecord, name};

/// The scheme SIMPLE.
const SIMPLE: u8 = 1;

/// The bytes of a ZONEMD's data before its digest.
const HEAD: usize = 6;

/// What comes of looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// It has no digest.
    Absent,
    /// It has none that can be computed here.
    Unknown,
    /// It is what it says.
    Good,
    /// It is not.
    Bad,
}

/// Looks at a zone's records.
pub fn check(apex: &[u8], records: &[ZoneRecord<'_>]) -> Checked {
    let is_apex = |record: &&ZoneRecord<'_>| record.owner.eq_ignore_ascii_case(apex);
    let of = |rtype: u16| records.iter().filter(is_apex).filter(move |record| record.rtype == rtype);
    let digests: Vec<&[u8]> = of(rtype::ZONEMD).map(|record| record.rdata).collect();
    if digests.is_empty() {
        return Checked::Absent;
    }
    let serial = of(rtype::SOA).next().and_then(|soa| {
        let end = soa.rdata.len().checked_sub(16)?;
        soa.rdata.get(end.checked_sub(4)?..end)
    });
    let mut counts: BTreeMap<&[u8], usize> = BTreeMap::new();
    for kind in digests.iter().filter_map(|rdata| rdata.get(4..HEAD)) {
        *counts.entry(kind).or_default() += 1;
    }
    let mut checked = Checked::Unknown;
    for rdata in &digests {
        let Some((head, digest)) = rdata.split_at_checked(HEAD) else { continue };
        let Some(algorithm) = algorithm(head[4], head[5]) else { continue };
        // Two of one kind say nothing (RFC 8976, 2.3).
        let is_alone = counts.get(&head[4..]) == Some(&1);
        if is_alone && Some(&head[..4]) == serial && of_records(algorithm, apex, records) == digest {
            return Checked::Good;
        }
        checked = Checked::Bad;
    }
    checked
}

/// The data of the ZONEMD record of a zone with these records and this serial: scheme SIMPLE, with SHA-384, which every verifier has (RFC 8976, 5.3).
pub fn make(apex: &[u8], serial: u32, records: &[ZoneRecord<'_>]) -> Vec<u8> {
    [&serial.to_be_bytes()[..], &[SIMPLE, 1], &of_records(&SHA384, apex, records)].concat()
}

fn algorithm(scheme: u8, hash: u8) -> Option<&'static Algorithm> {
    match (scheme, hash) {
        (SIMPLE, 1) => Some(&SHA384),
        (SIMPLE, 2) => Some(&SHA512),
        _ => None,
    }
}

/// The digest (RFC 8976, 3.3.1): of all records once, in canonical order and form, without the digests themselves.
fn of_records(algorithm: &'static Algorithm, apex: &[u8], records: &[ZoneRecord<'_>]) -> Vec<u8> {
    let is_digest = |record: &ZoneRecord<'_>| {
        let is_signature = record.rtype == rtype::RRSIG && record.rdata.get(..2) == Some(&rtype::ZONEMD.to_be_bytes());
        record.owner.eq_ignore_ascii_case(apex) && (record.rtype == rtype::ZONEMD || is_signature)
    };
    let counted = records.iter().filter(|record| !is_digest(record));
    let mut sorted: Vec<(&ZoneRecord<'_>, Cow<'_, [u8]>)> = memory::vector(records.len());
    sorted.extend(counted.map(|record| (record, canonical_data(record.rtype, record.rdata))));
    sorted.sort_by(|(one, rdata), (other, beside)| {
        name::compare(one.owner, other.owner).then(one.rtype.cmp(&other.rtype)).then_with(|| rdata.cmp(beside))
    });
    sorted.dedup_by(|(one, rdata), (other, beside)| {
        one.owner.eq_ignore_ascii_case(other.owner) && one.rtype == other.rtype && rdata == beside
    });
    let mut context = Context::new(algorithm);
    for (record, rdata) in sorted {
        context.update(&name::lower(record.owner));
        context.update(&record.rtype.to_be_bytes());
        context.update(&CLASS_IN.to_be_bytes());
        context.update(&record.ttl.to_be_bytes());
        context.update(&(rdata.len() as u16).to_be_bytes());
        context.update(&rdata);
    }
    context.finish().as_ref().to_vec()
}

#[cfg(test)]
mod tests;
