//! For what the end of a roll waits (pure).

use super::super::parent::{Ds, KeyId, Parent, Place};
use crate::api::dns::{DnssecStatus, ZoneKeyStatus};
use crate::counted::listed;
use crate::dnssec::parent_roll::UnderWay;
use crate::dnssec::{Digest, ZoneKey};
use crate::unix_time::moment;
use crate::verbs::signed_zones::SignedZone;

/// In sentences, in the order in which it comes; none: the old key may go. `silent` are the nameservers that did not answer, `now` is in seconds since the epoch.
pub(super) fn waits_for(
    roll: &UnderWay,
    zone: Option<&SignedZone<'_>>,
    silent: &[String],
    parent: &Parent,
    now: u64,
) -> Vec<String> {
    let mut waits = Vec::new();
    if !silent.is_empty() {
        waits.push(format!("{} did not answer, and may not have key {}", listed(silent), roll.new.tag()));
    }
    waits.extend(unshown(roll, zone, now));
    if let Some(publish) = roll.new.times().publish.filter(|publish| *publish > now) {
        waits.push(format!("key {} is not published before {}", roll.new.tag(), moment(publish * 1000)));
    }
    waits.extend(of_parent(roll, parent));
    waits
}

/// Nameservers that do not sign with the new key, or, before it is published, do not have it.
fn unshown(roll: &UnderWay, zone: Option<&SignedZone<'_>>, now: u64) -> Option<String> {
    let tag = roll.new.tag();
    let Some(zone) = zone else {
        return Some("no nameserver that was asked signs the zone".to_owned());
    };
    let is_ahead = roll.new.times().publish.is_some_and(|publish| publish > now);
    let is_it = |key: &ZoneKeyStatus| (key.tag, &*key.algorithm) == (tag, roll.new.algorithm().name());
    let shows = |status: &DnssecStatus| {
        let mut it = status.keys.iter().filter(|key| is_it(key));
        status.expires_ms.is_some() && it.any(|key| is_ahead || (key.published && key.signs))
    };
    let without = zone.signers.iter().filter(|(_, status)| !shows(status)).map(|(name, _)| *name);
    let failed = zone.failed.iter().map(|(name, _)| *name);
    let without: Vec<&str> = without.chain(zone.others.iter().copied()).chain(failed).collect();
    (!without.is_empty()).then(|| {
        format!("key {tag} does not sign on {} yet: copy its files there, then polder reload", listed(without))
    })
}

/// What the parent has to do still.
fn of_parent(roll: &UnderWay, parent: &Parent) -> Vec<String> {
    let (old, new) = (id(&roll.old), id(&roll.new));
    let (title, mut waits) = (parent.title(), Vec::new());
    waits.extend(new.iter().filter_map(|new| match parent.place(|ds| ds.is_of(new)) {
        Place::Everywhere => None,
        Place::Partly { not_on, .. } => {
            Some(format!("{title} has the DS of key {} not on {} yet", new.0.tag, listed(not_on)))
        }
        Place::Nowhere => Some(format!("{title} has no DS of key {} (polder dnssec ds prints it)", new.0.tag)),
    }));
    waits.extend(old.iter().filter_map(|old| {
        let on = match parent.place(|ds| ds.is_of(old)) {
            Place::Nowhere => return None,
            Place::Everywhere => String::new(),
            Place::Partly { on, .. } => format!(" on {}", listed(on)),
        };
        Some(format!("{title} has the DS of key {}{on} still: have it taken away", old.0.tag))
    }));
    waits.extend(parent.silent().map(|(name, why)| format!("{title}: {name} does not tell what it has: {why}")));
    waits
}

fn id(key: &ZoneKey) -> Option<KeyId> {
    Ds::read(&key.ds(Digest::Sha256)).map(KeyId)
}

#[cfg(test)]
mod tests;
