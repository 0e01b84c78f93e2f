//! What the nodes of a zone have of its being signed, some at a time: whoever signs the rest of them needs nothing of it.

use std::ops::Range;

use super::chain::{Next, is_signed};
use super::roles::Moment;
use super::rrset::Unsigned;
use crate::dns::compiled::{Node, NodeId, OwnRrSet, RrSet, Signatures, TooLarge, Zone};
use crate::zone::name;
use crate::zone::number::rtype;

/// The names of a zone, and all that decides what they have of its being signed.
pub(super) struct Names<'z> {
    pub(super) zone: &'z Zone,
    pub(super) moment: &'z Moment<'z>,
    /// What the zone was, signed.
    pub(super) before: Option<&'z Zone>,
    /// Instead of the zone's own.
    pub(super) soa: &'z OwnRrSet,
    /// Types that the apex has besides its own.
    pub(super) made: &'z [u16],
    /// The nodes with an NSEC or NSEC3 record, in canonical order.
    pub(super) owners: &'z [NodeId],
    /// What comes behind each of them.
    pub(super) next: &'z [Next],
    /// NSEC or NSEC3.
    pub(super) denial_type: u16,
    /// In seconds, of these.
    pub(super) ttl: u32,
}

/// What one node has.
pub(super) struct SignedNode {
    /// The RRSIG records of each of its sets; none where one is not signed.
    sets: Vec<Vec<u8>>,
    denial: Denial,
}

/// What proves which types a node has.
enum Denial {
    /// Nothing: it is hidden, or nothing is there.
    None,
    /// An NSEC or NSEC3 record that follows the addresses of a pool, with its owner where that is a hash.
    OfPool(Option<Vec<u8>>),
    /// The data of one, its owner where that is a hash, and its RRSIG records.
    Record { hashed: Option<Vec<u8>>, rdata: Vec<u8>, signatures: Vec<u8> },
}

impl Names<'_> {
    /// What these nodes have.
    pub(super) fn sign(&self, nodes: Range<NodeId>) -> Vec<SignedNode> {
        let mut place = self.owners.partition_point(|owner| *owner < nodes.start);
        let sign = |id: NodeId| {
            let next = self.next.get(place).filter(|_| self.owners[place] == id);
            place += usize::from(next.is_some());
            self.node(self.zone.node(id), next)
        };
        nodes.map(sign).collect()
    }

    /// What a node has, and behind it comes `next` in the chain; none: no record proves its types.
    fn node(&self, node: Node<'_>, next: Option<&Next>) -> SignedNode {
        let owner = name::lower(node.name());
        let earlier = self.before.and_then(|before| before.by_name(&owner));
        let signatures = |set: RrSet<'_>| {
            let set = if set.rtype == rtype::SOA { self.soa.get() } else { set };
            // Whoever is in no chain is hidden, or has no set.
            let is_signed = next.is_some() && is_signed(node, set.rtype);
            if is_signed { self.set(&owner, set, earlier) } else { Vec::new() }
        };
        let sets = node.sets().map(signatures).collect();
        SignedNode { sets, denial: next.map_or(Denial::None, |next| self.denial(node, &owner, next, earlier)) }
    }

    fn set(&self, owner: &[u8], set: RrSet<'_>, earlier: Option<Node<'_>>) -> Vec<u8> {
        let rdatas: Vec<&[u8]> = set.rdatas().collect();
        let earlier = earlier.and_then(|node| node.set(set.rtype)).filter(|earlier| earlier.wire == set.wire);
        let unsigned = Unsigned { owner, rtype: set.rtype, ttl: set.ttl, rdatas: &rdatas };
        self.moment.sign(unsigned, earlier.map_or(&[], |set| set.signatures))
    }

    fn denial(&self, node: Node<'_>, owner: &[u8], next: &Next, earlier: Option<Node<'_>>) -> Denial {
        let hashed = next.owner(&self.zone.apex, owner);
        if node.pool().is_some() {
            return Denial::OfPool(hashed);
        }
        let made = if node.id() == 0 { self.made } else { &[] };
        let types = node.sets().map(|set| set.rtype).chain(made.iter().copied());
        let rdata = next.rdata(node, types);
        let earlier = earlier.and_then(Node::denial).filter(|set| set.first() == &rdata[..]);
        let set = Unsigned {
            owner: hashed.as_deref().unwrap_or(owner),
            rtype: self.denial_type,
            ttl: self.ttl,
            rdatas: &[&rdata],
        };
        let signatures = self.moment.sign(set, earlier.map_or(&[], |set| set.signatures));
        Denial::Record { hashed, rdata, signatures }
    }
}

impl SignedNode {
    /// Adds it to what the nodes before it have.
    ///
    /// # Errors
    ///
    /// It does not fit.
    pub(super) fn add_to(self, signed: &mut Signatures) -> Result<(), TooLarge> {
        self.sets.iter().try_for_each(|signatures| signed.add_set(signatures))?;
        match self.denial {
            Denial::None => {
                signed.add_hidden_node();
                Ok(())
            }
            Denial::OfPool(hashed) => signed.add_node(hashed.as_deref(), None),
            Denial::Record { hashed, rdata, signatures } => {
                signed.add_node(hashed.as_deref(), Some((&rdata, &signatures)))
            }
        }
    }
}
