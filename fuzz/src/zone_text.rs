//! The text of a zone: what is refused is refused in words, and what is taken says the same when it is written anew.

use std::collections::BTreeMap;
use std::path::Path;

use polder::config::Findings;
use polder::config::dns::{Checks, MOST_MEMBERS};
use polder::dns::catalog::reading;
use polder::dns::compiled;
use polder::zone::name;
use polder::zone::{ZoneFile, parse};

use crate::findings;

const APEX: &str = "example.net";

/// The zone `example.net`.
pub fn check(text: &[u8]) {
    let lines = 1 + memchr::memchr_iter(b'\n', text).count();
    match read(text) {
        Ok(zone) => sound(&zone, lines),
        Err(found) => findings::in_words(&found, lines),
    }
}

fn read(text: &[u8]) -> Result<ZoneFile, Findings> {
    parse(APEX, Path::new("zone"), text, Checks::Lenient)
}

fn sound(zone: &ZoneFile, lines: usize) {
    let apex = name::from_text(APEX).expect("the apex is a name");
    for record in zone.records.iter() {
        let owner = record.owner.to_ascii_lowercase();
        assert!(owner.ends_with(&apex) && name_is_whole(&owner), "an owner outside of the zone: {owner:?}");
        assert!(record.ttl <= i32::MAX as u32, "a TTL of {}", record.ttl);
        assert!(record.rdata.len() <= u16::MAX as usize, "data of {} bytes", record.rdata.len());
        assert!((1..=lines).contains(&(record.line as usize)), "line {} of {lines}", record.line);
    }
    let anew = read(generic(zone).as_bytes()).unwrap_or_else(|found| panic!("written anew it is refused: {found}"));
    let same = anew.records.iter().zip(zone.records.iter()).all(|(anew, record)| {
        (anew.owner, anew.rtype, anew.ttl, anew.rdata) == (record.owner, record.rtype, record.ttl, record.rdata)
    });
    assert!(same && anew.records.len() == zone.records.len(), "written anew it is another zone");
    let zones = compiled::compile(Path::new("dns.json"), std::slice::from_ref(zone), &BTreeMap::new())
        .unwrap_or_else(|found| panic!("a zone that was taken cannot be served: {found}"));
    // Any zone may be said to be a catalog.
    for members in zones.iter().filter_map(|zone| reading::members(zone).ok()) {
        assert!(members.len() <= MOST_MEMBERS && members.keys().all(|apex| name::from_text(apex).is_some()));
    }
}

fn name_is_whole(wire: &[u8]) -> bool {
    let mut rest = wire;
    while let Some((&length, after)) = rest.split_first() {
        match after.get(usize::from(length)..) {
            Some(after) if length > 0 && length < 64 => rest = after,
            after => return length == 0 && after == Some(&[]) && wire.len() <= 255,
        }
    }
    false
}

/// Every record with its own owner and TTL, and its data as bytes (RFC 3597, 5).
fn generic(zone: &ZoneFile) -> String {
    let mut text = String::new();
    for record in zone.records.iter() {
        let data: String = record.rdata.iter().map(|byte| format!("{byte:02x}")).collect();
        let (length, owner) = (record.rdata.len(), owner(record.owner));
        text.push_str(&format!("{owner} {} IN TYPE{} \\# {length} {data}\n", record.ttl, record.rtype));
    }
    text
}

/// Every byte as its number, so that nothing but the numbers has to be read back.
fn owner(wire: &[u8]) -> String {
    let (mut text, mut rest) = (String::new(), wire);
    while let Some((&length @ 1.., after)) = rest.split_first() {
        let (label, after) = after.split_at(usize::from(length));
        label.iter().for_each(|byte| text.push_str(&format!("\\{byte:03}")));
        text.push('.');
        rest = after;
    }
    text
}
