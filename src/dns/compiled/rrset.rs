//! A set of records of one owner and type, ready to be copied into a response.

use crate::memory;
use crate::zone::name::{self, Name};
use crate::zone::number::{CLASS_IN, rtype};

/// Index of a node in its zone.
pub type NodeId = u32;

/// Pointer to offset 12: the owner is the question's name.
const OWNER_IS_QUESTION: [u8; 2] = [0xc0, 12];

/// Bytes of a record before its data when its owner is a pointer.
const HEAD: usize = 12;

/// One record set (RFC 2181, 5), seen in the memory of its zone or its pool.
#[derive(Debug, Clone, Copy)]
pub struct RrSet<'z> {
    /// Its type.
    pub rtype: u16,
    /// In seconds.
    pub ttl: u32,
    /// The records.
    pub count: u16,
    /// Every record in wire format, its owner a pointer to the question's name, its data uncompressed. With the
    /// question's name as owner and an opaque shape that is the response's own bytes.
    pub wire: &'z [u8],
    /// Whether its data has names that may be compressed.
    pub shape: Shape,
    /// The nodes of this zone whose addresses help with this set, each once. In a delegation's NS set those at or below
    /// the cut come first.
    pub additional: &'z [NodeId],
    /// How many of them a referral is useless without: the in-domain glue (RFC 9471, 3.1).
    pub needed: usize,
    /// Its RRSIG records in the same format; none where the set is not signed.
    pub signatures: &'z [u8],
}

/// A record set with memory of its own; no other addresses help with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRrSet {
    rtype: u16,
    ttl: u32,
    count: u16,
    wire: Box<[u8]>,
    signatures: Box<[u8]>,
}

/// Where the names in record data are that may be compressed: those of RFC 1035's types (RFC 3597, 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Copied as it is.
    Opaque,
    /// One name, behind so many bytes.
    Name {
        /// Bytes before it.
        prefix: usize,
    },
    /// Two names, then 20 bytes.
    Soa,
}

impl Shape {
    /// That of a type's data.
    pub fn of(rtype: u16) -> Shape {
        match rtype {
            rtype::NS | rtype::CNAME | rtype::PTR => Shape::Name { prefix: 0 },
            rtype::MX => Shape::Name { prefix: 2 },
            rtype::SOA => Shape::Soa,
            _ => Shape::Opaque,
        }
    }
}

impl OwnRrSet {
    /// A set from the data of its records.
    pub fn new<'r>(rtype: u16, ttl: u32, rdatas: impl IntoIterator<Item = &'r [u8]>) -> OwnRrSet {
        let mut wire = Vec::new();
        let count = rdatas.into_iter().map(|rdata| put(&mut wire, rtype, ttl, rdata)).count();
        OwnRrSet { rtype, ttl, count: count as u16, wire: wire.into(), signatures: Box::default() }
    }

    /// The same with these RRSIG records, as [`RrSet::signatures`] has them.
    #[must_use]
    pub fn signed(self, signatures: Box<[u8]>) -> OwnRrSet {
        OwnRrSet { signatures, ..self }
    }

    /// Whether it has no record.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The set.
    pub fn get(&self) -> RrSet<'_> {
        let OwnRrSet { rtype, ttl, count, ref wire, ref signatures } = *self;
        RrSet { rtype, ttl, count, wire, shape: Shape::of(rtype), additional: &[], needed: 0, signatures }
    }
}

/// The data of each record in [`RrSet::wire`].
pub(super) fn rdatas(mut wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (head, after) = wire.split_at_checked(HEAD)?;
        let (rdata, after) = after.split_at(u16::from_be_bytes([head[10], head[11]]) as usize);
        wire = after;
        Some(rdata)
    })
}

/// Writes a record as [`RrSet::wire`] has it.
pub fn put(wire: &mut Vec<u8>, rtype: u16, ttl: u32, rdata: &[u8]) {
    memory::reserve(wire, HEAD + rdata.len());
    wire.extend_from_slice(&OWNER_IS_QUESTION);
    wire.extend_from_slice(&rtype.to_be_bytes());
    wire.extend_from_slice(&CLASS_IN.to_be_bytes());
    wire.extend_from_slice(&ttl.to_be_bytes());
    wire.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
    wire.extend_from_slice(rdata);
}

impl<'z> RrSet<'z> {
    /// The data of its records.
    pub fn rdatas(self) -> impl Iterator<Item = &'z [u8]> {
        rdatas(self.wire)
    }

    /// Its RRSIG records as a set; none where it is not signed.
    pub fn rrsigs(self) -> Option<RrSet<'z>> {
        let wire = self.signatures;
        let count = rdatas(wire).count() as u16;
        let (rtype, shape) = (rtype::RRSIG, Shape::Opaque);
        let set = RrSet { rtype, count, wire, shape, additional: &[], needed: 0, signatures: &[], ..self };
        (count > 0).then_some(set)
    }

    /// The data of its first record: what a CNAME, DNAME or SOA is.
    pub fn first(self) -> &'z [u8] {
        self.rdatas().next().unwrap_or_default()
    }
}

/// The name in record data whose addresses help with it: NS and MX (RFC 1034, 4.3.2, step 6), SRV (RFC 2782), SVCB and
/// HTTPS (RFC 9460, 4.1). Lower case. `owner` is what SVCB's `.` stands for in service mode (RFC 9460, 2.5.2).
pub(super) fn helped_name(rtype: u16, rdata: &[u8], owner: &[u8]) -> Option<Box<[u8]>> {
    let from = match rtype {
        rtype::NS => 0,
        rtype::MX | rtype::SVCB | rtype::HTTPS => 2,
        rtype::SRV => 6,
        _ => return None,
    };
    let (name, _) = Name::read(rdata, from)?;
    match name.labels() {
        0 if matches!(rtype, rtype::SVCB | rtype::HTTPS) && rdata[..2] != [0, 0] => Some(name::lower(owner)),
        0 => None,
        _ => Some(name.as_bytes().into()),
    }
}
