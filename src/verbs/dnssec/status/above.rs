//! What the DS records of the zone above mean for a zone (pure).

use super::super::parent::{Ds, KeyId, Parent, Place};
use crate::api::dns::ZoneKeyStatus;
use crate::counted::listed;
use crate::verbs::signed_zones::SignedZone;

/// The keys of a zone that the zone above may have a DS of.
pub(super) fn keys(zone: &SignedZone<'_>) -> Vec<KeyId> {
    let mut keys: Vec<KeyId> = Vec::new();
    for key in zone.signing().flat_map(|(_, status)| &status.keys) {
        keys.extend(id(key).filter(|id| !keys.contains(id)));
    }
    keys
}

fn id(key: &ZoneKeyStatus) -> Option<KeyId> {
    key.ds.as_deref().and_then(Ds::from_text).map(KeyId)
}

/// What is not well, the worst first. Resolvers want one DS at least that is of a key which signs the keys (RFC 4035, 5.2).
pub(super) fn findings(zone: &SignedZone<'_>, parent: &Parent) -> Vec<String> {
    let mut findings = Vec::new();
    for (nameserver, status) in zone.signing() {
        let signing: Vec<KeyId> = status.keys.iter().filter(|key| key.signs && key.published).filter_map(id).collect();
        let is_of_one = |ds: &Ds| signing.iter().any(|key| ds.is_of(key));
        let broken: Vec<&str> = parent
            .sets()
            .filter(|(_, set)| !set.ds.is_empty() && !set.ds.iter().any(is_of_one))
            .map(|(name, _)| name)
            .collect();
        if !broken.is_empty() {
            findings.push(format!(
                "no DS that {} has on {} is of a key that signs the keys on {nameserver}: resolvers that validate refuse zone {}; give it the DS of a key \
                 that does (polder dnssec ds), or bring that key back",
                parent.title(),
                listed(broken),
                zone.name
            ));
        }
    }
    let known = keys(zone);
    let strays = parent.all().into_iter().filter(|ds| !known.iter().any(|key| ds.is_of(key)));
    findings.extend(
        strays
            .filter(|_| findings.is_empty())
            .map(|ds| {
                let on = match parent.place(|one| one == ds) {
                    Place::Partly { on, .. } => format!(" on {}", listed(on)),
                    Place::Nowhere | Place::Everywhere => String::new(),
                };
                format!(
                    "{} has a DS{on} that is of no key of zone {} ({ds}): have it taken away",
                    parent.title(),
                    zone.name
                )
            })
            .collect::<Vec<_>>(),
    );
    findings
}
