//! The chain of the names that are there, by which others are denied: NSEC (RFC 4034, 4) or NSEC3 (RFC 5155).

use super::hash;
use crate::config::dns::Denial;
use crate::dns::compiled::{NameHash, Node, NodeId, Signatures, Zone};
use crate::zone::name::{self, LONGEST_NAME};
use crate::zone::number::rtype;
use crate::zone::rdata::bitmap;

/// Whether a set of a node that is not hidden is this zone's own (RFC 4035, 2.2).
pub(super) fn is_signed(node: Node<'_>, rtype: u16) -> bool {
    !node.is_cut() || rtype == rtype::DS
}

/// What comes behind a name in the chain of those that are there.
pub(super) enum Next {
    /// The next name, in lower case (RFC 4034, 4.1.1).
    Name(Box<[u8]>),
    /// The next hash (RFC 5155, 3.1.7).
    Hash(NameHash),
}

impl Next {
    /// What comes behind a node of a zone that is signed.
    pub(super) fn behind(zone: &Zone, signatures: &Signatures, node: Node<'_>) -> Next {
        let hash = signatures.next_hash(&hash::hash(&name::lower(node.name())));
        hash.map_or_else(
            || Next::Name(name::lower(zone.node(signatures.next_owner(node.id())).name())),
            |hash| Next::Hash(*hash),
        )
    }

    /// What lies directly behind a name: a record with it says nothing of any other name (RFC 4470, 3, and RFC 7129, appendix B). None: the name is so long
    /// that no name is below it.
    pub(super) fn directly_behind(name: &[u8], denial: Denial) -> Option<Next> {
        Some(match denial {
            Denial::Nsec if name.len() + 2 > LONGEST_NAME => return None,
            Denial::Nsec => Next::Name([&[1, 0], name].concat().into()),
            Denial::Nsec3 => {
                let mut hash = hash::hash(name);
                for byte in hash.iter_mut().rev() {
                    *byte = byte.wrapping_add(1);
                    if *byte != 0 {
                        break;
                    }
                }
                Next::Hash(hash)
            }
        })
    }

    /// The owner of the record, where that is not the name itself.
    pub(super) fn owner(&self, apex: &[u8], name: &[u8]) -> Option<Vec<u8>> {
        match self {
            Next::Name(_) => None,
            Next::Hash(_) => Some(hash::owner(&hash::hash(name), apex)),
        }
    }

    /// The data of the record of a node with sets of these types (RFC 4034, 4.1; RFC 5155, 3.2).
    pub(super) fn rdata(&self, node: Node<'_>, types: impl Iterator<Item = u16>) -> Vec<u8> {
        // What a delegation has at its own name besides is the other zone's (RFC 4035, 2.3).
        let is_told = |rtype: &u16| is_signed(node, *rtype) || *rtype == rtype::NS;
        let mut types = types.filter(is_told).collect::<Vec<_>>();
        // An NSEC record has a signature itself.
        let has_signatures = matches!(self, Next::Name(_)) || types.iter().any(|rtype| is_signed(node, *rtype));
        types.extend(has_signatures.then_some(rtype::RRSIG));
        self.rdata_of(types)
    }

    /// The same of a name with sets of these types, RRSIG among them where it has signatures.
    pub(super) fn rdata_of(&self, types: Vec<u16>) -> Vec<u8> {
        match self {
            Next::Name(next) => [&next[..], &bitmap(types.into_iter().chain([rtype::NSEC]))].concat(),
            Next::Hash(next) => [&hash::PARAMETERS[..], &[next.len() as u8], next, &bitmap(types)].concat(),
        }
    }
}

/// The nodes with an NSEC record, which have a set or a pool (RFC 4035, 2.3), or with an NSEC3 record, which are all that exist (RFC 5155, 7.1).
pub(super) fn owners(zone: &Zone, denial: Denial) -> Vec<NodeId> {
    let mut hidden = Hidden::default();
    let visible = zone.nodes().filter(move |node| !hidden.hides(*node));
    let is_owner = |node: &Node<'_>| denial == Denial::Nsec3 || node.pool().is_some() || node.sets().next().is_some();
    visible.filter(is_owner).map(Node::id).collect()
}

/// What a delegation or a DNAME hides: the walk over the names comes by it before it comes by them.
#[derive(Default)]
struct Hidden<'z> {
    below: Option<&'z [u8]>,
}

impl<'z> Hidden<'z> {
    /// Whether the next node, in canonical order, is hidden.
    fn hides(&mut self, node: Node<'z>) -> bool {
        if self.below.is_some_and(|above| name::is_within(node.name(), above)) {
            return true;
        }
        let hides = node.is_cut() || node.set(rtype::DNAME).is_some();
        self.below = hides.then(|| node.name());
        false
    }
}
