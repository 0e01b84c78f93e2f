//! What the zone tells the one above of its keys (CDS and CDNSKEY): a parent that takes it must not break the zone (RFC 7344, 4.1).

use super::flaw::Flaws;
use super::keys::{Key, Keys};
use super::subject::Subject;
use super::tree::Tree;
use crate::zone::number::rtype;
use crate::zone::rdata::types;

/// What asks the parent to take every DS away (RFC 8078, 4): no key has it.
const DELETE_CDS: &[u8] = &[0, 0, 0, 0, 0];
const DELETE_CDNSKEY: &[u8] = &[0, 0, 3, 0, 0];

/// Looks at both sets. That one tells of a key which is not in the zone yet is no mistake: it may be standing by (RFC 6781, 4.1.2 and 4.2.4).
pub(super) fn check(tree: &Tree<'_>, keys: &Keys<'_>, subject: &Subject<'_>, flaws: &mut Flaws) {
    let Some(apex) = tree.apex() else { return };
    let all: Vec<Told<'_>> = [rtype::CDS, rtype::CDNSKEY]
        .into_iter()
        .flat_map(|rtype| apex.set(rtype).iter().map(move |record| (rtype, *record)))
        .map(|(rtype, record)| Told { rtype, record, rdata: tree.records.get(record).rdata })
        .collect();
    let (deletions, told): (Vec<Told<'_>>, Vec<Told<'_>>) = all.into_iter().partition(Told::is_deletion);
    let Some(first) = told.first() else { return };
    if let Some(deletion) = deletions.first() {
        let why = format!(
            "asks the zone above to take every DS away, and {} tells of a key: which one counts is up to that (RFC 8078, 4)",
            first.kind()
        );
        flaws.odd(deletion.record, tree, why);
    }
    let signing = keys.signing_keys(apex, subject);
    if !told.iter().any(|told| signing.iter().any(|key| told.is_of(key, tree.apex) != Some(false))) {
        let why = "no key that signs the keys is told to the zone above: if that takes what is told, validators refuse the whole zone (RFC 7344, 4.1)";
        flaws.odd(first.record, tree, why);
    }
    check_agreement(tree, &told, flaws);
}

/// A parent reads one of the two sets: both have to be of the same keys (RFC 7344, 4).
fn check_agreement(tree: &Tree<'_>, told: &[Told<'_>], flaws: &mut Flaws) {
    let (digests, keys): (Vec<&Told<'_>>, Vec<&Told<'_>>) = told.iter().partition(|told| told.rtype == rtype::CDS);
    if digests.is_empty() || keys.is_empty() {
        return;
    }
    let are_of_one = |digest: &Told<'_>, key: &Told<'_>| {
        Key::read(key.rdata).is_some_and(|key| digest.is_of(&key, tree.apex) != Some(false))
    };
    let lone_digests = digests.iter().filter(|digest| !keys.iter().any(|key| are_of_one(digest, key)));
    let lone_keys = keys.iter().filter(|key| !digests.iter().any(|digest| are_of_one(digest, key)));
    for (lone, lacks) in lone_digests.map(|lone| (lone, rtype::CDNSKEY)).chain(lone_keys.map(|lone| (lone, rtype::CDS)))
    {
        let why = format!(
            "tells of a key that no {} does: which one counts is up to the zone above (RFC 7344, 4)",
            types::to_text(lacks)
        );
        flaws.odd(lone.record, tree, why);
    }
}

/// A record that tells of a key.
struct Told<'z> {
    rtype: u16,
    record: u32,
    rdata: &'z [u8],
}

impl Told<'_> {
    fn kind(&self) -> String {
        types::to_text(self.rtype)
    }

    fn is_deletion(&self) -> bool {
        self.rdata == if self.rtype == rtype::CDS { DELETE_CDS } else { DELETE_CDNSKEY }
    }

    /// Whether it tells of this key; none: by a digest of a kind that is not known here.
    fn is_of(&self, key: &Key<'_>, apex: &[u8]) -> Option<bool> {
        if self.rtype == rtype::CDS { key.is_of(apex, self.rdata) } else { Some(key.is(self.rdata)) }
    }
}
