//! What differs between two zones, and what a zone has, as other nameservers see it: without the case of owners and the order of records, and with
//! the signatures of a signed zone and what denies there.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{Context, SHA256};

use crate::dns::compiled::{Node, RrSet, Zone};
use crate::dns::history::{Content, Difference, put};
use crate::zone::name;
use crate::zone::number::rtype;

/// What a zone has.
pub fn content(zone: &Zone, has_pools: bool) -> Content {
    let mut context = Context::new(&SHA256);
    for (owner, set) in zone.whole() {
        let owner = name::lower(owner);
        let mut rdatas: Vec<&[u8]> = set.rdatas().collect();
        rdatas.sort_unstable();
        for rdata in rdatas {
            context.update(&owner);
            context.update(&[&set.rtype.to_be_bytes()[..], &set.ttl.to_be_bytes()].concat());
            context.update(&(rdata.len() as u16).to_be_bytes());
            context.update(rdata);
        }
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    Content { serial: zone.serial, digest, has_pools }
}

/// What leads from one zone to another; `None` if it takes more than so many bytes, or one of them has records that belong to none of its names.
pub fn between(before: &Zone, behind: &Zone, most: usize) -> Option<Difference> {
    if before.others().chain(behind.others()).next().is_some() {
        return None;
    }
    let mut found = Found { zones: [before, behind], difference: Difference::default(), most };
    found.soas()?;
    let (mut old, mut new) = (before.nodes().peekable(), behind.nodes().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (Some(one), Some(other)) => name::compare(one.name(), other.name()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return Some(found.difference),
        };
        let one = old.next_if(|_| order.is_le());
        let other = new.next_if(|_| order.is_ge());
        found.names(one, other)?;
    }
}

struct Found<'z> {
    zones: [&'z Zone; 2],
    difference: Difference,
    most: usize,
}

/// A set of a node: one of its own or what denies, its type, and for a signature of which type it is. The other sets of that owner and type are
/// signatures of other types.
type Key = (bool, u16, u16);

impl<'z> Found<'z> {
    fn soas(&mut self) -> Option<()> {
        let [before, behind] = self.zones;
        let soa = |zone: &Zone, records: &mut Vec<u8>| {
            let apex = zone.node(0);
            let set = apex.set(rtype::SOA)?;
            put(records, apex.name(), set.rtype, set.ttl, set.first());
            Some(())
        };
        soa(before, &mut self.difference.removed)?;
        soa(behind, &mut self.difference.added)
    }

    /// Of two nodes of one name, or of one that is there on one side only.
    fn names(&mut self, old: Option<Node<'z>>, new: Option<Node<'z>>) -> Option<()> {
        let [before, behind] = self.zones;
        let sets = |zone: &'z Zone, node: Option<Node<'z>>| -> BTreeMap<Key, (&'z [u8], RrSet<'z>)> {
            let sets = node.into_iter().flat_map(|node| node.whole(zone).map(move |(owner, set)| (node, owner, set)));
            let keyed = sets.map(|(node, owner, set)| {
                let covered = set.first().first_chunk().filter(|_| set.rtype == rtype::RRSIG);
                let key = (owner == node.name(), set.rtype, covered.map_or(0, |covered| u16::from_be_bytes(*covered)));
                (key, (owner, set))
            });
            keyed.collect()
        };
        let (olds, news) = (sets(before, old), sets(behind, new));
        let keys: BTreeSet<&Key> =
            olds.keys().chain(news.keys()).filter(|(_, rtype, _)| *rtype != rtype::SOA).collect();
        for key in keys {
            let (was, is) = (olds.get(key).copied(), news.get(key).copied());
            if let (Some((_, was)), Some((_, is))) = (was, is)
                && was.ttl == is.ttl
                && was.wire == is.wire
            {
                continue;
            }
            let only = |one: Option<(&[u8], RrSet<'_>)>, other: Option<(&[u8], RrSet<'_>)>, records: &mut Vec<u8>| {
                let Some((owner, set)) = one else { return };
                // Records of one RRset have one TTL: with another one, each is another record.
                let same = other.map(|(_, other)| other).filter(|other| other.ttl == set.ttl);
                let there: BTreeSet<&[u8]> = same.into_iter().flat_map(RrSet::rdatas).collect();
                let missing = set.rdatas().filter(|rdata| !there.contains(rdata));
                missing.for_each(|rdata| put(records, owner, set.rtype, set.ttl, rdata));
            };
            let Difference { removed, added } = &mut self.difference;
            only(was, is, removed);
            only(is, was, added);
            if removed.len() + added.len() > self.most {
                return None;
            }
        }
        Some(())
    }
}
