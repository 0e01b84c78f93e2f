//! What differs between two zones, and what a zone has, as other nameservers see it: without the case of owners and the order of records.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use aws_lc_rs::digest::{Context, SHA256};

use crate::dns::compiled::{Node, RrSet, Zone};
use crate::dns::history::{Content, Difference, put};
use crate::zone::name;
use crate::zone::number::rtype;

/// What a zone has.
pub fn content(zone: &Zone, has_pools: bool) -> Content {
    let mut context = Context::new(&SHA256);
    for node in zone.nodes() {
        let owner = name::lower(node.name());
        for set in node.sets() {
            let mut rdatas: Vec<&[u8]> = set.rdatas().collect();
            rdatas.sort_unstable();
            for rdata in rdatas {
                context.update(&owner);
                context.update(&[&set.rtype.to_be_bytes()[..], &set.ttl.to_be_bytes()].concat());
                context.update(&(rdata.len() as u16).to_be_bytes());
                context.update(rdata);
            }
        }
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    Content { serial: zone.serial, digest, has_pools }
}

/// What leads from one zone to another; `None` if it takes more than so many bytes.
pub fn between(before: &Zone, behind: &Zone, most: usize) -> Option<Difference> {
    let mut found = Found { difference: Difference::default(), most };
    found.soas(before, behind)?;
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

struct Found {
    difference: Difference,
    most: usize,
}

impl Found {
    fn soas(&mut self, before: &Zone, behind: &Zone) -> Option<()> {
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
    fn names(&mut self, old: Option<Node<'_>>, new: Option<Node<'_>>) -> Option<()> {
        let sets = |node: Option<Node<'_>>| node.into_iter().flat_map(Node::sets).map(|set| set.rtype).collect();
        let mut types: BTreeSet<u16> = sets(old);
        types.append(&mut sets(new));
        types.remove(&rtype::SOA);
        for rtype in types {
            let (was, is) = (old.and_then(|node| node.set(rtype)), new.and_then(|node| node.set(rtype)));
            if let (Some(was), Some(is)) = (was, is)
                && was.ttl == is.ttl
                && was.wire == is.wire
            {
                continue;
            }
            let only = |set: Option<RrSet<'_>>, other: Option<RrSet<'_>>, records: &mut Vec<u8>, owner: &[u8]| {
                let Some(set) = set else { return };
                // Records of one RRset have one TTL: with another one, each is another record.
                let same = other.filter(|other| other.ttl == set.ttl);
                let there: BTreeSet<&[u8]> = same.into_iter().flat_map(RrSet::rdatas).collect();
                let missing = set.rdatas().filter(|rdata| !there.contains(rdata));
                missing.for_each(|rdata| put(records, owner, set.rtype, set.ttl, rdata));
            };
            let Difference { removed, added } = &mut self.difference;
            only(was, is, removed, old.map_or(&[], Node::name));
            only(is, was, added, new.map_or(&[], Node::name));
            if removed.len() + added.len() > self.most {
                return None;
            }
        }
        Some(())
    }
}
