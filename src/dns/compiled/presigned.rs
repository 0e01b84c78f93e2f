//! The signatures that a zone comes with (RFC 4035, 3): laid beside its sets, as those are that are made here, so that both are answered alike.
//!
//! Takes them as they are: whether a validator would is for [`validate`].

use std::collections::HashMap;

use super::names::Node;
use super::owners::{PoolOwners, about_pool};
use super::rrset::{self, NodeId, OwnRrSet};
use super::signatures::{Given, Hashing, NameHash, Signatures, TooLarge};
use super::zones::Zone;
use crate::config::Finding;
use crate::dnssec::nsec3::{self, Nsec3, Parameters};
use crate::dnssec::validate;
use crate::memory;
use crate::zone::number::rtype;
use crate::zone::{Records, ZoneFile, ZoneRecord, name};

/// The most iterations of hashes that are taken. Every denial hashes up to three names so often, and validators take far fewer (RFC 9276, 3.2).
const MOST_ITERATIONS: u16 = 150;

/// Why a zone cannot be served with the signatures that it comes with; worded to follow its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    /// Its names are hashed too often.
    #[error(
        "has NSEC3 records with {0} iterations: more than {MOST_ITERATIONS} cost too much for each denial, and no validator takes them (RFC 9276); sign \
         it with 0"
    )]
    Iterations(u16),
    /// Its signatures do not fit.
    #[error("has signatures that take more than 4 GiB of memory: split it")]
    TooLarge,
}

impl From<TooLarge> for Unusable {
    fn from(TooLarge: TooLarge) -> Unusable {
        Unusable::TooLarge
    }
}

/// Whether a type is one of a zone's content, and does not come of its being signed.
pub(super) fn is_content(rtype: u16) -> bool {
    !matches!(rtype, rtype::RRSIG | rtype::NSEC | rtype::NSEC3)
}

/// Whether a name has content: the hash of one has not.
pub(super) fn has_content(records: &Records, name: &[u32]) -> bool {
    name.iter().any(|index| is_content(records.rtype(*index)))
}

/// The names of pools in a zone that comes signed: what is answered there changes, and could not be signed.
pub(super) fn beside_pools(file: &ZoneFile, owners: &PoolOwners<'_>) -> Vec<Finding> {
    let mut pools = owners.owners.iter().filter(|owner| owner.apex == file.apex).peekable();
    if pools.peek().is_none() || !validate::is_signed(&file.records) {
        return Vec::new();
    }
    let zone = name::to_text(&file.apex);
    let why = |name: &str| {
        format!(
            "\"{name}\" lies in {zone}, whose file is signed already: what the pool answers changes with its members, and nobody here could sign it; \
             have {zone} signed here (\"dnssec\" with its keys, and a file without signatures), or delegate a zone of its own for the pool"
        )
    };
    pools.map(|owner| about_pool(owners.document, owner.pool, why(owner.name))).collect()
}

/// The signatures of a zone's file; none: it has none.
pub(super) fn signatures(file: &ZoneFile, zone: &Zone) -> Result<Option<Signatures>, Unusable> {
    if !validate::is_signed(&file.records) {
        return Ok(None);
    }
    let hashing = hashing(file);
    if let Some(Hashing { iterations, .. }) = hashing
        && iterations > MOST_ITERATIONS
    {
        return Err(Unusable::Iterations(iterations));
    }
    let mut laying = Laying::new(file, zone, hashing.as_ref());
    let mut signatures = laying.begin();
    zone.nodes().try_for_each(|node| laying.node(node, &mut signatures))?;
    Ok(Some(signatures.given(Given { others: laying.others() }, hashing.unwrap_or_default())))
}

/// How names are hashed that are denied; none: they are not, or it is not said that all hashes are there (RFC 5155, 7.3).
fn hashing(file: &ZoneFile) -> Option<Hashing> {
    let of_apex = |record: &ZoneRecord<'_>| record.owner.eq_ignore_ascii_case(&file.apex);
    let mut said = file.records.iter().filter(|record| record.rtype == rtype::NSEC3PARAM).filter(of_apex);
    let Parameters { iterations, salt, .. } = said.find_map(|record| Parameters::of_zone(record.rdata))?;
    Some(Hashing { iterations, salt: salt.into() })
}

/// The records of a name, as indexes in their file.
type Group<'f> = &'f [u32];

struct Laying<'f> {
    file: &'f ZoneFile,
    ttl: u32,
    /// In canonical order.
    groups: Vec<Group<'f>>,
    /// The groups before this one are of names that come before the next node.
    next: usize,
    /// The hashes of the nodes that have an NSEC3 record.
    chain: Vec<(NameHash, NodeId)>,
    /// By node, its NSEC3 record and the group that it is in.
    hashed: HashMap<NodeId, (u32, Group<'f>)>,
    /// By record, whether it has a place beside what it is of.
    is_laid: Vec<bool>,
}

impl<'f> Laying<'f> {
    fn new(file: &'f ZoneFile, zone: &Zone, hashing: Option<&Hashing>) -> Laying<'f> {
        let mut groups = memory::vector(zone.nodes().len());
        for group in file.records.names() {
            memory::reserve(&mut groups, 1);
            groups.push(group);
        }
        let mut is_laid: Vec<bool> = memory::vector(file.records.len());
        is_laid.resize(file.records.len(), false);
        let ttl = zone.negative.get().ttl;
        let mut laying = Laying { file, ttl, groups, next: 0, chain: Vec::new(), hashed: HashMap::new(), is_laid };
        if let Some(hashing) = hashing {
            laying.find_hashed(zone, hashing);
        }
        laying
    }

    /// Finds the NSEC3 record of each node that has one.
    fn find_hashed(&mut self, zone: &Zone, hashing: &Hashing) {
        let records = &self.file.records;
        let mut by_hash: HashMap<NameHash, (u32, Group<'f>)> = HashMap::new();
        for group in &self.groups {
            let Some(hash) = nsec3::hash_of_owner(records.get(group[0]).owner, &self.file.apex) else { continue };
            let is_of_chain = |index: &&u32| {
                let read = Nsec3::read(records.get(**index).rdata).map(|nsec3| nsec3.parameters);
                read.is_some_and(|of| of.iterations == hashing.iterations && *of.salt == *hashing.salt)
            };
            if let Some(index) = records.set(group, rtype::NSEC3).iter().find(is_of_chain) {
                by_hash.insert(hash, (*index, group));
            }
        }
        for node in zone.nodes() {
            let hash = nsec3::hash(&name::lower(node.name()), &hashing.salt, hashing.iterations);
            if let Some(found) = by_hash.get(&hash) {
                self.chain.push((hash, node.id()));
                self.hashed.insert(node.id(), *found);
            }
        }
        self.chain.sort_unstable();
    }

    fn begin(&mut self) -> Signatures {
        match std::mem::take(&mut self.chain) {
            chain if chain.is_empty() => Signatures::by_name(self.ttl, Vec::new()),
            chain => Signatures::by_hash(self.ttl, Vec::new(), chain, (1 + nsec3::LABEL + self.file.apex.len()) as u16),
        }
    }

    /// Adds what the next node has.
    fn node(&mut self, node: Node<'_>, signatures: &mut Signatures) -> Result<(), TooLarge> {
        let records = &self.file.records;
        let owner = |group: &Group<'_>| records.get(group[0]).owner;
        while self.groups.get(self.next).is_some_and(|group| name::compare(owner(group), node.name()).is_lt()) {
            self.next += 1;
        }
        let is_its = |group: &Group<'_>| owner(group).eq_ignore_ascii_case(node.name());
        let group = self.groups.get(self.next).copied().filter(is_its).unwrap_or_default();
        for set in node.sets() {
            let of_set = self.signatures_of(group, set.rtype, set.ttl);
            signatures.add_set(&of_set)?;
        }
        let (denial, group, is_hashed) = match (signatures.is_hashed(), self.hashed.get(&node.id()).copied()) {
            (true, Some((index, group))) => (Some(index), group, true),
            (true, None) => (None, group, true),
            (false, _) => (records.set(group, rtype::NSEC).first().copied(), group, false),
        };
        let Some(index) = denial else {
            signatures.add_hidden_node();
            return Ok(());
        };
        self.is_laid[index as usize] = true;
        let ZoneRecord { owner, rtype, ttl, rdata, .. } = records.get(index);
        let of_denial = self.signatures_of(group, rtype, ttl);
        signatures.add_node_with(ttl, is_hashed.then_some(owner), Some((rdata, &of_denial)))
    }

    /// The signatures of a set, as sets have them: with its TTL (RFC 4034, 3).
    fn signatures_of(&mut self, group: Group<'_>, covered: u16, ttl: u32) -> Vec<u8> {
        let mut wire = Vec::new();
        for index in self.file.records.set(group, rtype::RRSIG) {
            let rdata = self.file.records.get(*index).rdata;
            if rdata.starts_with(&covered.to_be_bytes()) {
                self.is_laid[*index as usize] = true;
                rrset::put(&mut wire, rtype::RRSIG, ttl, rdata);
            }
        }
        wire
    }

    /// What no answer has.
    fn others(&self) -> Vec<(Box<[u8]>, OwnRrSet)> {
        let other = |index: &u32| !is_content(self.file.records.rtype(*index)) && !self.is_laid[*index as usize];
        let others = self.groups.iter().flat_map(|group| group.iter()).copied().filter(other);
        let set = |index: u32| {
            let ZoneRecord { owner, rtype, ttl, rdata, .. } = self.file.records.get(index);
            (Box::from(owner), OwnRrSet::new(rtype, ttl, [rdata]))
        };
        others.map(set).collect()
    }
}
