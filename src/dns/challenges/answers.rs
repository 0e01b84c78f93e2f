//! The told challenges as queries are answered with them: found by name without allocation, swapped with the snapshot.
//!
//! They lie over the zones and take no answer away: beside the told names themselves, the only answer that changes is that
//! a name above one of them exists (RFC 8020), if the zone said that it does not. A wildcard goes on answering for the names above: that of
//! `www.example.net` must not vanish because `_acme-challenge.www.example.net` is told.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::place::place;
use crate::dns::compiled::{OwnRrSet, RrSet, Zones};
use crate::zone::name::{self, Name};
use crate::zone::number::rtype;

/// The TTL of a told record, in seconds: the certificate authority's next look sees what is told next.
pub const TTL: u32 = 5;

/// By name in wire format, lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeAnswers(HashMap<Box<[u8]>, At>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum At {
    Told(OwnRrSet),
    Above,
}

/// What the told challenges say of a name.
#[derive(Debug, Clone, Copy)]
pub enum Said<'c> {
    /// It has these TXT records, the zone's among them.
    Told(RrSet<'c>),
    /// A told name is below it: it exists.
    Above,
}

impl ChallengeAnswers {
    /// Of names that the zones answer themselves, with their values; others are left out. None if nothing is left.
    pub(super) fn new(zones: &Zones, by_name: BTreeMap<&str, BTreeSet<&str>>) -> Option<ChallengeAnswers> {
        let mut answers = HashMap::new();
        for (name, values) in by_name {
            let Some(wire) = Name::from_text(name) else { continue };
            let Ok((zone, node)) = place(zones, &wire, None) else { continue };
            let told = values.iter().map(|value| character_string(value));
            let kept = node.and_then(|node| node.set(rtype::TXT)).into_iter().flat_map(RrSet::rdatas).map(Vec::from);
            let rdatas: BTreeSet<Vec<u8>> = told.chain(kept).collect();
            let set = OwnRrSet::new(rtype::TXT, TTL, rdatas.iter().map(Vec::as_slice));
            answers.insert(Box::from(wire.as_bytes()), At::Told(set));
            let zones_own = |above: &&[u8]| name::is_within(above, &zone.apex);
            for above in name::upward(wire.as_bytes()).skip(1).take_while(zones_own) {
                answers.entry(above.into()).or_insert(At::Above);
            }
        }
        (!answers.is_empty()).then_some(ChallengeAnswers(answers))
    }

    /// What is said of a name in one of our zones.
    pub fn at(&self, name: &Name) -> Option<Said<'_>> {
        self.0.get(name.as_bytes()).map(|at| match at {
            At::Told(set) => Said::Told(set.get()),
            At::Above => Said::Above,
        })
    }
}

/// Text as the data of a TXT record (RFC 1035, 3.3.14).
fn character_string(text: &str) -> Vec<u8> {
    let text = &text.as_bytes()[..text.len().min(255)];
    [&[text.len() as u8][..], text].concat()
}
