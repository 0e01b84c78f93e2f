//! The successor of a key that the parent knows, with a double signature (RFC 6781, 4.1.2), and the change to another algorithm, the conservative way (4.1.4): what is
//! made and which times change (pure).
//!
//! Both begin with new keys beside the old ones, then the parent has its turn, and both end with the times at which the old ones go. What the parent has is not known
//! here: whoever ends a roll has asked it.

use std::sync::Arc;

use super::acting::Acting;
use super::algorithm::Algorithm;
use super::key::{Role, ZoneKey};
use super::roll::{HOUR, Pace};
use super::times::Times;
use crate::counted::listed;
use crate::unix_time::moment;

/// What begins a roll.
#[derive(Debug, Clone)]
pub struct Begin {
    /// The key that the parent knows.
    pub old: Arc<ZoneKey>,
    /// Its times from now on, where it was to end, or signs only since there was no other key.
    pub old_times: Option<Times>,
    /// ZSKs that signed instead of it, as its time was over too, with their times from now on: it signs again, and what they have signed is in caches.
    pub replaced: Vec<(Arc<ZoneKey>, Times)>,
    /// Keys to be made, in this order: the one for the parent last.
    pub make: Vec<(Role, Algorithm, Times)>,
    /// From when the new key for the parent stands in the zone, in seconds since the epoch.
    pub published: u64,
}

/// A roll that has begun: both keys stay.
#[derive(Debug, Clone)]
pub struct UnderWay {
    /// The key that the parent knew first.
    pub old: Arc<ZoneKey>,
    /// The key that it is to know.
    pub new: Arc<ZoneKey>,
}

/// Why no roll begins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoParentRoll {
    /// No key is for the parent.
    #[error("it has no key for the parent (257) that signs: `polder dnssec keygen` makes one")]
    Nobody,
    /// Both keys are there.
    #[error(
        "key {new} is to replace key {old} already: when the parent has the DS of the new one alone, end it with --finish"
    )]
    UnderWay {
        /// The key that the parent knew first.
        old: u16,
        /// The key that it is to know.
        new: u16,
    },
    /// More than two.
    #[error("it has several keys for the parent, {}: give those that are to go their times by hand (dnssec-settime)", listed(.0))]
    Several(Vec<u16>),
    /// The one before has not ended.
    #[error("key {} is on its way out until {}: one roll at a time", .0, moment(.1 * 1000))]
    Leaving(u16, u64),
    /// It has that algorithm already.
    #[error("its keys are of {0} already")]
    SameAlgorithm(Algorithm),
}

/// What begins a roll at `now`, in seconds since the epoch, to another algorithm or to the same.
///
/// # Errors
///
/// There is not one key for the parent that could be replaced.
pub fn begin(keys: &[Arc<ZoneKey>], now: u64, to: Option<Algorithm>, pace: Pace) -> Result<Begin, NoParentRoll> {
    if let Some(UnderWay { old, new }) = under_way(keys, now)? {
        return Err(NoParentRoll::UnderWay { old: old.tag(), new: new.tag() });
    }
    let old = present(keys, now)?;
    let goes_on = going_on(&old, &signing(keys, now), now);
    let old_times = (goes_on != *old.times()).then_some(goes_on);
    let replaced = if old.times().is_over(now) { last_zsks(keys, &old, now, pace) } else { Vec::new() };
    // Which of two keys came first is in their times.
    let now = if goes_on.activate == Some(now) { now + 1 } else { now };
    let at = |publish: u64, activate: u64| Times {
        created: Some(now),
        publish: Some(publish),
        activate: Some(activate),
        ..Times::default()
    };
    let Some(to) = to else {
        let make = vec![(Role::Ksk, old.algorithm(), at(now, now))];
        return Ok(Begin { old, old_times, replaced, make, published: now });
    };
    if to == old.algorithm() {
        return Err(NoParentRoll::SameAlgorithm(to));
    }
    // Every resolver has signatures of the new algorithm before it can have its keys (RFC 6781, 4.1.4).
    let published = (now + pace.ttl + pace.propagation).next_multiple_of(HOUR);
    let is_zsk_of = |algorithm| {
        let is_it = move |key: &&Arc<ZoneKey>| key.role() == Role::Zsk && key.algorithm() == algorithm;
        keys.iter().filter(is_it).any(|key| !key.times().is_over(now))
    };
    let make = match (is_zsk_of(old.algorithm()), is_zsk_of(to)) {
        (false, _) => vec![(Role::Ksk, to, at(published, now))],
        // It was made by a run that was cut short.
        (true, true) => vec![(Role::Ksk, to, at(published, published))],
        (true, false) => vec![(Role::Zsk, to, at(published, now)), (Role::Ksk, to, at(published, published))],
    };
    Ok(Begin { old, old_times, replaced, make, published })
}

/// The keys for the parent that sign, whatever their times say.
fn signing(keys: &[Arc<ZoneKey>], now: u64) -> Vec<&ZoneKey> {
    let keys: Vec<&ZoneKey> = keys.iter().map(AsRef::as_ref).collect();
    Acting::at(&keys, now).key_signing.into_iter().filter(|key| key.is_ksk()).collect()
}

/// The times with which a key goes on beside another one: without an end, and where it signed only since there was no other, with a beginning.
fn going_on(old: &ZoneKey, signing: &[&ZoneKey], now: u64) -> Times {
    let times = Times { inactive: None, delete: None, ..*old.times() };
    let acts = times.is_published(now) && times.is_active(now);
    match signing.iter().any(|key| std::ptr::eq(*key, old)) && !acts {
        true => since_yesterday(times, now),
        false => times,
    }
}

/// The ZSKs that signed last where none is to sign any more. They stay until what they sign has run out, wherever the files come to late.
fn last_zsks(keys: &[Arc<ZoneKey>], old: &ZoneKey, now: u64, pace: Pace) -> Vec<(Arc<ZoneKey>, Times)> {
    let zsks = || keys.iter().filter(|key| key.role() == Role::Zsk && key.algorithm() == old.algorithm());
    if zsks().any(|key| key.is_active(now)) {
        return Vec::new();
    }
    let last = zsks().filter_map(|key| key.times().inactive.or(key.times().delete)).max();
    let until = now + pace.propagation + pace.lifetime;
    let stays = |times: &Times| Times { delete: times.delete.map(|delete| delete.max(until)), ..*times };
    let is_last = |key: &&Arc<ZoneKey>| last.is_some() && key.times().inactive.or(key.times().delete) == last;
    zsks().filter(is_last).map(|key| (Arc::clone(key), stays(key.times()))).collect()
}

/// The roll that has begun and was not ended; none: none has.
///
/// # Errors
///
/// More than two keys are for the parent.
pub fn under_way(keys: &[Arc<ZoneKey>], now: u64) -> Result<Option<UnderWay>, NoParentRoll> {
    match &staying(keys, now)[..] {
        [old, new] => Ok(Some(UnderWay { old: Arc::clone(old), new: Arc::clone(new) })),
        several @ [_, _, _, ..] => Err(NoParentRoll::Several(several.iter().map(|key| key.tag()).collect())),
        _ => Ok(None),
    }
}

/// What ends a roll: the keys that go, and their times from now on. By `now` all nameservers show the new key and the parent has it alone; what resolvers have of before
/// they keep for `ds_ttl` seconds.
pub fn finish(
    keys: &[Arc<ZoneKey>],
    UnderWay { old, new }: &UnderWay,
    now: u64,
    ds_ttl: u64,
    pace: Pace,
) -> Vec<(Arc<ZoneKey>, Times)> {
    // An hour for clocks.
    let after = |seconds: u64| (now + seconds + HOUR).next_multiple_of(HOUR);
    if old.algorithm() == new.algorithm() {
        // Whoever has an answer of a nameserver that came late to the new key finds the old one still.
        let at = after(ds_ttl);
        let times = Times { inactive: Some(at), delete: Some(at + pace.lifetime), ..known(old.times(), now) };
        return vec![(Arc::clone(old), times)];
    }
    // Keys go before their signatures, everywhere: whoever has them in its cache wants both.
    let at = after(ds_ttl.max(pace.propagation));
    let last_signature = (at + pace.ttl + HOUR).next_multiple_of(HOUR);
    let is_gone = |key: &Arc<ZoneKey>| key.times().delete.is_some_and(|delete| delete <= now);
    let of_old = keys.iter().filter(|key| key.algorithm() == old.algorithm() && !is_gone(key));
    // Where no ZSK signs until then, the key for the parent does.
    let signs_to_the_end = |key: &Arc<ZoneKey>| {
        let times = known(key.times(), now);
        let begins = times.activate.is_some_and(|activate| activate < last_signature);
        key.role() == Role::Zsk && begins && times.inactive.is_none_or(|inactive| inactive >= last_signature)
    };
    let has_zsk = of_old.clone().any(signs_to_the_end);
    let ended = |key: &Arc<ZoneKey>| {
        let signs_until = if has_zsk && key.role() == Role::Ksk { at } else { last_signature };
        let earlier = |time: Option<u64>, end: u64| Some(time.map_or(end, |time| time.min(end)));
        let times = known(key.times(), now);
        let (inactive, delete) = (earlier(times.inactive, signs_until), earlier(times.delete, at));
        (Arc::clone(key), Times { inactive, delete, ..times })
    };
    of_old.map(ended).collect()
}

/// Those for the parent that have no end, in the order in which they came.
fn staying(keys: &[Arc<ZoneKey>], now: u64) -> Vec<&Arc<ZoneKey>> {
    let stays = |key: &&Arc<ZoneKey>| {
        let times = key.times();
        let acts = times.activate.is_some() || key.is_active(now);
        key.role() == Role::Ksk && acts && times.inactive.is_none() && times.delete.is_none()
    };
    let mut staying: Vec<_> = keys.iter().filter(stays).collect();
    staying.sort_by_key(|key| (key.times().activate, key.times().created, key.tag()));
    staying
}

/// The key that the parent knows: the one that stays, or, where none does, the one that came last.
fn present(keys: &[Arc<ZoneKey>], now: u64) -> Result<Arc<ZoneKey>, NoParentRoll> {
    let leaves = |key: &&Arc<ZoneKey>| key.role() == Role::Ksk && key.is_active(now) && key.times().inactive.is_some();
    if let Some(stays) = staying(keys, now).first() {
        return match keys.iter().find(leaves) {
            Some(leaving) => Err(NoParentRoll::Leaving(leaving.tag(), leaving.times().inactive.unwrap_or_default())),
            None => Ok(Arc::clone(stays)),
        };
    }
    let begun =
        keys.iter().filter(|key| key.role() == Role::Ksk && key.times().activate.is_some_and(|from| from <= now));
    let last = begun.max_by_key(|key| (key.times().activate, key.tag()));
    let signing = signing(keys, now);
    let signs = |key: &&Arc<ZoneKey>| signing.iter().any(|one| std::ptr::eq(*one, key.as_ref()));
    last.or_else(|| keys.iter().rfind(signs)).map(Arc::clone).ok_or(NoParentRoll::Nobody)
}

/// The times of a key that counts. Without any it has always counted; with one it no longer would.
fn known(times: &Times, now: u64) -> Times {
    if *times == Times::default() { since_yesterday(*times, now) } else { *times }
}

/// The times of a key that has been there for a while.
fn since_yesterday(times: Times, now: u64) -> Times {
    let since = Some(now.saturating_sub(24 * HOUR));
    Times { publish: since, activate: since, ..times }
}

#[cfg(test)]
mod tests;
