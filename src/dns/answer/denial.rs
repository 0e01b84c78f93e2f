//! What is not there: the SOA (RFC 2308, 2), and to whoever asks for it the proof, where the zone is signed (RFC 4035, 3.1.3).

use super::opt_out::provable_encloser;
use super::proofs::Denied;
use super::writer::{Owner, Section};
use super::{Reply, Step};
use crate::dns::compiled::{Node, RrSet, Signatures, Zone};
use crate::zone::name::{self, LONGEST_NAME, Name};
use crate::zone::number::{rcode, rtype};

impl<'a> Reply<'a, '_> {
    /// NODATA or NXDOMAIN: the SOA, at a pool's name for no longer than the pool's own answers.
    pub(super) fn negative(&mut self, zone: &'a Zone, name: &Name, denied: Denied<'a>) -> Step {
        let pool = if let Denied::Type { node } = denied { node.pool() } else { None };
        let pool_ttl = pool.map_or(u32::MAX, |pool| self.snapshot.pool(pool).ttl);
        let (soa, of_apex) = (zone.negative.get(), zone.node(0).set(rtype::SOA));
        let signatures = of_apex.map_or(&[][..], |soa| soa.signatures);
        let (ttl, soa) = (soa.ttl.min(pool_ttl), RrSet { signatures, ..soa });
        self.must_fit(|writer| writer.set(Section::Authority, Owner::Name(&zone.apex), soa, ttl, 0));
        if let Some(signatures) = self.proved_by(zone) {
            match denied {
                Denied::Name { encloser } => self.deny_name(zone, signatures, name, encloser),
                Denied::Type { node } if node.is_called(name.as_bytes()) => self.deny_type(zone, signatures, node),
                Denied::Type { node } => self.deny_type_of_wildcard(zone, signatures, name, node),
                Denied::TypeOfTold { denial: Some((owner, set)) } => self.proofs.add(owner, set),
                Denied::TypeOfTold { denial: None } => {}
            }
        }
        Step::Done(if matches!(denied, Denied::Name { .. }) { rcode::NXDOMAIN } else { rcode::NOERROR })
    }

    /// Where a wildcard answers, its records are good only if the name itself is not there, nor anything closer to it (RFC 4035, 3.1.3.3; RFC
    /// 5155, 7.2.6).
    pub(super) fn deny_closer(&mut self, zone: &'a Zone, node: Node<'a>, name: &Name) {
        if let Some(signatures) = self.proved_by(zone).filter(|_| !node.is_called(name.as_bytes()))
            && let Some(encloser) = encloser_of_wildcard(zone, node, name)
        {
            self.deny_next_closer(zone, signatures, name, encloser);
        }
    }

    /// That a delegation is to a signed zone, or that it is not (RFC 4035, 3.1.4; RFC 5155, 7.2.7).
    pub(super) fn prove_delegation(&mut self, zone: &'a Zone, cut: Node<'a>) {
        let Some(signatures) = self.proved_by(zone) else { return };
        match cut.set(rtype::DS) {
            Some(ds) => {
                let owner = Owner::Name(cut.name());
                self.must_fit(|writer| writer.set(Section::Authority, owner, ds, ds.ttl, 0));
            }
            None => self.deny_type(zone, signatures, cut),
        }
    }

    /// Writes the proofs that have come together.
    pub(super) fn prove(&mut self) {
        if self.proofs.records[0].is_none() {
            return;
        }
        for (owner, set) in std::mem::take(&mut self.proofs).records.into_iter().map_while(|record| record) {
            self.must_fit(|writer| writer.set(Section::Authority, Owner::Name(owner), set, set.ttl, 0));
        }
    }

    /// What proves the answers of a zone to a client that wants to see it.
    fn proved_by(&self, zone: &'a Zone) -> Option<&'a Signatures> {
        zone.signatures().filter(|_| self.writer.shows_signatures()).map(AsRef::as_ref)
    }

    /// That a name is not there, nor a wildcard that would answer for it (RFC 4035, 3.1.3.2; RFC 5155, 7.2.2).
    fn deny_name(&mut self, zone: &'a Zone, signatures: &'a Signatures, name: &Name, encloser: Node<'a>) {
        let encloser = provable_encloser(zone, signatures, name, encloser);
        if signatures.is_hashed() {
            self.add_denial_of(encloser);
        }
        self.deny_next_closer(zone, signatures, name, encloser);
        let (mut wildcard, above) = ([0; LONGEST_NAME], name.from_label(name.labels() - labels(encloser)));
        // The name itself is two bytes longer than its encloser at least.
        let wildcard = &mut wildcard[..2 + above.len()];
        wildcard[..2].copy_from_slice(b"\x01*");
        wildcard[2..].copy_from_slice(above);
        self.deny(zone, signatures, wildcard, encloser);
    }

    /// That a name has not the type.
    fn deny_type(&mut self, zone: &'a Zone, signatures: &'a Signatures, node: Node<'a>) {
        // An empty non-terminal has no NSEC record: that of the last name before it says that it has nothing (RFC 4035, 3.1.3.1).
        match self.add_denial_of(node) {
            true => {}
            false if signatures.is_hashed() => self.deny_opted_out(zone, signatures, node),
            false => {
                self.add_denial_of(zone.node(signatures.last_owner(node.id())));
            }
        }
    }

    /// That a wildcard answers for a name, and has not the type (RFC 4035, 3.1.3.4; RFC 5155, 7.2.5).
    fn deny_type_of_wildcard(&mut self, zone: &'a Zone, signatures: &'a Signatures, name: &Name, wildcard: Node<'a>) {
        if let Some(encloser) = encloser_of_wildcard(zone, wildcard, name) {
            let encloser = provable_encloser(zone, signatures, name, encloser);
            if signatures.is_hashed() {
                self.add_denial_of(encloser);
            }
            self.deny_next_closer(zone, signatures, name, encloser);
        }
        self.deny_type(zone, signatures, wildcard);
    }

    /// That nothing is closer to a name than its encloser (RFC 5155, 1.3).
    fn deny_next_closer(&mut self, zone: &'a Zone, signatures: &'a Signatures, name: &Name, encloser: Node<'a>) {
        self.deny(zone, signatures, name.from_label(name.labels() - labels(encloser) - 1), encloser);
    }

    /// That a name, which would be directly below this node and is not there, lies between two that are; or the hash of it, between two of those.
    pub(super) fn deny(&mut self, zone: &'a Zone, signatures: &'a Signatures, name: &[u8], above: Node<'a>) {
        let before = match signatures.is_hashed() {
            true => signatures.last_up_to(&signatures.hash(name)).unwrap_or_default(),
            false => signatures.last_owner(zone.last_before(name::labels(name).next().unwrap_or_default(), above)),
        };
        self.add_denial_of(zone.node(before));
    }

    /// Adds the NSEC or NSEC3 record of a node; whether it has one.
    pub(super) fn add_denial_of(&mut self, node: Node<'a>) -> bool {
        let denial = match node.pool().map(|pool| self.snapshot.pool(pool)) {
            Some(pool) => pool.denial(node, self.nearness.location(pool)),
            None => node.denial(),
        };
        if let Some(denial) = denial {
            self.proofs.add(node.denial_owner(), denial);
        }
        denial.is_some()
    }
}

/// What is directly above a wildcard that answers for a name.
fn encloser_of_wildcard<'z>(zone: &'z Zone, wildcard: Node<'_>, name: &Name) -> Option<Node<'z>> {
    zone.by_name(name.from_label((name.labels() + 1).checked_sub(labels(wildcard))?))
}

fn labels(node: Node<'_>) -> usize {
    name::labels(node.name()).count()
}
