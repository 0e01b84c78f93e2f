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
    check_agreement(tree, keys, &told, flaws);
}

/// A parent reads one of the two sets: both have to be of the same keys (RFC 7344, 4).
fn check_agreement(tree: &Tree<'_>, keys: &Keys<'_>, told: &[Told<'_>], flaws: &mut Flaws) {
    let of = |rtype: u16| told.iter().filter(move |told| told.rtype == rtype);
    if [rtype::CDS, rtype::CDNSKEY].into_iter().any(|rtype| of(rtype).next().is_none()) {
        return;
    }
    for key in keys.iter() {
        let has = |rtype: u16| of(rtype).any(|told| told.is_of(key, tree.apex) != Some(false));
        if has(rtype::CDS) != has(rtype::CDNSKEY) {
            let (has, lacks) = if has(rtype::CDS) { ("CDS", "CDNSKEY") } else { ("CDNSKEY", "CDS") };
            let why = format!(
                "key {} is told by {has} and not by {lacks}: which one counts is up to the zone above (RFC 7344, 4)",
                key.tag
            );
            flaws.odd(told[0].record, tree, why);
        }
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
