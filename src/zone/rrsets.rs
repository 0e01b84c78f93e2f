//! Makes RRsets of records (RFC 2181, 5): no two equal records, one TTL.

use std::collections::{HashMap, HashSet};

use super::record::ZoneRecord;
use super::{name, rdata};

/// Drops every record but the first of several equal ones (names compared without case), and gives all of an RRset
/// its lowest TTL. Keeps the order.
pub fn tidy(mut records: Vec<ZoneRecord>) -> Vec<ZoneRecord> {
    let mut lowest: HashMap<(Box<[u8]>, u16), u32> = HashMap::with_capacity(records.len());
    for record in &records {
        let ttl = lowest.entry(rrset(record)).or_insert(record.ttl);
        *ttl = record.ttl.min(*ttl);
    }
    let mut seen = HashSet::with_capacity(records.len());
    records.retain(|record| seen.insert((rrset(record), rdata::canonical(record.rtype, &record.rdata))));
    for record in &mut records {
        record.ttl = lowest.get(&rrset(record)).copied().unwrap_or(record.ttl);
    }
    records
}

fn rrset(record: &ZoneRecord) -> (Box<[u8]>, u16) {
    (name::lower(&record.owner), record.rtype)
}
