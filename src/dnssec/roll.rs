//! The successor of a zone-signing key, by pre-publication (RFC 6781, 4.1.1.1): what is made and which times change (pure).
//!
//! The new key stands in the zone before it signs, for as long as a resolver may have the DNSKEY set without it; the old key stays in the
//! zone after it has signed last, for as long as one of its signatures is valid.

use std::sync::Arc;

use super::algorithm::Algorithm;
use super::key::{Role, ZoneKey};
use super::times::Times;
use crate::counted::{counted, listed};
use crate::unix_time::moment;

/// How long things take, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long a resolver may have the DNSKEY set: its TTL.
    pub ttl: u64,
    /// Until all nameservers have the files of a new key.
    pub propagation: u64,
    /// How long a signature is valid.
    pub lifetime: u64,
}

/// What is to be done. Nothing else changes.
#[derive(Debug, Clone)]
pub struct Roll {
    /// The key that signs now.
    pub old: Arc<ZoneKey>,
    /// Its times from now on.
    pub old_times: Times,
    /// The key that takes over.
    pub successor: Successor,
    /// When, in seconds since the epoch.
    pub at: u64,
    /// By then all nameservers have to have the files of the new key.
    pub publish_before: u64,
}

/// The key that takes over.
#[derive(Debug, Clone)]
pub enum Successor {
    /// It has to be made, with these times.
    Missing(Algorithm, Times),
    /// It is there: a roll was begun, and the old key has not been told.
    Made(Arc<ZoneKey>),
}

/// Why a key has no successor made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRoll {
    /// One key signs everything.
    #[error(
        "it has no ZSK: key {0} signs everything, and the parent knows it: `polder dnssec roll-ksk` replaces it, with the parent's part in the middle"
    )]
    OneKey(u16),
    /// No ZSK signs yet, and one will: the key that signs everything goes on until then.
    #[error("key {} signs from {}: there is nothing to roll before", .0, moment(.1 * 1000))]
    First(u16, u64),
    /// None signs now.
    #[error("it has no key that signs now: `polder dnssec keygen` makes one")]
    Nobody,
    /// Not one ZSK signs, or is to follow, but these.
    #[error("it has several ZSKs where one is expected, {}: give those that are to go their times by hand (dnssec-settime)", listed(.0))]
    Several(Vec<u16>),
    /// A successor has been made, and the old key told.
    #[error("key {new} takes over from key {old} at {}: one roll at a time", moment(.at * 1000))]
    UnderWay {
        /// The key that signs.
        old: u16,
        /// The key that will.
        new: u16,
        /// From when, in seconds since the epoch.
        at: u64,
    },
    /// Successors have been made ahead.
    #[error(
        "{} made ahead already, and the next one signs from {}: --every and --for make more of them",
        were(*.0),
        moment(.1 * 1000)
    )]
    Ahead(usize, u64),
    /// Resolvers would not know the new key yet.
    #[error(
        "it is too early: resolvers may have the keys of today until {}, and know nothing of a new one before (--ttl says how long)",
        moment(.0 * 1000)
    )]
    TooEarly(u64),
}

fn were(successors: usize) -> String {
    counted(successors, "successor") + if successors == 1 { " was" } else { " were" }
}

/// Before which moment a key without times is said to have been published, seen from `now`: the nameservers' clocks differ.
const DAY: u64 = 86_400;

/// In seconds.
pub(super) const HOUR: u64 = 3600;

/// What makes a successor of the ZSK that signs at `now`, in seconds since the epoch; it signs from `at` on, or as early as is safe.
///
/// # Errors
///
/// There is not one such key, it has a successor, or `at` is too early.
pub fn plan(keys: &[Arc<ZoneKey>], now: u64, at: Option<u64>, pace: Pace) -> Result<Roll, NoRoll> {
    let old = active(keys, now)?;
    let (successor, at) = match prepared(keys, &old, now)? {
        Some((next, begins)) if old.times().inactive == Some(begins) || at.is_some_and(|at| at != begins) => {
            return Err(NoRoll::UnderWay { old: old.tag(), new: next.tag(), at: begins });
        }
        Some((next, begins)) => (Successor::Made(next), begins),
        None => {
            let publish = shown_from(&old, now);
            let earliest = publish + pace.ttl;
            // Keys act by the full hour: what is to happen within one would begin with it.
            let at = at.unwrap_or(earliest + pace.propagation).next_multiple_of(HOUR);
            if at < earliest {
                return Err(NoRoll::TooEarly(earliest));
            }
            let times = Times { created: Some(now), publish: Some(publish), activate: Some(at), ..Times::default() };
            (Successor::Missing(old.algorithm(), times), at)
        }
    };
    let old_times = replaced(old.times(), at, now, pace);
    Ok(Roll { old, old_times, successor, at, publish_before: at.saturating_sub(pace.ttl) })
}

/// From when a successor may stand in the zone: while an algorithm comes in, no key of it does before its signatures are in all caches, whoever makes it.
pub(super) fn shown_from(old: &ZoneKey, now: u64) -> u64 {
    old.times().publish.map_or(now, |publish| publish.max(now))
}

/// The one ZSK that signs.
pub(super) fn active(keys: &[Arc<ZoneKey>], now: u64) -> Result<Arc<ZoneKey>, NoRoll> {
    let signing: Vec<&Arc<ZoneKey>> = keys.iter().filter(|key| key.is_active(now)).collect();
    let zsks: Vec<&Arc<ZoneKey>> = signing.iter().copied().filter(|key| key.role() == Role::Zsk).collect();
    match (&zsks[..], signing.first()) {
        ([one], _) => Ok(Arc::clone(one)),
        ([], Some(one)) => Err(match later(keys, one, now).first() {
            Some((next, at)) => NoRoll::First(next.tag(), *at),
            None => NoRoll::OneKey(one.tag()),
        }),
        ([], None) => Err(NoRoll::Nobody),
        (several, _) => Err(NoRoll::Several(several.iter().map(|key| key.tag()).collect())),
    }
}

/// The ZSK that is to sign later, and from when.
fn prepared(keys: &[Arc<ZoneKey>], old: &ZoneKey, now: u64) -> Result<Option<(Arc<ZoneKey>, u64)>, NoRoll> {
    match &later(keys, old, now)[..] {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        several @ [(_, at), ..] => Err(NoRoll::Ahead(several.len(), *at)),
    }
}

/// The ZSKs that are to sign after one, each with from when, in this order.
pub(super) fn later(keys: &[Arc<ZoneKey>], old: &ZoneKey, now: u64) -> Vec<(Arc<ZoneKey>, u64)> {
    let is_other = |key: &&Arc<ZoneKey>| key.role() == Role::Zsk && key.algorithm() == old.algorithm();
    let ahead = keys.iter().filter(is_other).filter(|key| !key.times().is_over(now));
    let mut later: Vec<(Arc<ZoneKey>, u64)> = ahead
        .filter_map(|key| Some((Arc::clone(key), key.times().activate.filter(|activate| *activate > now)?)))
        .collect();
    later.sort_by_key(|(key, at)| (*at, key.tag()));
    later
}

/// The times of a key that another one replaces at a time.
pub(super) fn replaced(times: &Times, at: u64, now: u64, pace: Pace) -> Times {
    Times { inactive: Some(at), delete: Some(at + pace.lifetime), ..begun(times, now) }
}

/// The times of a key that signs. Without any it has always counted; with one it no longer would.
fn begun(times: &Times, now: u64) -> Times {
    match *times == Times::default() {
        true => Times { publish: Some(now.saturating_sub(DAY)), activate: Some(now.saturating_sub(DAY)), ..*times },
        false => *times,
    }
}

#[cfg(test)]
mod tests;
