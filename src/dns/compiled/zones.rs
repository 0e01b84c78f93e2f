//! The compiled form of zones, and the search in it.

use std::collections::HashMap;

use super::rrset::{NodeId, RrSet};
use crate::zone::name::{self, Name};
use crate::zone::number::rtype;

/// Index of a pool in the document's order of names.
pub type PoolId = u16;

/// All zones of the document.
#[derive(Debug, Default)]
pub struct Zones {
    zones: Vec<Zone>,
    by_apex: HashMap<Box<[u8]>, Place>,
    /// Labels of the apex with the most of them: no longer suffix needs to be looked up.
    deepest: usize,
}

/// Where a zone of the document is.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// At this index.
    Zone(usize),
    /// Nowhere: it could not be read.
    Unavailable,
}

/// Who answers for a name.
#[derive(Debug, Clone, Copy)]
pub enum Authority<'z> {
    /// This zone.
    Zone(&'z Zone),
    /// A zone of the document that could not be read: SERVFAIL.
    Unavailable,
    /// No zone of the document.
    Elsewhere,
}

impl<'z> Authority<'z> {
    /// The zone, if there is one.
    pub fn zone(self) -> Option<&'z Zone> {
        match self {
            Authority::Zone(zone) => Some(zone),
            Authority::Unavailable | Authority::Elsewhere => None,
        }
    }
}

/// One zone.
#[derive(Debug)]
pub struct Zone {
    /// The apex in wire format, lower case.
    pub apex: Box<[u8]>,
    /// A hash of it, by which negative answers are counted.
    pub account: u64,
    /// The SOA as negative answers carry it: its TTL is the lower one of its own and its minimum (RFC 2308, 3).
    pub negative: RrSet,
    /// The SOA's serial.
    pub serial: u32,
    /// Records in the files.
    pub records: usize,
    pub(super) labels: usize,
    /// In canonical order (RFC 4034, 6.1): the apex is the first.
    pub(super) nodes: Vec<Node>,
    pub(super) by_name: HashMap<Box<[u8]>, NodeId>,
}

/// One name of a zone; an empty non-terminal has neither sets nor a pool.
#[derive(Debug)]
pub struct Node {
    /// In wire format, in the case of the file.
    pub name: Box<[u8]>,
    /// A hash of it, by which its responses are counted ([`crate::dns::rate_limit`]).
    pub account: u64,
    /// Ordered by type.
    pub sets: Box<[RrSet]>,
    /// The pool its A and AAAA come from.
    pub pool: Option<PoolId>,
    /// NS below the apex: everything here and below is somebody else's.
    pub cut: bool,
    /// The `*` below it.
    pub(super) wildcard: Option<NodeId>,
}

/// Where a name leads inside one zone (RFC 1034, 4.3.2, step 3).
#[derive(Debug)]
pub enum Found<'z> {
    /// To a node: its own, or the wildcard its answer is synthesized from (RFC 4592, 3.3.1).
    Node(&'z Node),
    /// To a delegation at or above it.
    Cut(&'z Node),
    /// To a DNAME above it.
    Dname {
        /// The DNAME set.
        set: &'z RrSet,
        /// Its owner.
        owner: &'z Node,
        /// The label of the name at which the owner begins.
        label: usize,
    },
    /// Nowhere: neither the name nor anything below it exists.
    Nothing,
}

impl Zones {
    /// Puts the zones together; `unavailable` are the apexes of those that could not be read.
    pub fn new(zones: Vec<Zone>, unavailable: Vec<Box<[u8]>>) -> Zones {
        let read = zones.iter().enumerate().map(|(n, zone)| (zone.apex.clone(), Place::Zone(n)));
        let by_apex: HashMap<_, _> =
            read.chain(unavailable.into_iter().map(|apex| (apex, Place::Unavailable))).collect();
        let deepest = by_apex.keys().map(|apex| name::labels(apex).count()).max().unwrap_or(0);
        Zones { zones, by_apex, deepest }
    }

    /// The zone that answers for a name: the deepest one that encloses it. A question for DS is one about the parent
    /// side of a cut, and so skips the zone whose apex it names where we serve the parent too (RFC 4035, 3.1.4.1).
    pub fn zone_of(&self, name: &Name, qtype: u16) -> Authority<'_> {
        let first = name.labels().saturating_sub(self.deepest);
        let mut enclosing = (first..=name.labels())
            .filter_map(|label| self.by_apex.get(name.from_label(label)).map(|place| (label, *place)));
        let Some((label, deepest)) = enclosing.next() else { return Authority::Elsewhere };
        match enclosing.next().filter(|_| qtype == rtype::DS && label == 0) {
            Some((_, parent)) => self.at(parent),
            None => self.at(deepest),
        }
    }

    fn at(&self, place: Place) -> Authority<'_> {
        match place {
            Place::Zone(n) => Authority::Zone(&self.zones[n]),
            Place::Unavailable => Authority::Unavailable,
        }
    }

    /// The zones that could be read, in the order of the document.
    pub fn iter(&self) -> impl Iterator<Item = &Zone> {
        self.zones.iter()
    }
}

impl Zone {
    /// Where a name inside this zone leads. Walks from the apex down, so that cuts and DNAMEs hide what is below them,
    /// and the last name found is the closest encloser (RFC 4592, 3.3.1).
    pub fn find(&self, name: &Name, qtype: u16) -> Found<'_> {
        let apex = name.labels() - self.labels;
        let mut label = apex;
        let mut node = &self.nodes[0];
        loop {
            if node.cut && !(label == 0 && qtype == rtype::DS) {
                return Found::Cut(node);
            }
            if label == 0 {
                return Found::Node(node);
            }
            if let Some(set) = node.set(rtype::DNAME) {
                return Found::Dname { set, owner: node, label };
            }
            match self.by_name.get(name.from_label(label - 1)) {
                Some(&below) => node = self.node(below),
                None => return node.wildcard.map_or(Found::Nothing, |star| Found::Node(self.node(star))),
            }
            label -= 1;
        }
    }

    /// A node by its index, as `RrSet::additional` names it.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }
}

impl Node {
    /// The set of one type. A pool's addresses are not here.
    pub fn set(&self, rtype: u16) -> Option<&RrSet> {
        self.sets.iter().find(|set| set.rtype == rtype)
    }
}
