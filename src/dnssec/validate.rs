//! Whether a zone is signed as validators want it (RFC 4035, 2 and 5; RFC 5155, 7.1): the whole of it, offline.
//!
//! [`validate`] looks at a zone's records and a time, and says in words what is wrong at which record. Pure: no clock, no file.
//!
//! 1. `tree`: the names of the zone, and which of them are its own (RFC 4035, 2.2)
//! 2. `keys`: the keys at its apex, and whether the zone above knows one that signs them; `for_parent`: what that one is told of them
//! 3. `signatures`: those of each set, on all processors; `times` sums up when they are good
//! 4. `nsec` and `nsec3`: the chain of names that are there, each with its `types`
//! 5. `flaw`: what was found; `judged` gives it the form of what is found in zone files
//!
//! Called where a zone that comes with signatures is read, and by the operator's command.

mod flaw;
mod for_parent;
mod judged;
mod keys;
mod nsec;
mod nsec3;
mod signatures;
mod subject;
mod times;
mod tree;
mod types;

use super::nsec3::Parameters;
use super::zonemd::{self, Checked};
use crate::zone::number::rtype;
use crate::zone::{Records, ZoneRecord};
pub use flaw::{Flaw, Flaws, Severity};
pub use judged::Judged;
use keys::Keys;
pub use subject::{Depth, Subject};
use tree::Tree;

/// Types that only a zone has that is signed, or was (RFC 4035, 2).
const OF_SIGNED_ZONES: [u16; 4] = [rtype::RRSIG, rtype::NSEC, rtype::NSEC3, rtype::NSEC3PARAM];

/// Whether a zone comes with signatures, or with any part of what makes a signed zone.
pub fn is_signed(records: &Records) -> bool {
    records.iter().any(|record| OF_SIGNED_ZONES.contains(&record.rtype))
}

/// Looks at a zone that is signed. What is found first is what keeps all of it from being validated.
pub fn validate(subject: &Subject<'_>) -> Flaws {
    let tree = Tree::new(subject.apex, subject.records);
    let keys = Keys::of(&tree);
    let mut flaws = Flaws::default();
    keys.check(&tree, subject, &mut flaws);
    for_parent::check(&tree, &keys, subject, &mut flaws);
    flaws.append(signatures::check(&tree, &keys, subject));
    check_denial(&tree, &mut flaws);
    check_digest(&tree, &mut flaws);
    flaws
}

/// What names are not there is proved by NSEC3 if the apex says that all of those are there (RFC 5155, 7.3), else by NSEC.
fn check_denial(tree: &Tree<'_>, flaws: &mut Flaws) {
    let Some(apex) = tree.apex() else { return };
    let of_zone = |index: &u32| Parameters::of_zone(tree.records.get(*index).rdata);
    let mut parameters = apex.set(rtype::NSEC3PARAM).iter().filter_map(of_zone);
    let (chosen, has_nsec) = (parameters.next(), !apex.set(rtype::NSEC).is_empty());
    if parameters.next().is_some() {
        flaws.odd(
            apex.set(rtype::NSEC3PARAM)[0],
            tree,
            "there are several: nameservers deny names by the first one only",
        );
    }
    let first = tree.hashed().next().and_then(|name| {
        let index = name.set(rtype::NSEC3).first()?;
        Parameters::read(tree.records.get(*index).rdata).map(|(parameters, ..)| parameters)
    });
    match (chosen, first) {
        (Some(parameters), _) => nsec3::check(tree, &parameters, flaws),
        (None, _) if has_nsec => nsec::check(tree, flaws),
        (None, Some(parameters)) => {
            let why = "is missing, and the zone has NSEC3 records: nameservers do not know how to deny a name (RFC 5155, 7.1)";
            flaws.bogus_at(tree.apex, rtype::NSEC3PARAM, why);
            nsec3::check(tree, &parameters, flaws);
        }
        (None, None) => {
            let why = "is missing, and so is NSEC3PARAM: nothing proves which names and types are not there";
            flaws.bogus_at(tree.apex, rtype::NSEC, why);
        }
    }
}

fn check_digest(tree: &Tree<'_>, flaws: &mut Flaws) {
    let Some(digest) = tree.apex().and_then(|apex| apex.set(rtype::ZONEMD).first()) else { return };
    let records: Vec<ZoneRecord<'_>> = tree.records.iter().collect();
    match zonemd::check(tree.apex, &records) {
        Checked::Bad => flaws.bogus(
            *digest,
            tree,
            "the zone is not what it says (RFC 8976): nameservers that verify it refuse the zone",
        ),
        Checked::Unknown => flaws.odd(*digest, tree, "is of a kind that is not verified here"),
        Checked::Absent | Checked::Good => {}
    }
}
