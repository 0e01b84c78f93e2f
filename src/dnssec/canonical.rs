//! The one form of records that signatures and digests are over (RFC 4034, 6).

use std::borrow::Cow;

use crate::zone::number::{CLASS_IN, rtype};
use crate::zone::rdata;

/// The types in whose data names are put in lower case, and no others (RFC 4034, 6.2, as RFC 6840, 5.1, has it).
const LOWERED: [u16; 20] = [2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 15, 17, 18, 21, 26, 33, 35, 36, rtype::DNAME, rtype::RRSIG];

/// The data of a record in that form.
pub fn canonical_data(rtype: u16, rdata: &[u8]) -> Cow<'_, [u8]> {
    match LOWERED.contains(&rtype) {
        true => Cow::Owned(rdata::canonical(rtype, rdata)),
        false => Cow::Borrowed(rdata),
    }
}

/// A set in that form, its records in their order, each once (RFC 4034, 6.3). `owner` is in lower case.
pub fn canonical_set<'r>(owner: &[u8], rtype: u16, ttl: u32, rdatas: impl IntoIterator<Item = &'r [u8]>) -> Vec<u8> {
    let mut datas: Vec<Cow<'_, [u8]>> = rdatas.into_iter().map(|rdata| canonical_data(rtype, rdata)).collect();
    datas.sort_unstable();
    datas.dedup();
    let mut records = Vec::new();
    for data in datas {
        put(&mut records, owner, rtype, ttl, &data);
    }
    records
}

/// Adds a record whose owner is in lower case and whose data is in that form.
pub fn put(records: &mut Vec<u8>, owner: &[u8], rtype: u16, ttl: u32, data: &[u8]) {
    records.extend_from_slice(owner);
    records.extend(rtype.to_be_bytes());
    records.extend(CLASS_IN.to_be_bytes());
    records.extend(ttl.to_be_bytes());
    records.extend((data.len() as u16).to_be_bytes());
    records.extend_from_slice(data);
}
