//! The chain of NSEC3 records (RFC 5155, 7.1): each name that exists has its hash in it, but for delegations that opt out.

use std::collections::BTreeMap;

use super::flaw::Flaws;
use super::tree::{Name, Place, Tree};
use super::types;
use crate::dnssec::nsec3::{HASH, Nsec3, OPT_OUT, Parameters, SHA1, hash_of_owner};
use crate::zone::name;
use crate::zone::number::rtype;

/// More iterations than these no validator takes: answers are as of an unsigned zone, or none (RFC 9276, 3.2).
const MOST_ITERATIONS: u16 = 50;

type Hash = [u8; HASH];

/// A name that exists.
struct Existing<'z> {
    /// In wire format.
    name: &'z [u8],
    /// What it owns; none: names below it alone make it exist (RFC 4592, 2.2.2).
    owner: Option<Name<'z>>,
    /// It has its hash in the chain, whatever opts out.
    is_required: bool,
}

/// A record of the chain.
struct Link<'z> {
    index: u32,
    record: Nsec3<'z>,
}

pub(super) fn check(tree: &Tree<'_>, parameters: &Parameters<'_>, flaws: &mut Flaws) {
    check_parameters(tree, parameters, flaws);
    let chain = chain(tree, parameters, flaws);
    check_links(tree, &chain, flaws);
    let existing = existing(tree);
    let mut by_hash: BTreeMap<Hash, &Existing<'_>> = BTreeMap::new();
    by_hash.extend(existing.iter().map(|existing| (parameters.hash(&name::lower(existing.name)), existing)));
    for (hash, existing) in &by_hash {
        match chain.get(hash) {
            Some(link) => check_types(tree, existing, link, flaws),
            None if !existing.is_required && is_opted_out(&chain, hash) => {}
            None => {
                let why = "is missing, at the hash of this name: validators take it that there is no such name";
                flaws.bogus_at(existing.name, rtype::NSEC3, why);
            }
        }
    }
    for (hash, link) in &chain {
        if !by_hash.contains_key(hash) {
            flaws.bogus(link.index, tree, "is the hash of no name of this zone");
        }
    }
}

fn check_parameters(tree: &Tree<'_>, parameters: &Parameters<'_>, flaws: &mut Flaws) {
    let said = tree.apex().and_then(|apex| apex.set(rtype::NSEC3PARAM).first().copied());
    let said = said.or_else(|| tree.hashed().find_map(|name| name.set(rtype::NSEC3).first().copied()));
    let Some(index) = said else { return };
    match parameters.iterations {
        0 => {}
        1..=MOST_ITERATIONS => {
            let iterations = parameters.iterations;
            flaws.odd(index, tree, format!("has {iterations} iterations, which help nobody and cost everybody: 0 is right (RFC 9276, 3.1)"));
        }
        iterations => flaws.bogus(
            index,
            tree,
            format!("has {iterations} iterations: validators take the zone as unsigned, or not at all, above {MOST_ITERATIONS} (RFC 9276, 3.2); 0 is right"),
        ),
    }
}

/// The records by their hashes, in the order of those.
fn chain<'z>(tree: &Tree<'z>, parameters: &Parameters<'_>, flaws: &mut Flaws) -> BTreeMap<Hash, Link<'z>> {
    let mut chain = BTreeMap::new();
    for name in tree.hashed() {
        let Some(hash) = hash_of_owner(name.owner(), tree.apex) else {
            flaws.bogus(
                name.set(rtype::NSEC3)[0],
                tree,
                "has an owner that is no hash directly below the apex (RFC 5155, 3)",
            );
            continue;
        };
        for index in name.set(rtype::NSEC3) {
            let Some(record) = Nsec3::read(tree.records.get(*index).rdata) else {
                flaws.bogus(*index, tree, "has a next hash that is none of SHA-1");
                continue;
            };
            if record.parameters.algorithm != SHA1 || record.flags & !OPT_OUT != 0 {
                flaws.bogus(*index, tree, "has an algorithm or flags that no validator knows (RFC 5155, 8.1 and 8.2)");
            } else if record.parameters != *parameters {
                flaws.odd(*index, tree, "has other parameters than the NSEC3PARAM at the apex says: no answer has it");
            } else if chain.insert(hash, Link { index: *index, record }).is_some() {
                flaws.bogus(*index, tree, "is a second one of the same hash");
            }
        }
    }
    chain
}

fn check_links(tree: &Tree<'_>, chain: &BTreeMap<Hash, Link<'_>>, flaws: &mut Flaws) {
    let behind = chain.keys().skip(1).chain(chain.keys().next());
    for (link, next) in chain.values().zip(behind) {
        if link.record.next != *next {
            let [said, is] = [&link.record.next, next].map(|hash| crate::zone::rdata::base32hex::show(hash));
            flaws.bogus(link.index, tree, format!("says that {said} is the next hash, and {is} is"));
        }
    }
}

fn check_types(tree: &Tree<'_>, existing: &Existing<'_>, link: &Link<'_>, flaws: &mut Flaws) {
    let wrong = match existing.owner {
        Some(name) => types::wrong_of_nsec3(name, link.record.types),
        None => types::wrong_of_empty(link.record.types),
    };
    if let Some(wrong) = wrong {
        flaws.bogus(link.index, tree, format!("(of {}) {wrong}", name::to_absolute_text(existing.name)));
    }
}

/// Whether the record before a hash says that delegations may lie behind it.
fn is_opted_out(chain: &BTreeMap<Hash, Link<'_>>, hash: &Hash) -> bool {
    let before = chain.range(..*hash).next_back().or_else(|| chain.iter().next_back());
    before.is_some_and(|(_, link)| link.record.flags & OPT_OUT != 0)
}

/// All names that exist, those among them that own nothing.
fn existing<'z>(tree: &Tree<'z>) -> Vec<Existing<'z>> {
    let mut existing: Vec<Existing<'z>> = Vec::new();
    // The last name, and those above it, by index.
    let mut path: Vec<usize> = Vec::new();
    for owner in tree.visible() {
        let name = owner.owner();
        let is_above = |index: &usize| name::is_within(name, existing[*index].name);
        path.truncate(path.iter().take_while(|index| is_above(index)).count());
        let known = path.last().map_or(tree.apex.len(), |index| existing[*index].name.len());
        let between: Vec<&[u8]> = name::upward(name).skip(1).take_while(|above| above.len() > known).collect();
        for above in between.into_iter().rev() {
            path.push(existing.len());
            existing.push(Existing { name: above, owner: None, is_required: false });
        }
        path.push(existing.len());
        let is_required = owner.place == Place::Own || !owner.set(rtype::DS).is_empty();
        existing.push(Existing { name, owner: Some(owner), is_required });
        if is_required {
            path.iter().for_each(|index| existing[*index].is_required = true);
        }
    }
    existing
}
