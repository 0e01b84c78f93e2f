//! Makes RRsets of records (RFC 2181, 5): no two equal records, one TTL.

use std::collections::{BTreeSet, HashSet};

use super::number::rtype;
use super::rdata;
use super::record::Records;

/// Drops every record but the first of several equal ones (names compared without case), and gives all of an RRset
/// its lowest TTL. Keeps the order of the files.
pub fn tidy(records: &mut Records) {
    let mut lowest = Vec::new();
    let mut equal = BTreeSet::new();
    let mut seen = HashSet::new();
    for (rtype, set) in records.names().flat_map(|name| records.sets(name)).filter(|(_, set)| set.len() > 1) {
        seen.clear();
        let ttls = || set.iter().map(|index| records.get(*index).ttl);
        // Each signature has the TTL of what it signs (RFC 4034, 3): together they are no set.
        let is_set = rtype != rtype::RRSIG;
        if let Some(ttl) = ttls().min().filter(|ttl| is_set && ttls().any(|other| other != *ttl)) {
            lowest.push((set.to_vec(), ttl));
        }
        equal.extend(set.iter().filter(|index| !seen.insert(rdata::canonical(rtype, records.get(**index).rdata))));
    }
    for (set, ttl) in lowest {
        records.set_ttl(&set, ttl);
    }
    records.remove(&equal);
}
