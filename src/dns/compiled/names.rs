//! The names of a zone with their sets, in a few vectors.

use std::num::NonZero;

use super::rrset::{NodeId, RrSet, Shape};
use super::signatures::Signatures;
use crate::zone::name;
use crate::zone::number::rtype;

/// Index of a pool in the document's order of names.
pub type PoolId = u16;

/// The names of a zone with their sets. Each row ends where the next begins; behind the last one stands one that is none.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// In canonical order (RFC 4034, 6.1): the apex is the first.
    pub(super) nodes: Vec<NodeRow>,
    /// In the order of the nodes, those of a node by type.
    pub(super) sets: Vec<SetRow>,
    /// What helps with the sets; before each such list stands how many of it a referral is useless without.
    pub(super) additional: Vec<NodeId>,
    /// Names, and sets in wire format.
    pub(super) bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct NodeRow {
    pub(super) account: u64,
    /// Where its name begins.
    pub(super) name: u32,
    /// Its first set.
    pub(super) sets: u32,
    /// The `*` below it, or the apex, which is none.
    pub(super) wildcard: NodeId,
    pub(super) pool: Option<NonZero<PoolId>>,
    pub(super) cut: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct SetRow {
    /// Where its records begin.
    pub(super) wire: u32,
    /// Where they end: a name may stand between two sets.
    pub(super) length: u32,
    pub(super) additional: u32,
    pub(super) rtype: u16,
    pub(super) count: u16,
}

/// One name of a zone; an empty non-terminal has neither sets nor a pool.
#[derive(Debug, Clone, Copy)]
pub struct Node<'z> {
    names: &'z Names,
    signatures: Option<&'z Signatures>,
    id: NodeId,
}

impl Names {
    pub(super) fn node(&self, id: NodeId) -> Node<'_> {
        Node { names: self, signatures: None, id }
    }

    /// The label of a node's name, or of one above it, that is directly below `above`; none: the node is not below that.
    pub(super) fn label_below(&self, id: NodeId, above: &[u8]) -> Option<&[u8]> {
        let mut name = &self.bytes[self.nodes[id as usize].name as usize..];
        while let Some((length, rest)) = name.split_first().filter(|(length, _)| **length > 0) {
            let (label, rest) = rest.split_at_checked(usize::from(*length))?;
            if rest.get(..above.len()).is_some_and(|rest| rest.eq_ignore_ascii_case(above)) {
                return Some(label);
            }
            name = rest;
        }
        None
    }

    /// The same in a zone with these signatures.
    pub(super) fn node_in<'z>(&'z self, signatures: Option<&'z Signatures>, id: NodeId) -> Node<'z> {
        Node { names: self, signatures, id }
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = Node<'_>> {
        (0..self.nodes.len() as NodeId - 1).map(|id| self.node(id))
    }
}

impl<'z> Node<'z> {
    pub(super) fn row(self) -> &'z NodeRow {
        &self.names.nodes[self.id as usize]
    }

    /// Its index in the zone.
    pub fn id(self) -> NodeId {
        self.id
    }

    /// Whether it is where another zone begins, which this one delegates.
    pub fn is_cut(self) -> bool {
        self.row().cut
    }

    /// In wire format, in the case of the file.
    pub fn name(self) -> &'z [u8] {
        let name = &self.names.bytes[self.row().name as usize..];
        &name[..name::measure(name).unwrap_or(0)]
    }

    /// Whether this is its name; `lower` in lower case.
    pub fn is_called(self, lower: &[u8]) -> bool {
        let name = self.names.bytes[self.row().name as usize..].get(..lower.len());
        // Nearly every name is written in lower case.
        name.is_some_and(|name| name == lower || name.eq_ignore_ascii_case(lower))
    }

    /// A hash of its name, by which its responses are counted ([`crate::dns::rate_limit`]).
    pub fn account(self) -> u64 {
        self.row().account
    }

    /// The pool its A and AAAA come from.
    pub fn pool(self) -> Option<PoolId> {
        self.row().pool.map(|pool| pool.get() - 1)
    }

    /// Its sets, ordered by type. A pool's addresses are not here.
    pub fn sets(self) -> impl Iterator<Item = RrSet<'z>> {
        let rows = &self.names.nodes[self.id as usize..];
        (rows[0].sets..rows[1].sets).map(move |set| self.signed(set))
    }

    /// The set of one type.
    pub fn set(self, rtype: u16) -> Option<RrSet<'z>> {
        let rows = &self.names.nodes[self.id as usize..];
        let mut sets = rows[0].sets..rows[1].sets;
        let found = sets.find(|set| self.names.sets[*set as usize].rtype == rtype).map(|set| self.signed(set));
        found.or_else(|| self.signatures.and_then(|signatures| signatures.made(self.id, rtype)))
    }

    /// Its NSEC or NSEC3 record, where it has one that does not follow a pool's addresses.
    pub fn denial(self) -> Option<RrSet<'z>> {
        self.signatures?.denial(self.id)
    }

    /// The owner of that: its own name, or the hash of it.
    pub fn denial_owner(self) -> &'z [u8] {
        self.signatures.and_then(|signatures| signatures.hashed_owner(self.id)).unwrap_or_else(|| self.name())
    }

    fn signed(self, set: u32) -> RrSet<'z> {
        let own = self.names.set(set);
        let Some(signed) = self.signatures else { return own };
        let soa = signed.soa().filter(|_| own.rtype == rtype::SOA);
        RrSet { signatures: signed.of_set(set), wire: soa.map_or(own.wire, |soa| soa.wire), ..own }
    }
}

impl Names {
    /// The records of a set.
    pub(super) fn wire(&self, row: SetRow) -> &[u8] {
        &self.bytes[row.wire as usize..][..row.length as usize]
    }

    /// A set by its index.
    fn set(&self, set: u32) -> RrSet<'_> {
        let [row, next] = [0, 1].map(|beside| self.sets[set as usize + beside]);
        let wire = self.wire(row);
        let (needed, additional) = match &self.additional[row.additional as usize..next.additional as usize] {
            [needed, additional @ ..] => (*needed as usize, additional),
            [] => (0, &[][..]),
        };
        let ttl = wire.get(6..10).and_then(|ttl| ttl.try_into().ok()).map_or(0, u32::from_be_bytes);
        let (rtype, count, shape) = (row.rtype, row.count, Shape::of(row.rtype));
        RrSet { rtype, ttl, count, wire, shape, additional, needed, signatures: &[] }
    }
}
