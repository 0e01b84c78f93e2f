//! The told challenges as queries are answered with them: found by name without allocation, swapped with the snapshot.
//!
//! They lie over the zones and take no answer away: beside the told names themselves, the only answer that changes is that
//! a name above one of them exists (RFC 8020), if the zone said that it does not. A wildcard goes on answering for the names above: that of
//! `www.example.net` must not vanish because `_acme-challenge.www.example.net` is told.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::place::place;
use crate::dns::compiled::{OwnRrSet, RrSet, Zones};
use crate::dns::signing::Signers;
use crate::zone::name::{self, Name};
use crate::zone::number::rtype;

/// The TTL of a told record, in seconds: the certificate authority's next look sees what is told next.
pub const TTL: u32 = 5;

/// By name in wire format, lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeAnswers(HashMap<Box<[u8]>, At>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum At {
    Told { set: OwnRrSet, denial: Option<(Box<[u8]>, OwnRrSet)> },
    Above { denial: Option<(Box<[u8]>, OwnRrSet)> },
}

impl At {
    fn set(&self) -> Option<&OwnRrSet> {
        match self {
            At::Told { set, .. } => Some(set),
            At::Above { .. } => None,
        }
    }

    fn denial(&self) -> Option<&(Box<[u8]>, OwnRrSet)> {
        match self {
            At::Told { denial, .. } | At::Above { denial } => denial.as_ref(),
        }
    }
}

/// What the told challenges say of a name.
#[derive(Debug, Clone, Copy)]
pub enum Said<'c> {
    /// It has these TXT records, the zone's among them.
    Told {
        /// The records.
        set: RrSet<'c>,
        /// What denies other types, in a signed zone.
        denial: Option<(&'c [u8], RrSet<'c>)>,
    },
    /// A told name is below it: it exists.
    Above {
        /// What denies all types, in a signed zone.
        denial: Option<(&'c [u8], RrSet<'c>)>,
    },
}

impl ChallengeAnswers {
    /// Of names that the zones answer themselves, with their values; others are left out. None if nothing is left. They are signed at this time as
    /// their zones are, as far as `before` has them not.
    pub(super) fn new(
        zones: &Zones,
        by_name: BTreeMap<&str, BTreeSet<&str>>,
        (signers, now): (&Signers, u64),
        before: Option<&ChallengeAnswers>,
    ) -> Option<ChallengeAnswers> {
        let mut answers = HashMap::new();
        let earlier = |name: &[u8]| before.and_then(|before| before.0.get(name));
        for (name, values) in by_name {
            let Some(wire) = Name::from_text(name) else { continue };
            let Ok((zone, node)) = place(zones, &wire, None) else { continue };
            let told = values.iter().map(|value| character_string(value));
            let kept = node.and_then(|node| node.set(rtype::TXT)).into_iter().flat_map(RrSet::rdatas).map(Vec::from);
            let rdatas: BTreeSet<Vec<u8>> = told.chain(kept).collect();
            let set = OwnRrSet::new(rtype::TXT, TTL, rdatas.iter().map(Vec::as_slice));
            let moment = signers.of(&zone.apex).filter(|_| zone.signatures().is_some()).map(|signer| signer.at(now));
            let denial = |owner: &[u8], types: &[u16]| {
                let before = earlier(owner).and_then(At::denial).map(|(_, denial)| denial);
                moment.as_ref().and_then(|moment| moment.denial(owner, types, TTL, before))
            };
            let owner = wire.as_bytes();
            let set = match &moment {
                Some(moment) => moment.signed(owner, set, earlier(owner).and_then(At::set)),
                None => set,
            };
            answers.insert(Box::from(owner), At::Told { set, denial: denial(owner, &[rtype::TXT]) });
            let zones_own = |above: &&[u8]| name::is_within(above, &zone.apex);
            for above in name::upward(owner).skip(1).take_while(zones_own) {
                answers.entry(above.into()).or_insert_with(|| At::Above { denial: denial(above, &[]) });
            }
        }
        (!answers.is_empty()).then_some(ChallengeAnswers(answers))
    }

    /// What is said of a name in one of our zones.
    pub fn at(&self, name: &Name) -> Option<Said<'_>> {
        let at = self.0.get(name.as_bytes())?;
        let denial = at.denial().map(|(owner, denial)| (&**owner, denial.get()));
        Some(match at {
            At::Told { set, .. } => Said::Told { set: set.get(), denial },
            At::Above { .. } => Said::Above { denial },
        })
    }
}

/// Text as the data of a TXT record (RFC 1035, 3.3.14).
fn character_string(text: &str) -> Vec<u8> {
    let text = &text.as_bytes()[..text.len().min(255)];
    [&[text.len() as u8][..], text].concat()
}
