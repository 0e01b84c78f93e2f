//! What makes a compiled zone a signed one: it lies beside the zone's sets, and is swapped without them.

use super::rrset::{self, NodeId, OwnRrSet, RrSet, Shape};
use crate::dnssec::nsec3;
use crate::memory;
use crate::zone::number::rtype;

/// The hash of a name (RFC 5155, 5).
pub type NameHash = [u8; 20];

/// Signatures of a zone's sets, and what proves which names and types it has not.
#[derive(Debug)]
pub struct Signatures {
    /// In seconds, of NSEC and NSEC3 records.
    ttl: u32,
    /// RRSIG records; and NSEC or NSEC3 records, each with its owner before it where that is a hash, and with its RRSIG records behind it.
    bytes: Vec<u8>,
    /// By set of the zone, where its RRSIG records are.
    sets: Vec<Part>,
    /// By node, where its NSEC or NSEC3 record is, and the RRSIG records of that.
    denials: Vec<(Part, Part)>,
    chain: Chain,
    /// What the apex has besides the zone's own sets.
    apex: Vec<OwnRrSet>,
    /// The SOA that is signed, with the serial that goes with these signatures; none: it is the zone's own.
    soa: Option<OwnRrSet>,
    /// The one that runs out first.
    first: Option<Life>,
    /// From when on all of them are good, in seconds since the epoch.
    good_from: u64,
    /// None: they were made here.
    given: Option<Given>,
}

/// For how long a signature is good, in seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life {
    /// The last second.
    pub expires: u64,
    /// The first one.
    pub begins: u64,
}

/// What is told of signatures that came with their zone.
#[derive(Debug, Default)]
pub struct Given {
    /// Records that no answer has, such as signatures of what is not there; whoever gets the zone whole gets them too. Each set with its owner.
    pub others: Vec<(Box<[u8]>, OwnRrSet)>,
}

/// In which order the records are that deny.
#[derive(Debug)]
enum Chain {
    /// NSEC (RFC 4034, 4): by node, the last one up to it that has such a record.
    ByName(Vec<NodeId>),
    /// NSEC3 (RFC 5155): the nodes by their hashes, in the order of those, how long the owners of the records are, and how names are hashed.
    ByHash(Vec<(NameHash, NodeId)>, u16, Hashing),
}

/// How names are hashed (RFC 5155, 5). By default as they should be (RFC 9276, 3.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hashing {
    /// How often a hash is hashed again.
    pub iterations: u16,
    /// What is hashed with each name.
    pub salt: Box<[u8]>,
}

/// A part of the bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    start: u32,
    length: u16,
}

/// More than can be kept for one zone.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLarge;

impl Signatures {
    /// Of a zone with NSEC records of this TTL (RFC 9077, 3), whose apex has these sets besides.
    pub fn by_name(ttl: u32, apex: Vec<OwnRrSet>) -> Signatures {
        Signatures::new(ttl, apex, Chain::ByName(Vec::new()))
    }

    /// Of a zone with NSEC3 records. `chain` has the hashes in their order, each with its node, and at least one; the records' owners have this length.
    pub fn by_hash(ttl: u32, apex: Vec<OwnRrSet>, chain: Vec<(NameHash, NodeId)>, owner_length: u16) -> Signatures {
        Signatures::new(ttl, apex, Chain::ByHash(chain, owner_length, Hashing::default()))
    }

    /// The same signatures, of a zone that came with them, its names hashed so.
    #[must_use]
    pub fn given(mut self, given: Given, hashing: Hashing) -> Signatures {
        if let Chain::ByHash(_, _, own) = &mut self.chain {
            *own = hashing;
        }
        Signatures { given: Some(given), ..self }
    }

    /// What is told of them if they came with the zone; none: they were made here.
    pub fn as_given(&self) -> Option<&Given> {
        self.given.as_ref()
    }

    /// The hash of a name in lower case, as this zone's names are hashed.
    pub fn hash(&self, lower: &[u8]) -> NameHash {
        match &self.chain {
            Chain::ByHash(_, _, Hashing { iterations, salt }) => nsec3::hash(lower, salt, *iterations),
            Chain::ByName(_) => NameHash::default(),
        }
    }

    fn new(ttl: u32, apex: Vec<OwnRrSet>, chain: Chain) -> Signatures {
        let first = apex.iter().flat_map(|set| lives(set.get().signatures)).min();
        let good_from = apex.iter().flat_map(|set| lives(set.get().signatures)).map(|life| life.begins).max();
        let good_from = good_from.unwrap_or_default();
        let (bytes, sets, denials) = (Vec::new(), Vec::new(), Vec::new());
        Signatures { ttl, bytes, sets, denials, chain, apex, soa: None, first, good_from, given: None }
    }

    /// The same with one more set of the apex.
    #[must_use]
    pub fn with_apex_set(mut self, set: OwnRrSet) -> Signatures {
        self.note_lives(set.get().signatures);
        self.apex.push(set);
        self
    }

    /// The same with this SOA instead of the zone's own.
    #[must_use]
    pub fn with_soa(self, soa: OwnRrSet) -> Signatures {
        Signatures { soa: Some(soa), ..self }
    }

    /// Adds the RRSIG records of the next set; none where it is not signed.
    ///
    /// # Errors
    ///
    /// They do not fit.
    pub fn add_set(&mut self, signatures: &[u8]) -> Result<(), TooLarge> {
        let part = self.add_signatures(signatures)?;
        memory::reserve(&mut self.sets, 1);
        self.sets.push(part);
        Ok(())
    }

    /// Adds the next node, which has no NSEC or NSEC3 record.
    pub fn add_hidden_node(&mut self) {
        if let Chain::ByName(last) = &mut self.chain {
            memory::reserve(last, 1);
            last.push(last.last().copied().unwrap_or_default());
        }
        memory::reserve(&mut self.denials, 1);
        self.denials.push(Default::default());
    }

    /// Adds the next node, with the owner of its NSEC3 record or with none for NSEC, and the record with its RRSIG records; that is none where it follows
    /// the addresses of a pool.
    ///
    /// # Errors
    ///
    /// They do not fit.
    pub fn add_node(&mut self, owner: Option<&[u8]>, record: Option<(&[u8], &[u8])>) -> Result<(), TooLarge> {
        self.add_node_with(self.ttl, owner, record)
    }

    /// The same with a record of this TTL.
    pub(super) fn add_node_with(
        &mut self,
        ttl: u32,
        owner: Option<&[u8]>,
        record: Option<(&[u8], &[u8])>,
    ) -> Result<(), TooLarge> {
        let id = self.denials.len() as NodeId;
        if let Chain::ByName(last) = &mut self.chain {
            memory::reserve(last, 1);
            last.push(id);
        }
        self.add(owner.unwrap_or_default())?;
        let (rdata, signatures) = record.unwrap_or_default();
        let mut wire = Vec::new();
        if record.is_some() {
            rrset::put(&mut wire, self.denial_type(), ttl, rdata);
        }
        let parts = (self.add(&wire)?, self.add_signatures(signatures)?);
        memory::reserve(&mut self.denials, 1);
        self.denials.push(parts);
        Ok(())
    }

    fn add_signatures(&mut self, signatures: &[u8]) -> Result<Part, TooLarge> {
        self.note_lives(signatures);
        self.add(signatures)
    }

    fn note_lives(&mut self, signatures: &[u8]) {
        for life in lives(signatures) {
            self.first = Some(self.first.map_or(life, |first| first.min(life)));
            self.good_from = self.good_from.max(life.begins);
        }
    }

    fn add(&mut self, bytes: &[u8]) -> Result<Part, TooLarge> {
        let start = u32::try_from(self.bytes.len()).map_err(|_| TooLarge)?;
        let length = u16::try_from(bytes.len()).map_err(|_| TooLarge)?;
        memory::reserve(&mut self.bytes, bytes.len());
        self.bytes.extend_from_slice(bytes);
        Ok(Part { start, length })
    }

    fn part(&self, Part { start, length }: Part) -> &[u8] {
        &self.bytes[start as usize..][..usize::from(length)]
    }

    /// The SOA that is signed, where it is not the zone's own.
    pub(super) fn soa(&self) -> Option<RrSet<'_>> {
        self.soa.as_ref().map(OwnRrSet::get)
    }

    /// How many bytes they take, about.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// In seconds, of NSEC and NSEC3 records.
    pub fn ttl(&self) -> u32 {
        self.ttl
    }

    /// When the first of them runs out, in seconds since the epoch; none where there is none.
    pub fn expires(&self) -> Option<u64> {
        self.first.map(|life| life.expires)
    }

    /// For how long the first one is good that runs out.
    pub fn first_life(&self) -> Option<Life> {
        self.first
    }

    /// From when on all of them are good, in seconds since the epoch.
    pub fn good_from(&self) -> u64 {
        self.good_from
    }

    /// Whether names are denied by their hashes.
    pub fn is_hashed(&self) -> bool {
        matches!(self.chain, Chain::ByHash(..))
    }

    /// NSEC or NSEC3.
    pub fn denial_type(&self) -> u16 {
        if self.is_hashed() { rtype::NSEC3 } else { rtype::NSEC }
    }

    /// The RRSIG records of a set, by its index.
    pub(super) fn of_set(&self, set: u32) -> &[u8] {
        self.sets.get(set as usize).map_or(&[], |part| self.part(*part))
    }

    /// The last node up to this one, in the order of names, that has an NSEC record.
    pub fn last_owner(&self, id: NodeId) -> NodeId {
        match &self.chain {
            Chain::ByName(last) => last[id as usize],
            Chain::ByHash(..) => id,
        }
    }

    /// The node whose NSEC3 record is the last one up to this hash: the last of all where there is none.
    pub fn last_up_to(&self, hash: &NameHash) -> Option<NodeId> {
        let Chain::ByHash(hashes, ..) = &self.chain else { return None };
        let behind = hashes.partition_point(|(other, _)| other <= hash);
        hashes.get(behind.checked_sub(1).unwrap_or(hashes.len().saturating_sub(1))).map(|(_, id)| *id)
    }

    /// The node behind this one with an NSEC record; the apex behind the last.
    pub fn next_owner(&self, id: NodeId) -> NodeId {
        let Chain::ByName(last) = &self.chain else { return 0 };
        let behind = (id..).zip(&last[id as usize..]).skip(1);
        behind.into_iter().find(|(id, owner)| id == *owner).map_or(0, |(id, _)| id)
    }

    /// The hash behind this one; the first behind the last.
    pub fn next_hash(&self, hash: &NameHash) -> Option<&NameHash> {
        let Chain::ByHash(hashes, ..) = &self.chain else { return None };
        let behind = hashes.partition_point(|(other, _)| other <= hash);
        hashes.get(behind).or(hashes.first()).map(|(next, _)| next)
    }

    /// The owner of a node's NSEC3 record; none with NSEC, where it is the node's own name.
    pub fn hashed_owner(&self, id: NodeId) -> Option<&[u8]> {
        let Chain::ByHash(_, length, _) = &self.chain else { return None };
        let end = self.denials.get(id as usize)?.0.start as usize;
        self.bytes.get(end.checked_sub(usize::from(*length))?..end)
    }

    /// The NSEC or NSEC3 record of a node, where it has one that does not follow a pool's addresses.
    pub fn denial(&self, id: NodeId) -> Option<RrSet<'_>> {
        let (record, signatures) = *self.denials.get(id as usize)?;
        let (wire, signatures) = (self.part(record), self.part(signatures));
        // Those that came with a zone may have other ones than this zone's would have here.
        let ttl = wire.get(6..10).and_then(|ttl| ttl.try_into().ok()).map_or(self.ttl, u32::from_be_bytes);
        let (rtype, shape) = (self.denial_type(), Shape::Opaque);
        let set = RrSet { rtype, ttl, count: 1, wire, shape, additional: &[], needed: 0, signatures };
        (!wire.is_empty()).then_some(set)
    }

    /// A set of this type that a node has of being signed.
    pub(super) fn made(&self, id: NodeId, rtype: u16) -> Option<RrSet<'_>> {
        match rtype {
            rtype::NSEC if !self.is_hashed() => self.denial(id),
            rtype::DNSKEY | rtype::CDS | rtype::CDNSKEY | rtype::NSEC3PARAM | rtype::ZONEMD if id == 0 => {
                self.at_apex().find(|set| set.rtype == rtype)
            }
            _ => None,
        }
    }

    /// What the apex has besides the zone's own sets.
    pub fn at_apex(&self) -> impl Iterator<Item = RrSet<'_>> {
        self.apex.iter().map(OwnRrSet::get)
    }
}

/// For how long RRSIG records are good (RFC 4034, 3.1.5): until 2106.
fn lives(signatures: &[u8]) -> impl Iterator<Item = Life> {
    let number = |rdata: &[u8], at: usize| Some(u64::from(u32::from_be_bytes(rdata.get(at..at + 4)?.try_into().ok()?)));
    rrset::rdatas(signatures)
        .filter_map(move |rdata| Some(Life { expires: number(rdata, 8)?, begins: number(rdata, 12)? }))
}
