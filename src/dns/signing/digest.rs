//! The digest of a zone that is signed here (RFC 8976): of all that a copy has, signatures among them, and signed itself.

use std::sync::Arc;

use super::roles::Moment;
use super::rrset::Unsigned;
use crate::dns::compiled::{OwnRrSet, RrSet, Signatures, Zone};
use crate::dnssec::zonemd;
use crate::zone::number::rtype;
use crate::zone::{ZoneRecord, serial};

/// The signatures of a zone with its digest among the sets of the apex; what denies says already that it is there. `before` is what the zone was.
pub(super) fn with_digest(zone: &Zone, signed: Signatures, moment: &Moment<'_>, before: Option<&Zone>) -> Signatures {
    let signed = Arc::new(signed);
    let rdata = digest_of(&zone.signed(Arc::clone(&signed)));
    let ttl = zone.negative.get().ttl;
    let set = OwnRrSet::new(rtype::ZONEMD, ttl, [&rdata[..]]);
    let earlier = before
        .and_then(|before| before.node(0).set(rtype::ZONEMD))
        .filter(|set_before| set_before.wire == set.get().wire);
    let unsigned = Unsigned { owner: &zone.apex, rtype: rtype::ZONEMD, ttl, rdatas: &[&rdata] };
    let signatures = moment.sign(unsigned, earlier.map_or(&[], |earlier| earlier.signatures));
    let signed = Arc::into_inner(signed).expect("the zone that was looked at is gone");
    signed.with_apex_set(set.signed(signatures.into()))
}

/// The data of the ZONEMD record of a zone that is signed.
fn digest_of(zone: &Zone) -> Vec<u8> {
    let records = zone.whole().flat_map(|(owner, set)| {
        let RrSet { rtype, ttl, .. } = set;
        set.rdatas().map(move |rdata| ZoneRecord { owner, rtype, ttl, rdata, file: 0, line: 0 })
    });
    let records: Vec<ZoneRecord<'_>> = records.collect();
    let serial = zone.node(0).set(rtype::SOA).and_then(|soa| serial::of_soa(soa.first())).unwrap_or_default();
    zonemd::make(&zone.apex, serial, &records)
}
