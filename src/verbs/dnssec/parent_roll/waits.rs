//! For what the end of a roll waits (pure).

use std::time::Duration;

use super::super::parent::{Ds, KeyId, Parent, Place};
use super::super::shown::ds;
use crate::api::dns::{DnssecStatus, ZoneKeyStatus};
use crate::config::duration;
use crate::counted::listed;
use crate::dnssec::parent_roll::UnderWay;
use crate::dnssec::{Digest, ZoneKey};
use crate::unix_time::moment;
use crate::verbs::signed_zones::SignedZone;

/// In sentences, and only what is to be done next: a step of the parent's that is taken before those of the nameservers takes the zone away. None: the old key may go.
/// `silent` are the nameservers that did not answer; `ttl`, for how long resolvers keep the zone's keys, is in seconds, `now` in seconds since the epoch.
pub(super) fn waits_for(
    roll: &UnderWay,
    zone: Option<&SignedZone<'_>>,
    silent: &[String],
    parent: &Parent,
    (ttl, now): (Duration, u64),
) -> Vec<String> {
    let steps: [&dyn Fn() -> Vec<String>; 4] = [
        &|| of_nameservers(roll, zone, silent, now),
        &|| of_caches(roll, ttl, now).into_iter().collect(),
        &|| of_new(roll, parent),
        &|| of_old(roll, parent).into_iter().collect(),
    ];
    steps.into_iter().map(|waits| waits()).find(|waits| !waits.is_empty()).unwrap_or_default()
}

/// That all nameservers have the new key.
fn of_nameservers(roll: &UnderWay, zone: Option<&SignedZone<'_>>, silent: &[String], now: u64) -> Vec<String> {
    let who = (!silent.is_empty()).then(|| listed(silent));
    let silent = who.map(|who| format!("{who} did not answer, and may not have key {}", roll.new.tag()));
    silent.into_iter().chain(unshown(roll, zone, now)).collect()
}

/// That no resolver has the keys from before the new one.
fn of_caches(roll: &UnderWay, ttl: Duration, now: u64) -> Option<String> {
    let tag = roll.new.tag();
    let publish = roll.new.times().publish.or(roll.new.times().activate)?;
    let known = publish.saturating_add(ttl.as_secs());
    let is_ahead = publish > now;
    (known > now).then(|| {
        let since = if is_ahead { "is not published before" } else { "has been published since" };
        format!(
            "key {tag} {since} {}, and resolvers know it {} (--ttl) later: give the parent its DS not before {}",
            moment(publish.saturating_mul(1000)),
            duration::format(ttl),
            moment(known.saturating_mul(1000))
        )
    })
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

/// That the parent has the DS of the new key, on all of its nameservers.
fn of_new(roll: &UnderWay, parent: &Parent) -> Vec<String> {
    let title = parent.title();
    let missing = id(&roll.new).and_then(|new| match parent.place(|ds| ds.is_of(&new)) {
        Place::Everywhere => None,
        Place::Partly { not_on, .. } => {
            Some(format!("{title} has the DS of key {} not on {} yet", new.0.tag, listed(not_on)))
        }
        Place::Nowhere => Some(format!("{title} has no DS of key {}: give it this one: {}", new.0.tag, ds(&roll.new))),
    });
    let silent = parent.silent().map(|(name, why)| format!("{title}: {name} does not tell what it has: {why}"));
    missing.into_iter().chain(silent).collect()
}

/// That it has that of the old one no longer.
fn of_old(roll: &UnderWay, parent: &Parent) -> Option<String> {
    let old = id(&roll.old)?;
    let on = match parent.place(|ds| ds.is_of(&old)) {
        Place::Nowhere => return None,
        Place::Everywhere => String::new(),
        Place::Partly { on, .. } => format!(" on {}", listed(on)),
    };
    Some(format!(
        "{} has the DS of key {}{on} still, beside the new one: have it taken away",
        parent.title(),
        old.0.tag
    ))
}

fn id(key: &ZoneKey) -> Option<KeyId> {
    Ds::read(&key.ds(Digest::Sha256)).map(KeyId)
}

#[cfg(test)]
mod tests;
