//! Makes a catalog (RFC 9432, 4), and says which serial it gets.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};

use super::{Member, Members, hex};
use crate::dns::history::put;
use crate::zone::name;
use crate::zone::number::rtype;
use crate::zone::serial::is_newer;

/// Refresh, retry, expire and minimum, in seconds. Who has a copy keeps what it names, however long it hears nothing (RFC 9432, 4.1).
const TIMES: [u32; 4] = [3600, 600, i32::MAX as u32 - 1, 0];

/// TTLs mean nothing in a catalog (RFC 9432, 4.1).
const TTL: u32 = 0;

/// In wire format: the server of a zone that nobody is to be led to.
const INVALID: &[u8] = b"\x07invalid\0";

/// How many bytes of a name's hash make its label.
const LABEL: usize = 20;

/// The members of a catalog with these zones, each with its group if it has one.
pub fn members(zones: &BTreeMap<String, Option<String>>) -> Members {
    let member = |(apex, group): (&String, &Option<String>)| {
        let groups = group.iter().map(|group| group.clone().into_bytes()).collect();
        (apex.clone(), Member { label: label(apex), groups, moves_to: None })
    };
    zones.iter().map(member).collect()
}

/// The label under which a zone stands: always the same, as another one would have the zone got anew.
fn label(apex: &str) -> Box<[u8]> {
    let wire = name::from_text(apex).unwrap_or_default();
    hex(&digest(&SHA256, &wire).as_ref()[..LABEL]).into_bytes().into()
}

/// All records of the catalog with this apex in wire format, the SOA first.
pub fn records(apex: &[u8], members: &Members, serial: u32) -> Vec<u8> {
    let mut records = Vec::new();
    let numbers = [serial].into_iter().chain(TIMES).flat_map(u32::to_be_bytes);
    let soa: Vec<u8> = [INVALID, INVALID].concat().into_iter().chain(numbers).collect();
    put(&mut records, apex, rtype::SOA, TTL, &soa);
    put(&mut records, apex, rtype::NS, TTL, INVALID);
    let below = |labels: &[&[u8]]| {
        let labels = labels.iter().flat_map(|label| [&[label.len() as u8][..], label].concat());
        labels.chain(apex.iter().copied()).collect::<Vec<u8>>()
    };
    put(&mut records, &below(&[b"version"]), rtype::TXT, TTL, b"\x012");
    for (member, Member { label, groups, .. }) in members {
        let Some(wire) = name::from_text(member) else { continue };
        put(&mut records, &below(&[label, b"zones"]), rtype::PTR, TTL, &wire);
        for group in groups {
            let text = [&[group.len() as u8][..], group].concat();
            put(&mut records, &below(&[b"group", label, b"zones"]), rtype::TXT, TTL, &text);
        }
    }
    records
}

/// What another nameserver of the fleet serves under the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Other {
    /// Its serial.
    pub serial: u32,
    /// It says what we want to say.
    pub is_same: bool,
}

/// The serial that a catalog gets: that of another nameserver which says the same, if it is newer than ours; else the time, or a later number
/// than all that is known. `held` is what is served here, and whether that says what is to be said. `None`: it stays as it is.
///
/// So nameservers that hear each other come to serve the same content under the same serial, and none goes back.
pub fn next_serial(held: Option<(u32, bool)>, others: &[Other], unix_seconds: u64) -> Option<u32> {
    let is_beyond = |serial: u32| held.is_none_or(|(held, _)| is_newer(serial, held));
    let same = others.iter().filter(|other| other.is_same && is_beyond(other.serial));
    if let Some(newest) = newest(same.map(|other| other.serial)) {
        return Some(newest);
    }
    if held.is_some_and(|(_, is_same)| is_same) {
        return None;
    }
    let known = held.into_iter().map(|(serial, _)| serial).chain(others.iter().map(|other| other.serial));
    let now = unix_seconds as u32;
    // 0 is a serial that some programs take for none.
    Some(newest(known).filter(|known| !is_newer(now, *known)).map_or(now, |known| known.wrapping_add(1)).max(1))
}

/// Of two serials that are exactly 2^31 apart, neither is newer.
fn newest(serials: impl Iterator<Item = u32>) -> Option<u32> {
    serials.reduce(|one, other| if is_newer(other, one) { other } else { one })
}
