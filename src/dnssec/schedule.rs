//! Zone-signing keys that are made ahead, each to replace the one before it, so that the ZSK of a zone rolls by itself for years (pure).
//!
//! All of it is in the times of the keys, and so it is the same for everybody who has their files. The last key of a schedule has no end: a zone whose
//! schedule is not extended goes on with it.

use std::sync::Arc;

use super::key::{Role, ZoneKey};
use super::roll::{HOUR, NoRoll, Pace, Roll, Successor, active, later, replaced, shown_from};
use super::times::Times;
use crate::unix_time::moment;

/// What a schedule is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// For how long each key signs, in seconds.
    pub every: u64,
    /// Until when there is to be a key for each such time, in seconds since the epoch.
    pub until: u64,
    /// When the first successor begins to sign, in seconds since the epoch; none: when the present key has signed for `every`, or as early as is safe.
    pub first: Option<u64>,
    /// How long things take.
    pub pace: Pace,
}

/// The least number of times that a key signs for which a schedule is made: with fewer there is no schedule to speak of.
pub const LEAST_KEYS: u64 = 2;

/// How long a key signs at least, so that no more than two of them stand in the zone at a time: until its predecessor is gone, and its successor is published.
pub fn least_every(pace: Pace) -> u64 {
    (pace.lifetime + pace.ttl + pace.propagation).next_multiple_of(HOUR)
}

/// What is to be done next for keys to be as `terms` want them, at `now`, in seconds since the epoch: a successor for the last key, or the end of a key that
/// has one and does not know it. None: all is there. It is asked again, of the keys as they are then, until all is.
///
/// # Errors
///
/// There is not one ZSK that signs, or the first successor would be too early, or is there already and was asked for at another time.
pub fn next_step(keys: &[Arc<ZoneKey>], now: u64, terms: Terms) -> Result<Option<Roll>, NoRoll> {
    let Terms { every, until, first, pace } = terms;
    let old = active(keys, now)?;
    let ahead = later(keys, &old, now);
    let mut before = &old;
    for (key, at) in &ahead {
        if before.times().inactive != Some(*at) {
            return Ok(Some(step(before, Successor::Made(Arc::clone(key)), *at, now, pace)));
        }
        before = key;
    }
    if let (Some(first), Some((next, at))) = (first, ahead.first())
        && first.next_multiple_of(HOUR) != *at
    {
        return Err(NoRoll::UnderWay { old: old.tag(), new: next.tag(), at: *at });
    }
    let due = before.times().activate.map(|activate| activate + every);
    if due.is_some_and(|due| due >= until) {
        return Ok(None);
    }
    let shown = shown_from(before, now);
    let earliest = shown + pace.ttl;
    let wanted = first.filter(|_| ahead.is_empty());
    if wanted.is_some_and(|wanted| wanted < earliest) {
        return Err(NoRoll::TooEarly(earliest));
    }
    // Keys act by the full hour.
    let at = wanted.unwrap_or(due.unwrap_or(0).max(earliest + pace.propagation)).next_multiple_of(HOUR);
    let publish = at.saturating_sub(pace.ttl + pace.propagation).max(shown);
    let times = Times { created: Some(now), publish: Some(publish), activate: Some(at), ..Times::default() };
    Ok(Some(step(before, Successor::Missing(old.algorithm(), times), at, now, pace)))
}

fn step(old: &Arc<ZoneKey>, successor: Successor, at: u64, now: u64, pace: Pace) -> Roll {
    let old_times = replaced(old.times(), at, now, pace);
    Roll { old: Arc::clone(old), old_times, successor, at, publish_before: at.saturating_sub(pace.ttl) }
}

/// A schedule, as the keys of a zone have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// The next key that replaces another one: its tag, and from when it signs, in seconds since the epoch; none: the last one signs.
    pub next: Option<(u16, u64)>,
    /// For how long each key signs, in seconds.
    pub every: u64,
    /// When the last key would be replaced if there were another one, in seconds since the epoch.
    pub ends: u64,
    /// For how long it was made ahead: from the moment at which its last key was made to its end, in seconds.
    pub span: u64,
    /// From when on somebody should extend it, in seconds since the epoch: 30 days before it ends, or a sixth of its span, where that is less.
    pub warns: u64,
}

/// In seconds.
const DAY: u64 = 24 * HOUR;

/// The schedule of the ZSKs of a zone at `now`, in seconds since the epoch; none: nobody has made one, or it was left for rolls one by one. A key is one of a schedule if it
/// was made some time before it is to be published.
pub fn schedule(keys: &[Arc<ZoneKey>], now: u64) -> Option<Schedule> {
    let zsks = || keys.iter().filter(|key| key.role() == Role::Zsk);
    let last = zsks().max_by_key(|key| (key.times().activate, key.tag()))?;
    let Times { created: Some(created), publish: Some(publish), activate: Some(activate), .. } = *last.times() else {
        return None;
    };
    let is_before = |key: &&Arc<ZoneKey>| key.algorithm() == last.algorithm() && key.times().inactive == Some(activate);
    let every = activate.checked_sub(zsks().find(is_before)?.times().activate?)?;
    if publish < created + HOUR {
        return None;
    }
    let coming = zsks().filter_map(|key| Some((key.tag(), key.times().activate.filter(|at| *at > now)?)));
    let ends = activate + every;
    let span = ends.saturating_sub(created);
    let warns = ends - (30 * DAY).min(span / 6);
    Some(Schedule { next: coming.min_by_key(|(_, at)| *at), every, ends, span, warns })
}

/// Why no schedule is made of these terms; none: it can be.
pub fn unfit(terms: &Terms, now: u64) -> Option<String> {
    let days = |seconds: u64| format!("{}d", seconds.div_ceil(DAY));
    let (least, span) = (least_every(terms.pace), terms.until.saturating_sub(now));
    if terms.every < least {
        return Some(format!(
            "--every is shorter than {}: a key has to be known for --ttl and a day for its files before it signs, and to stand in the zone for \
             --lifetime afterwards",
            days(least)
        ));
    }
    (span < LEAST_KEYS * terms.every).then(|| {
        format!(
            "--for is less than {}, {LEAST_KEYS} times --every: until {}",
            days(LEAST_KEYS * terms.every),
            moment((now + LEAST_KEYS * terms.every) * 1000)
        )
    })
}

#[cfg(test)]
mod tests;
