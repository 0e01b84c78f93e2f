//! What differs between two versions of a zone (pure).

use std::collections::BTreeSet;

use super::record::{ZoneFile, ZoneRecord};
use super::{number::rtype, rdata};

/// The records in which two zones differ, in the order of [`ZoneFile::in_order`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference<'z> {
    /// Those of the first that the second has not.
    pub removed: Vec<ZoneRecord<'z>>,
    /// Those of the second that the first has not.
    pub added: Vec<ZoneRecord<'z>>,
}

impl Difference<'_> {
    /// Whether both are alike.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }
}

/// Compares two zones. Names count without case, the order of records and how they are written does not count, TTLs do. `serials`: whether
/// a SOA that differs in nothing but its serial is a difference.
pub fn diff<'z>(one: &'z ZoneFile, other: &'z ZoneFile, serials: bool) -> Difference<'z> {
    let only_in = |this: &'z ZoneFile, that: &ZoneFile| {
        let known: BTreeSet<Plain> = that.records.iter().map(|record| plain(&record, serials)).collect();
        this.in_order().into_iter().filter(|record| !known.contains(&plain(record, serials))).collect()
    };
    Difference { removed: only_in(one, other), added: only_in(other, one) }
}

type Plain = (Vec<u8>, u16, u32, Vec<u8>);

fn plain(record: &ZoneRecord<'_>, serials: bool) -> Plain {
    let mut data = rdata::canonical(record.rtype, record.rdata);
    if record.rtype == rtype::SOA && !serials {
        super::serial::without(&mut data);
    }
    (record.owner.to_ascii_lowercase(), record.rtype, record.ttl, data)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use super::*;
    use crate::config::dns::Checks;
    use crate::zone::text::line;

    fn zone(serial: u32, records: &str) -> ZoneFile {
        let head = format!("@ 1h IN SOA ns hostmaster {serial} 1h 15m 1w 5m\n@ 1h NS ns\nns 1h A 192.0.2.53\n");
        crate::zone::parse("example.net", Path::new("zone"), head + records, Checks::Lenient).unwrap()
    }

    fn lines(records: &[ZoneRecord<'_>]) -> Vec<String> {
        records.iter().map(line).collect()
    }

    #[test]
    fn spelling_and_order_make_no_difference_and_ttls_do() {
        let one = zone(1, "www 1h A 192.0.2.1\nwww 1h A 192.0.2.2\nmail 1h CNAME Www\n");
        let other = zone(1, "MAIL 3600 CNAME www.example.net.\nwww 60m A 192.0.2.2\nwww 1h A 192.0.2.1\n");
        assert!(diff(&one, &other, true).is_empty());
        let later = zone(1, "www 5m A 192.0.2.1\nwww 5m A 192.0.2.2\nmail 1h CNAME www\n");
        let found = diff(&one, &later, true);
        assert_eq!(
            lines(&found.removed),
            ["www.example.net. 3600 IN A 192.0.2.1", "www.example.net. 3600 IN A 192.0.2.2"]
        );
        assert_eq!(lines(&found.added), ["www.example.net. 300 IN A 192.0.2.1", "www.example.net. 300 IN A 192.0.2.2"]);
    }

    #[test]
    fn a_serial_counts_where_it_is_asked_for() {
        let (one, other) = (zone(1, "a 1h A 192.0.2.1\n"), zone(2, "a 1h A 192.0.2.1\n"));
        assert!(diff(&one, &other, false).is_empty());
        let found = diff(&one, &other, true);
        assert_eq!((found.removed.len(), found.added.len()), (1, 1));
        let more = zone(2, "a 1h A 192.0.2.1\nb 1h A 192.0.2.2\n");
        assert_eq!(lines(&diff(&one, &more, false).added), ["b.example.net. 3600 IN A 192.0.2.2"]);
        assert!(diff(&one, &more, false).removed.is_empty());
    }
}
