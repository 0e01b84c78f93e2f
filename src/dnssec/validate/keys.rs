//! The keys at the apex: which of them may sign what, and whether the zone above leads to them (RFC 4035, 5.2).

use std::collections::BTreeSet;

use super::flaw::Flaws;
use super::subject::Subject;
use super::tree::{Name, Tree};
use crate::counted::listed;
use crate::dnssec::key::tag;
use crate::dnssec::rrsig::Rrsig;
use crate::dnssec::{Algorithm, Digest, is_verifiable};
use crate::zone::name;
use crate::zone::number::rtype;

/// The flags of a DNSKEY: it is a zone's, it is revoked (RFC 5011, 7), it is one that the zone above knows (RFC 4034, 2.1.1).
const ZONE: u16 = 0x100;
const REVOKED: u16 = 0x80;
const SEP: u16 = 1;

/// A DNSKEY that may sign.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'z> {
    rdata: &'z [u8],
    flags: u16,
    pub(super) algorithm: u8,
    pub(super) tag: u16,
}

impl<'z> Key<'z> {
    /// None: it signs nothing (RFC 4034, 2.1.1 and 2.1.2).
    pub(super) fn read(rdata: &'z [u8]) -> Option<Key<'z>> {
        let [high, low, 3, algorithm, _, ..] = rdata else { return None };
        let flags = u16::from_be_bytes([*high, *low]);
        (flags & ZONE != 0).then_some(Key { rdata, flags, algorithm: *algorithm, tag: tag(rdata) })
    }

    fn is_revoked(&self) -> bool {
        self.flags & REVOKED != 0
    }

    fn is_sep(&self) -> bool {
        self.flags & SEP != 0
    }

    /// Whether it has made a signature over a set.
    pub(super) fn has_made(&self, signature: &Rrsig<'_>, owner: &[u8], rdatas: impl Iterator<Item = &'z [u8]>) -> bool {
        signature.is_by(self.rdata, owner, rdatas)
    }

    /// Whether this is the data of its record.
    pub(super) fn is(&self, dnskey: &[u8]) -> bool {
        self.rdata == dnskey
    }

    /// Whether a DS is of it; none: the digest is of a kind that is not known here.
    pub(super) fn is_of(&self, apex: &[u8], ds: &[u8]) -> Option<bool> {
        let [high, low, algorithm, kind, digest @ ..] = ds else { return Some(false) };
        let hash = Digest::from_number(*kind)?.of([apex, self.rdata]);
        let is_named = self.tag == u16::from_be_bytes([*high, *low]) && self.algorithm == *algorithm;
        Some(is_named && hash.as_ref() == digest)
    }
}

/// All of them.
pub(super) struct Keys<'z>(Vec<Key<'z>>);

impl<'z> Keys<'z> {
    pub(super) fn of(tree: &Tree<'z>) -> Keys<'z> {
        let keys = tree.apex().into_iter().flat_map(|apex| apex.rdatas(apex.set(rtype::DNSKEY)));
        Keys(keys.filter_map(Key::read).collect())
    }

    /// The algorithms of which everything has to have a signature (RFC 4035, 2.2).
    pub(super) fn algorithms(&self) -> BTreeSet<u8> {
        self.0.iter().filter(|key| !key.is_revoked()).map(|key| key.algorithm).collect()
    }

    /// Those that a signature of a set of this type can be by. A key that is revoked signs the keys alone (RFC 5011, 2.1).
    pub(super) fn named(&self, signature: &Rrsig<'_>) -> impl Iterator<Item = &Key<'z>> {
        let (tag, algorithm, covered) = (signature.tag, signature.algorithm, signature.covered);
        let is_named = move |key: &&Key<'z>| key.tag == tag && key.algorithm == algorithm;
        self.0.iter().filter(is_named).filter(move |key| !key.is_revoked() || covered == rtype::DNSKEY)
    }

    /// Whether a validator gets into the zone.
    pub(super) fn check(&self, tree: &Tree<'z>, subject: &Subject<'_>, flaws: &mut Flaws) {
        let Some(apex) = tree.apex() else { return };
        let Some(first) = apex.set(rtype::DNSKEY).first() else {
            flaws.bogus_at(
                tree.apex,
                rtype::DNSKEY,
                "is missing: without the zone's keys nobody can validate its signatures",
            );
            return;
        };
        if self.0.is_empty() {
            flaws.bogus(*first, tree, "there is none that signs a zone (flags 256 and 257, protocol 3)");
            return;
        }
        for algorithm in self.algorithms().into_iter().filter(|algorithm| !is_verifiable(*algorithm)) {
            flaws.odd(
                *first,
                tree,
                format!("algorithm {algorithm} cannot be verified here: its signatures are taken as they are"),
            );
        }
        let signing = self.signing_keys(apex, subject);
        match subject.parent {
            Some(signers) => check_parent(tree, &self.0, &signing, signers, flaws),
            None if signing.iter().any(|key| key.is_sep()) => {}
            None if self.0.iter().any(Key::is_sep) => flaws.bogus(
                *first,
                tree,
                "no key with the flag SEP (257) signs the keys, and the zone above has a DS of such a one (RFC 4035, 5.2)",
            ),
            None => flaws.odd(*first, tree, "no key has the flag SEP (257): it is not said which one the zone above is to know"),
        }
    }

    /// Those that have signed the keys.
    pub(super) fn signing_keys(&self, apex: Name<'z>, subject: &Subject<'_>) -> Vec<Key<'z>> {
        let owner = name::lower(apex.owner());
        let set = apex.set(rtype::DNSKEY);
        let has_signed = |key: &&Key<'z>| {
            let mut of_keys = apex.signatures().filter(|(_, signature)| signature.covered == rtype::DNSKEY);
            of_keys.any(|(_, signature)| {
                let is_named = signature.tag == key.tag && signature.algorithm == key.algorithm;
                let is_taken = !subject.is_verified(&owner) || !is_verifiable(key.algorithm);
                is_named && !key.is_revoked() && (is_taken || key.has_made(&signature, &owner, apex.rdatas(set)))
            })
        };
        self.0.iter().filter(has_signed).copied().collect()
    }
}

/// Whether the DS set of the zone above leads to a key that signs the keys.
fn check_parent(tree: &Tree<'_>, keys: &[Key<'_>], signing: &[Key<'_>], signers: &[Vec<u8>], flaws: &mut Flaws) {
    let is_of = |ds: &[u8], keys: &[Key<'_>]| keys.iter().any(|key| key.is_of(tree.apex, ds) == Some(true));
    let is_known = |ds: &&Vec<u8>| matches!(ds[..], [_, _, _, kind, ..] if Digest::from_number(kind).is_some());
    let known: Vec<&Vec<u8>> = signers.iter().filter(is_known).collect();
    if known.is_empty() {
        return;
    }
    let of_tags = |signers: &[&Vec<u8>]| {
        let tags = signers.iter().filter_map(|ds| Some(u16::from_be_bytes(*ds.first_chunk()?)));
        listed(tags)
    };
    if !known.iter().any(|ds| is_of(ds, signing)) {
        let tags = of_tags(&known);
        flaws.bogus_at(
            tree.apex,
            rtype::DS,
            format!("the zone above has one of key {tags}, and no such key signs the keys here: validators refuse the whole zone"),
        );
        return;
    }
    let strange: Vec<&Vec<u8>> = known.iter().copied().filter(|ds| !is_of(ds, keys)).collect();
    if !strange.is_empty() {
        let tags = of_tags(&strange);
        flaws.odd_at(
            tree.apex,
            rtype::DS,
            format!("the zone above has one of key {tags}, which is no key of this zone"),
        );
    }
    let algorithms: BTreeSet<u8> = signing.iter().map(|key| key.algorithm).collect();
    for missing in
        known.iter().map(|ds| ds[2]).filter(|algorithm| !algorithms.contains(algorithm)).collect::<BTreeSet<_>>()
    {
        let algorithm = Algorithm::from_number(missing).map_or_else(|| missing.to_string(), |known| known.to_string());
        flaws.odd_at(
            tree.apex,
            rtype::DS,
            format!(
                "the zone above has one of algorithm {algorithm}, with which no key here signs the keys (RFC 4035, 2.2)"
            ),
        );
    }
}
