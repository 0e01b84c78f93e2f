//! The compiled form of zones, and the search in it.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::quality::RandomState;

use super::names::{Names, Node, PoolId};
use super::order::Order;
use super::rrset::{NodeId, OwnRrSet, RrSet};
use super::signatures::Signatures;
use crate::config::Finding;
use crate::dns::history::History;
use crate::zone::name::{self, Name};
use crate::zone::name_index::NameIndex;
use crate::zone::number::rtype;
use crate::zone::{Fingerprint, serial};

/// Where the queries of a zone are counted: the same for its apex as long as it is served without a break, whatever documents come and go.
pub type Slot = u16;

/// How many zones are counted each by itself. Those that come later share the slot of this number.
pub const MOST_SLOTS: Slot = 1000;

/// All zones of the document.
#[derive(Debug, Default)]
pub struct Zones {
    zones: Vec<Arc<Zone>>,
    by_apex: HashMap<Box<[u8]>, (Place, Slot), RandomState>,
    /// The slot of the next zone that none had before.
    next: Slot,
    /// Labels of the apex with the most of them: no longer suffix needs to be looked up.
    deepest: usize,
}

/// Where a zone of the document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// At this index.
    Zone(usize),
    /// Nowhere: it could not be read, is no longer served, or is awaited from its primaries.
    Unavailable { is_awaited: bool },
}

/// Who answers for a name.
#[derive(Debug, Clone, Copy)]
pub enum Authority<'z> {
    /// This zone.
    Zone(&'z Zone),
    /// A zone of the document that could not be read, or is not served any more: SERVFAIL.
    Unavailable {
        /// It has not come from its primaries yet.
        is_awaited: bool,
    },
    /// No zone of the document.
    Elsewhere,
}

impl<'z> Authority<'z> {
    /// The zone, if there is one.
    pub fn zone(self) -> Option<&'z Zone> {
        match self {
            Authority::Zone(zone) => Some(zone),
            Authority::Unavailable { .. } | Authority::Elsewhere => None,
        }
    }
}

/// One zone, in a few vectors: some 80 bytes a record.
#[derive(Debug, Clone)]
pub struct Zone {
    /// The apex in wire format, lower case.
    pub apex: Box<[u8]>,
    /// A hash of it, by which negative answers are counted.
    pub account: u64,
    /// The SOA as negative answers carry it: its TTL is the lower one of its own and its minimum (RFC 2308, 3).
    pub negative: OwnRrSet,
    /// The serial of the SOA that is served.
    pub serial: u32,
    /// Records in the files.
    pub records: usize,
    /// What is hardly meant in the files.
    pub warnings: Vec<Finding>,
    /// Why resolvers that validate refuse it, whenever they ask, and it is served all the same; none: nothing is known that would make them.
    pub bogus: Option<String>,
    /// What it was read from; none if it is a copy.
    pub fingerprint: Option<Fingerprint>,
    /// It lists zones for nameservers, and is answered only to those who may have it whole.
    pub is_catalog: bool,
    /// How it came to be what it is; none where no other nameserver gets it.
    pub history: Option<Arc<History>>,
    pub(super) labels: usize,
    pub(super) names: Arc<Names>,
    pub(super) by_name: Arc<NameIndex>,
    /// The names that are answered from pools.
    pub(super) pool_names: Arc<[(PoolId, NodeId)]>,
    /// What makes it a signed zone; none where it is not.
    pub(super) signatures: Option<Arc<Signatures>>,
    /// By what names are denied; none where they are not, or by their hashes.
    pub(super) order: Option<Arc<Order>>,
}

/// Where a name leads inside one zone (RFC 1034, 4.3.2, step 3).
#[derive(Debug, Clone, Copy)]
pub enum Found<'z> {
    /// To a node: its own, or the wildcard its answer is synthesized from (RFC 4592, 3.3.1).
    Node(Node<'z>),
    /// To a delegation at or above it.
    Cut(Node<'z>),
    /// To a DNAME above it.
    Dname {
        /// The DNAME set.
        set: RrSet<'z>,
        /// Its owner.
        owner: Node<'z>,
        /// The label of the name at which the owner begins.
        label: usize,
    },
    /// Nowhere: neither the name nor anything below it exists.
    Nothing {
        /// The deepest name above it that exists (RFC 4592, 3.3.1).
        encloser: Node<'z>,
    },
}

impl Zones {
    /// Puts the zones together; `unavailable` are the apexes of those that could not be read.
    pub fn new(zones: Vec<Arc<Zone>>, unavailable: Vec<Box<[u8]>>) -> Zones {
        let read = zones.iter().enumerate().map(|(n, zone)| (zone.apex.clone(), Place::Zone(n)));
        let all = read.chain(unavailable.into_iter().map(|apex| (apex, Place::Unavailable { is_awaited: false })));
        let by_apex: HashMap<_, _, _> = all.zip(0..).map(|((apex, place), n)| (apex, (place, slot(n)))).collect();
        let deepest = by_apex.keys().map(|apex| name::labels(apex).count()).max().unwrap_or(0);
        let next = slot(by_apex.len());
        Zones { zones, by_apex, deepest, next }
    }

    /// The same, counted where they were before. A zone that is new has a slot that none has had: what was counted there was another's.
    #[must_use]
    pub fn following(mut self, before: &Zones) -> Zones {
        let mut next = before.next;
        let mut apexes: Vec<_> = self.by_apex.iter_mut().collect();
        apexes.sort();
        for (apex, (_, own)) in apexes {
            *own = before.slot(apex).unwrap_or(next);
            if *own == next {
                next = slot(usize::from(next) + 1);
            }
        }
        self.next = next;
        self
    }

    /// The same with zones of these apexes besides, which are unavailable, counted where they were before.
    #[must_use]
    pub fn and(&self, apexes: Vec<Box<[u8]>>, before: &Zones) -> Zones {
        let Zones { ref zones, ref by_apex, next, mut deepest } = *self;
        let mut by_apex = by_apex.clone();
        for apex in apexes {
            deepest = deepest.max(name::labels(&apex).count());
            by_apex.entry(apex).or_insert((Place::Unavailable { is_awaited: false }, MOST_SLOTS));
        }
        Zones { zones: zones.clone(), by_apex, next, deepest }.following(before)
    }

    /// The same with these zones where they were unavailable; those of the apexes `awaited` are to come yet.
    #[must_use]
    pub fn with<'a>(&self, zones: Vec<Arc<Zone>>, awaited: impl Iterator<Item = &'a [u8]>) -> Zones {
        let Zones { zones: ref present, ref by_apex, next, deepest } = *self;
        let mut all = Zones { zones: present.clone(), by_apex: by_apex.clone(), next, deepest };
        for zone in zones {
            if let Some((place @ Place::Unavailable { .. }, _)) = all.by_apex.get_mut(&zone.apex) {
                *place = Place::Zone(all.zones.len());
                all.zones.push(zone);
            }
        }
        for apex in awaited {
            if let Some((Place::Unavailable { is_awaited }, _)) = all.by_apex.get_mut(apex) {
                *is_awaited = true;
            }
        }
        all
    }

    /// The same with these zones instead of those of the same apexes.
    #[must_use]
    pub fn replacing(&self, others: impl IntoIterator<Item = Arc<Zone>>) -> Zones {
        let Zones { ref zones, ref by_apex, next, deepest } = *self;
        let mut all = Zones { zones: zones.clone(), by_apex: by_apex.clone(), next, deepest };
        for other in others {
            if let Some((Place::Zone(n), _)) = all.by_apex.get(&other.apex) {
                all.zones[*n] = other;
            }
        }
        all
    }

    /// Where the queries for the zone of this apex, in lower case, are counted.
    pub fn slot(&self, apex: &[u8]) -> Option<Slot> {
        self.by_apex.get(apex).map(|(_, slot)| *slot)
    }

    /// The zone that answers for a name: the deepest one that encloses it. A question for DS is one about the parent
    /// side of a cut, and so skips the zone whose apex it names where we serve the parent too (RFC 4035, 3.1.4.1).
    pub fn zone_of(&self, name: &Name, qtype: u16) -> Authority<'_> {
        self.zone_and_slot_of(name, qtype).0
    }

    /// The same, and where its queries are counted.
    pub fn zone_and_slot_of(&self, name: &Name, qtype: u16) -> (Authority<'_>, Option<Slot>) {
        let first = name.labels().saturating_sub(self.deepest);
        let mut enclosing = (first..=name.labels())
            .filter_map(|label| self.by_apex.get(name.from_label(label)).map(|place| (label, *place)));
        let Some((label, deepest)) = enclosing.next() else { return (Authority::Elsewhere, None) };
        let is_of_parent = qtype == rtype::DS && label == 0;
        let parent = if is_of_parent { enclosing.next() } else { None };
        let (place, slot) = parent.map_or(deepest, |(_, parent)| parent);
        (self.at(place), Some(slot))
    }

    fn at(&self, place: Place) -> Authority<'_> {
        match place {
            Place::Zone(n) => Authority::Zone(&self.zones[n]),
            Place::Unavailable { is_awaited } => Authority::Unavailable { is_awaited },
        }
    }

    /// The zones that could be read, in the order of the document.
    pub fn iter(&self) -> impl Iterator<Item = &Zone> {
        self.zones.iter().map(Arc::as_ref)
    }

    /// The zone of this apex, in lower case, if it could be read.
    pub fn get(&self, apex: &[u8]) -> Option<&Arc<Zone>> {
        match self.by_apex.get(apex)?.0 {
            Place::Zone(n) => self.zones.get(n),
            Place::Unavailable { .. } => None,
        }
    }
}

fn slot(number: usize) -> Slot {
    Slot::try_from(number).map_or(MOST_SLOTS, |slot| slot.min(MOST_SLOTS))
}

impl Zone {
    /// Where a name inside this zone leads. Walks from the apex down, so that cuts and DNAMEs hide what is below them,
    /// and the last name found is the closest encloser (RFC 4592, 3.3.1).
    pub fn find(&self, name: &Name, qtype: u16) -> Found<'_> {
        let apex = name.labels() - self.labels;
        let mut label = apex;
        let mut node = self.node(0);
        loop {
            let row = *node.row();
            if row.cut && !(label == 0 && qtype == rtype::DS) {
                return Found::Cut(node);
            }
            if label == 0 {
                return Found::Node(node);
            }
            if let Some(set) = node.set(rtype::DNAME) {
                return Found::Dname { set, owner: node, label };
            }
            label -= 1;
            match self.by_name(name.from_label(label)) {
                Some(below) => node = below,
                None if row.wildcard == 0 => return Found::Nothing { encloser: node },
                None => return Found::Node(self.node(row.wildcard)),
            }
        }
    }

    /// The node of a name; `lower` in lower case.
    pub fn by_name(&self, lower: &[u8]) -> Option<Node<'_>> {
        self.by_name.find_lower(lower, |id| self.node(id).is_called(lower)).map(|id| self.node(id))
    }

    /// How many bytes its names and records take.
    pub fn size(&self) -> usize {
        self.names.bytes.len() + self.signatures.as_ref().map_or(0, |signatures| signatures.size())
    }

    /// The serial in its file.
    pub fn file_serial(&self) -> u32 {
        serial::of_soa(self.file_soa()).unwrap_or_default()
    }

    /// Its SOA with another serial.
    pub fn with_serial(&self, serial: u32) -> OwnRrSet {
        let ttl = self.names.node(0).set(rtype::SOA).map_or(0, |set| set.ttl);
        OwnRrSet::new(rtype::SOA, ttl, [&serial::with_serial(self.file_soa(), serial)[..]])
    }

    fn file_soa(&self) -> &[u8] {
        self.names.node(0).set(rtype::SOA).map_or(&[], RrSet::first)
    }

    /// A node by its index, as `RrSet::additional` names it.
    pub fn node(&self, id: NodeId) -> Node<'_> {
        self.names.node_in(self.signatures.as_deref(), id)
    }

    /// Every node, in canonical order.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = Node<'_>> {
        (0..self.names.nodes.len() as NodeId - 1).map(|id| self.node(id))
    }

    /// The last node, in canonical order, before a name that would have this label below a node, and below which there is nothing.
    pub fn last_before(&self, label: &[u8], above: Node<'_>) -> NodeId {
        let name = above.name();
        let is_before = |id| {
            let beside = self.names.label_below(id, name);
            beside.is_some_and(|beside| name::compare_labels(beside, label).is_lt())
        };
        let (first, end) = (above.id(), self.names.nodes.len() as NodeId - 1);
        // A `*`, which is asked for each name that is not there, comes before nearly everything.
        if first + 1 < end && !is_before(first + 1) {
            return first;
        }
        let of_apex = self.order.as_ref().filter(|_| first == 0);
        let (mut low, mut high) = of_apex.map_or((first, end), |order| order.around(label));
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match is_before(middle) {
                true => low = middle,
                // Also what is behind all that is below the node.
                false => high = middle,
            }
        }
        low
    }

    /// The names in it that are answered from pools, each with its pool.
    pub fn pool_names(&self) -> impl Iterator<Item = (PoolId, Node<'_>)> {
        self.pool_names.iter().map(|(pool, id)| (*pool, self.node(*id)))
    }

    /// What makes it a signed zone; none where it is not.
    pub fn signatures(&self) -> Option<&Arc<Signatures>> {
        self.signatures.as_ref()
    }

    /// Whether the other one is this one, whatever their signatures are.
    pub fn has_the_names_of(&self, other: &Zone) -> bool {
        Arc::ptr_eq(&self.names, &other.names)
    }

    /// The same zone, given to others whole alone.
    #[must_use]
    pub fn without_history(&self) -> Zone {
        Zone { history: None, ..self.clone() }
    }

    /// The same zone with these signatures, which were made for it.
    #[must_use]
    pub fn signed(&self, signatures: Arc<Signatures>) -> Zone {
        let served = signatures.soa().map_or(self.file_soa(), RrSet::first);
        let serial = serial::of_soa(served).unwrap_or_default();
        let negative = OwnRrSet::new(rtype::SOA, self.negative.get().ttl, [served]);
        let order = self.order.clone().or_else(|| Some(Arc::new(Order::new(&self.names, &self.apex))));
        let order = order.filter(|_| !signatures.is_hashed());
        Zone { serial, negative, order, signatures: Some(signatures), ..self.clone() }
    }
}

#[cfg(test)]
mod tests;
