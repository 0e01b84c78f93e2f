//! The names of a zone, and which of them are its own.

use crate::dnssec::nsec3;
use crate::dnssec::rrsig::Rrsig;
use crate::memory;
use crate::zone::number::rtype;
use crate::zone::{Records, name};

/// A zone by its names.
pub(super) struct Tree<'z> {
    pub(super) apex: &'z [u8],
    pub(super) records: &'z Records,
    /// Those that own records, in canonical order.
    pub(super) names: Vec<Name<'z>>,
}

/// What a name is to the zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The zone has it with authority.
    Own,
    /// The zone delegates it: DS and NSEC are its own, and nothing else (RFC 4035, 2.2).
    Cut,
    /// It lies below a delegation or a DNAME.
    Hidden,
    /// It is the hash of one, and none itself (RFC 5155, 7.1).
    Hash,
}

/// A name that owns records.
#[derive(Clone, Copy)]
pub(super) struct Name<'z> {
    records: &'z Records,
    indexes: &'z [u32],
    pub(super) place: Place,
}

impl<'z> Tree<'z> {
    pub(super) fn new(apex: &'z [u8], records: &'z Records) -> Tree<'z> {
        let mut names = Vec::new();
        let mut hidden_below: Option<&[u8]> = None;
        for indexes in records.names() {
            let name = Name { records, indexes, place: Place::Own };
            let owner = name.owner();
            if !name::is_within(owner, apex) {
                continue;
            }
            let has = |rtype| !name.set(rtype).is_empty();
            let place = match () {
                () if name.is_hash(apex) => Place::Hash,
                () if hidden_below.is_some_and(|above| name::is_within(owner, above)) => Place::Hidden,
                () if has(rtype::NS) && !owner.eq_ignore_ascii_case(apex) => Place::Cut,
                () => Place::Own,
            };
            if place == Place::Cut || place == Place::Own && has(rtype::DNAME) {
                hidden_below = Some(owner);
            }
            memory::reserve(&mut names, 1);
            names.push(Name { place, ..name });
        }
        Tree { apex, records, names }
    }

    /// The apex, if it has records.
    pub(super) fn apex(&self) -> Option<Name<'z>> {
        self.names.first().copied().filter(|first| first.owner().eq_ignore_ascii_case(self.apex))
    }

    /// The owners of NSEC3 records.
    pub(super) fn hashed(&self) -> impl Iterator<Item = Name<'z>> {
        let names = self.names.iter().copied();
        names.filter(|name| name.place == Place::Hash || !name.set(rtype::NSEC3).is_empty())
    }

    /// The names that exist for whoever asks this zone, and own records.
    pub(super) fn visible(&self) -> impl Iterator<Item = Name<'z>> {
        let names = self.names.iter().copied().filter(|name| matches!(name.place, Place::Own | Place::Cut));
        names.filter(|name| name.types().next().is_some())
    }
}

impl<'z> Name<'z> {
    /// The name, as it is written at its first record.
    pub(super) fn owner(self) -> &'z [u8] {
        self.records.get(self.indexes[0]).owner
    }

    /// The indexes of a set; empty if there is none.
    pub(super) fn set(self, rtype: u16) -> &'z [u32] {
        self.records.set(self.indexes, rtype)
    }

    /// Every set but signatures.
    pub(super) fn sets(self) -> impl Iterator<Item = (u16, &'z [u32])> {
        self.records.sets(self.indexes).filter(|(rtype, _)| *rtype != rtype::RRSIG)
    }

    /// The signatures, each with its index; those that are malformed are none.
    pub(super) fn signatures(self) -> impl Iterator<Item = (u32, Rrsig<'z>)> {
        let records = self.records;
        let read = move |index: &u32| Some((*index, Rrsig::read(records.get(*index).rdata)?));
        self.set(rtype::RRSIG).iter().filter_map(read)
    }

    /// The data of a set.
    pub(super) fn rdatas(self, set: &'z [u32]) -> impl Iterator<Item = &'z [u8]> + Clone {
        let records = self.records;
        set.iter().map(move |index| records.get(*index).rdata)
    }

    /// Whether a set of this type is the zone's own, and so is signed (RFC 4035, 2.2).
    pub(super) fn is_own(self, rtype: u16) -> bool {
        match self.place {
            Place::Own => true,
            Place::Cut => matches!(rtype, rtype::DS | rtype::NSEC),
            Place::Hidden => false,
            Place::Hash => rtype == rtype::NSEC3,
        }
    }

    /// The types that it has by the zone's content: what a delegation has at its name besides is none of the zone's (RFC 4035, 2.3).
    pub(super) fn types(self) -> impl Iterator<Item = u16> {
        let of_content = |rtype: &u16| !matches!(*rtype, rtype::NSEC | rtype::NSEC3);
        let own = move |rtype: &u16| self.is_own(*rtype) || self.place == Place::Cut && *rtype == rtype::NS;
        self.sets().map(|(rtype, _)| rtype).filter(of_content).filter(own)
    }

    fn is_hash(self, apex: &[u8]) -> bool {
        let has_other = || self.sets().any(|(rtype, _)| rtype != rtype::NSEC3);
        !self.set(rtype::NSEC3).is_empty() && nsec3::hash_of_owner(self.owner(), apex).is_some() && !has_other()
    }
}
