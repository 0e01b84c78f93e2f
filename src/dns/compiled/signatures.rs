//! What makes a compiled zone a signed one: it lies beside the zone's sets, and is swapped without them.

use super::rrset::{self, NodeId, OwnRrSet, RrSet, Shape};
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
    /// When the first of them runs out, in seconds since the epoch.
    expires: Option<u64>,
}

/// In which order the records are that deny.
#[derive(Debug)]
enum Chain {
    /// NSEC (RFC 4034, 4): by node, the last one up to it that has such a record.
    ByName(Vec<NodeId>),
    /// NSEC3 (RFC 5155): the nodes by their hashes, in the order of those, and how long the owners of the records are.
    ByHash(Vec<(NameHash, NodeId)>, u16),
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
        Signatures::new(ttl, apex, Chain::ByHash(chain, owner_length))
    }

    fn new(ttl: u32, apex: Vec<OwnRrSet>, chain: Chain) -> Signatures {
        let expires = apex.iter().flat_map(|set| expirations(set.get().signatures)).min();
        Signatures { ttl, bytes: Vec::new(), sets: Vec::new(), denials: Vec::new(), chain, apex, soa: None, expires }
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
        let id = self.denials.len() as NodeId;
        if let Chain::ByName(last) = &mut self.chain {
            memory::reserve(last, 1);
            last.push(id);
        }
        self.add(owner.unwrap_or_default())?;
        let (rdata, signatures) = record.unwrap_or_default();
        let mut wire = Vec::new();
        if record.is_some() {
            rrset::put(&mut wire, self.denial_type(), self.ttl, rdata);
        }
        let parts = (self.add(&wire)?, self.add_signatures(signatures)?);
        memory::reserve(&mut self.denials, 1);
        self.denials.push(parts);
        Ok(())
    }

    fn add_signatures(&mut self, signatures: &[u8]) -> Result<Part, TooLarge> {
        self.expires = self.expires.into_iter().chain(expirations(signatures)).min();
        self.add(signatures)
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
        self.expires
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
        let Chain::ByHash(hashes, _) = &self.chain else { return None };
        let behind = hashes.partition_point(|(other, _)| other <= hash);
        hashes.get(behind.checked_sub(1).unwrap_or(hashes.len() - 1)).map(|(_, id)| *id)
    }

    /// The node behind this one with an NSEC record; the apex behind the last.
    pub fn next_owner(&self, id: NodeId) -> NodeId {
        let Chain::ByName(last) = &self.chain else { return 0 };
        let behind = (id..).zip(&last[id as usize..]).skip(1);
        behind.into_iter().find(|(id, owner)| id == *owner).map_or(0, |(id, _)| id)
    }

    /// The hash behind this one; the first behind the last.
    pub fn next_hash(&self, hash: &NameHash) -> Option<&NameHash> {
        let Chain::ByHash(hashes, _) = &self.chain else { return None };
        let behind = hashes.partition_point(|(other, _)| other <= hash);
        hashes.get(behind).or(hashes.first()).map(|(next, _)| next)
    }

    /// The owner of a node's NSEC3 record; none with NSEC, where it is the node's own name.
    pub fn hashed_owner(&self, id: NodeId) -> Option<&[u8]> {
        let Chain::ByHash(_, length) = &self.chain else { return None };
        let end = self.denials.get(id as usize)?.0.start as usize;
        self.bytes.get(end.checked_sub(usize::from(*length))?..end)
    }

    /// The NSEC or NSEC3 record of a node, where it has one that does not follow a pool's addresses.
    pub fn denial(&self, id: NodeId) -> Option<RrSet<'_>> {
        let (record, signatures) = *self.denials.get(id as usize)?;
        let (wire, signatures) = (self.part(record), self.part(signatures));
        let (rtype, ttl, shape) = (self.denial_type(), self.ttl, Shape::Opaque);
        let set = RrSet { rtype, ttl, count: 1, wire, shape, additional: &[], needed: 0, signatures };
        (!wire.is_empty()).then_some(set)
    }

    /// A set of this type that a node has of being signed.
    pub(super) fn made(&self, id: NodeId, rtype: u16) -> Option<RrSet<'_>> {
        match rtype {
            rtype::NSEC if !self.is_hashed() => self.denial(id),
            rtype::DNSKEY | rtype::CDS | rtype::CDNSKEY | rtype::NSEC3PARAM if id == 0 => {
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

/// When the signatures of RRSIG records run out (RFC 4034, 3.1.5), in seconds since the epoch: until 2106.
fn expirations(signatures: &[u8]) -> impl Iterator<Item = u64> {
    rrset::rdatas(signatures).filter_map(|rdata| {
        let expiration = rdata.get(8..12)?.try_into().ok()?;
        Some(u64::from(u32::from_be_bytes(expiration)))
    })
}
