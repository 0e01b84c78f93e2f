//! Records as text: a line each, complete in itself, in the order in which zones are compared (RFC 4034, 6).

use std::cmp::Ordering;

use super::rdata::{self, types};
use super::record::{ZoneFile, ZoneRecord};
use super::{name, number::rtype};

/// `www.example.net. 300 IN A 192.0.2.1`
pub fn line(record: &ZoneRecord<'_>) -> String {
    let (owner, kind) = (name::to_absolute_text(record.owner), type_name(record.rtype));
    format!("{owner} {} IN {kind} {}", record.ttl, data(record))
}

/// `192.0.2.1`
pub fn data(record: &ZoneRecord<'_>) -> String {
    rdata(record.rtype, record.rdata)
}

/// The same of data alone, uncompressed.
pub fn rdata(rtype: u16, wire: &[u8]) -> String {
    rdata::show(rtype, wire)
}

/// The type's name, or TYPEnnn.
pub fn type_name(rtype: u16) -> String {
    types::to_text(rtype)
}

impl ZoneRecord<'_> {
    /// Which of two stands first: by name, by type, by data; but the SOA before all, as a zone's reader expects.
    pub fn in_order_with(&self, other: &ZoneRecord<'_>) -> Ordering {
        let is_soa = |record: &ZoneRecord<'_>| record.rtype == rtype::SOA;
        let data = |record: &ZoneRecord<'_>| rdata::canonical(record.rtype, record.rdata);
        is_soa(other)
            .cmp(&is_soa(self))
            .then_with(|| name::compare(self.owner, other.owner))
            .then(self.rtype.cmp(&other.rtype))
            .then_with(|| data(self).cmp(&data(other)))
    }
}

impl ZoneFile {
    /// All records in the order of [`ZoneRecord::in_order_with`].
    pub fn in_order(&self) -> Vec<ZoneRecord<'_>> {
        let mut records: Vec<ZoneRecord<'_>> = self.records.iter().collect();
        records.sort_by(ZoneRecord::in_order_with);
        records
    }
}
