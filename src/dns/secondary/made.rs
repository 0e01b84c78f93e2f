//! Makes a zone of what a primary has sent: differences applied, its digest looked at, and all that a zone file's text is checked for.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use super::incoming::{self, Brought};
use super::timers::Times;
use crate::config::Finding;
use crate::config::dns::Checks;
use crate::dns::compiled::{self, PoolOwners, Zone};
use crate::dns::history::{Difference, Record, first, put};
use crate::dnssec::validate::{self, Depth, Subject};
use crate::dnssec::zonemd::{self, Checked};
use crate::zone::{self, ZoneFile, ZoneRecord, name, number::rtype, serial};

/// A zone from a primary.
#[derive(Debug)]
pub struct Made {
    /// It, ready to be served.
    pub zone: Zone,
    /// Its times.
    pub times: Times,
}

/// Why no zone can be made of what has come, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A difference does not fit what is here.
    #[error("the difference that it sends does not fit serial {0}, which is here")]
    Difference(u32),
    /// What is here, and is to be changed, is damaged.
    #[error("what is stored of the zone is damaged")]
    Stored,
    /// Its digest is another's.
    #[error("it is not what its ZONEMD says")]
    Digest,
    /// A zone file with these records would be refused.
    #[error("{0}")]
    Zone(String),
}

/// All records, the SOA first, after what has come; `held` are those that are here.
///
/// # Errors
///
/// The differences do not fit.
pub fn records(brought: Brought, held: Option<&[u8]>) -> Result<Option<Vec<u8>>, Unfit> {
    match brought {
        Brought::Nothing(_) => Ok(None),
        Brought::Whole(records) => Ok(Some(records)),
        Brought::Differences(steps) => apply(held.ok_or(Unfit::Stored)?, &steps).map(Some),
    }
}

/// A record by what makes it another one: its TTL does not (RFC 2181, 5.2).
type Key = (Vec<u8>, u16, Vec<u8>);

fn key(record: Record<'_>) -> Key {
    (record.owner.to_ascii_lowercase(), record.rtype, record.rdata.to_vec())
}

fn apply(held: &[u8], steps: &[Difference]) -> Result<Vec<u8>, Unfit> {
    let (soa, _) = first(held).ok_or(Unfit::Stored)?;
    let serial = serial::of_soa(soa.rdata).ok_or(Unfit::Stored)?;
    let unfit = || Unfit::Difference(serial);
    let mut order = 0_u64;
    let mut there: HashMap<Key, (u64, Record<'_>)> = HashMap::new();
    for record in each(held) {
        order += 1;
        there.insert(key(record), (order, record));
    }
    for step in steps {
        for record in each(&step.removed) {
            there.remove(&key(record)).ok_or_else(unfit)?;
        }
        for record in each(&step.added) {
            order += 1;
            if there.insert(key(record), (order, record)).is_some() {
                return Err(unfit());
            }
        }
    }
    let mut all: Vec<(u64, Record<'_>)> = there.into_values().collect();
    all.sort_by_key(|(order, record)| (record.rtype != rtype::SOA, *order));
    let mut records = Vec::with_capacity(held.len());
    for (_, Record { owner, rtype, ttl, rdata }) in &all {
        put(&mut records, owner, *rtype, *ttl, rdata);
    }
    (records.len() <= incoming::MOST).then_some(records).ok_or_else(unfit)
}

/// Each of these records.
pub fn each(records: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut rest = records;
    std::iter::from_fn(move || {
        let (record, length) = first(rest)?;
        rest = &rest[length..];
        Some(record)
    })
}

/// Makes the zone of all its records.
///
/// # Errors
///
/// It cannot be served.
pub fn zone(apex: &str, records: &[u8], checks: Checks) -> Result<Made, Unfit> {
    let all: Vec<Record<'_>> = each(records).collect();
    let wire = name::from_text(apex).unwrap_or_default();
    let whole: Vec<ZoneRecord<'_>> = all.iter().map(as_of_a_zone).collect();
    if zonemd::check(&wire, &whole) == Checked::Bad {
        return Err(Unfit::Digest);
    }
    let path = Path::new("what it sends");
    let file = zone::parse(apex, path, text(&all), checks).map_err(|findings| Unfit::Zone(brief(&findings.0)))?;
    // Its names are answered from what the primary has, and from no pool.
    let none = std::collections::BTreeMap::new();
    let owners = PoolOwners::new(path, vec![file.apex.clone()], &none);
    let owners = owners.map_err(|findings| Unfit::Zone(brief(&findings.0)))?;
    let mut zone = compiled::compile_zone(&file, &owners).map_err(|findings| Unfit::Zone(brief(&findings.0)))?;
    zone.bogus = why_bogus(&file);
    let soa = zone.node(0).set(rtype::SOA).map(|soa| soa.first().to_vec()).unwrap_or_default();
    let number = |behind: usize| {
        let at = soa.len().checked_sub(behind)?;
        soa.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
    };
    let times = Times::new(number(16).unwrap_or(0), number(12).unwrap_or(0), number(8).unwrap_or(0));
    Ok(Made { zone, times })
}

/// Why validators refuse a zone that comes signed: it is served all the same, for its primaries serve it too.
fn why_bogus(file: &ZoneFile) -> Option<String> {
    if !validate::is_signed(&file.records) {
        return None;
    }
    // When signatures are good is told as long as the zone is served, and not when it comes.
    let (now, depth, parent) = (0, Depth::Apex, None);
    validate::validate(&Subject { apex: &file.apex, records: &file.records, now, depth, parent }).why_bogus()
}

fn as_of_a_zone<'r>(&Record { owner, rtype, ttl, rdata }: &Record<'r>) -> ZoneRecord<'r> {
    ZoneRecord { owner, rtype, ttl, rdata, file: 0, line: 0 }
}

/// As a master file (RFC 3597, 5).
fn text(records: &[Record<'_>]) -> String {
    let mut text = String::new();
    for Record { owner, rtype, ttl, rdata } in records {
        // Writing to a string does not fail.
        let _ = write!(text, "{} {ttl} IN TYPE{rtype} \\# {}", name::to_absolute_text(owner), rdata.len());
        text.push_str(if rdata.is_empty() { "" } else { " " });
        for byte in *rdata {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }
    text
}

/// The first of these findings, and how many more there are.
pub fn brief(findings: &[Finding]) -> String {
    match findings {
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
        [] => "it is no zone".to_owned(),
    }
}

#[cfg(test)]
mod tests;
