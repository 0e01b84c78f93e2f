//! When each target is probed next (pure: `now` is passed in, nothing is probed here).
//!
//! Owns the order of the probes. Must never: know more of a probe's result than how soon the next one is due. Called by
//! the checker.
//!
//! - A probe never overlaps with another of the same target.
//! - Times count from the START of the previous probe, so that a dead target is noticed within
//!   interval + timeout + (fall-1) * max(fast_interval, timeout).
//! - Every target has a phase of its own, a fixed place within its interval. A settled target drifts there by shortened
//!   intervals, never by longer ones, so that targets that began together do not stay together. There are as many places as
//!   [`PLACES`] in an interval: more targets share them, so that the checker wakes up for many at a time.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

/// Places in an interval.
pub const PLACES: u32 = 256;

/// A target's number: never used twice.
pub type Id = u64;

/// How often a target is probed.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two probes of a settled target.
    pub interval: Duration,
    /// Between two probes of one that is in transition, unchecked, or hastened.
    pub fast: Duration,
}

/// The times of all targets.
#[derive(Debug)]
pub struct Timetable {
    began: Instant,
    lines: HashMap<Id, Line>,
    /// Exactly the targets that wait for their next probe, by its time.
    due: BTreeSet<(Instant, Id)>,
}

#[derive(Debug)]
struct Line {
    pace: Pace,
    phase: Duration,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// `last`: when the previous probe started; none before the first one.
    Waiting { due: Instant, last: Option<Instant> },
    /// `next`: what was asked meanwhile of the probe after this one.
    Running { started: Instant, next: Haste },
}

/// How soon a probe is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Haste {
    /// In its time.
    None,
    /// At the fast pace: live traffic has reported an error.
    Fast,
    /// At once: somebody waits for it.
    AtOnce,
}

impl Timetable {
    /// An empty one.
    pub fn new(now: Instant) -> Timetable {
        Timetable { began: now, lines: HashMap::new(), due: BTreeSet::new() }
    }

    /// Adds a target with its first probe at `first`.
    pub fn add(&mut self, id: Id, pace: Pace, first: Instant) {
        let phase = pace.interval / PLACES * place(id);
        let line = Line { pace, phase, state: State::Waiting { due: first, last: None } };
        self.lines.insert(id, line);
        self.due.insert((first, id));
    }

    /// Forgets a target, running or not.
    pub fn remove(&mut self, id: Id) {
        if let Some(Line { state: State::Waiting { due, .. }, .. }) = self.lines.remove(&id) {
            self.due.remove(&(due, id));
        }
    }

    /// When the next probe is due; none while nothing waits.
    pub fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Takes one target whose time has come; it is running from now until [`Timetable::ended`].
    pub fn start_one(&mut self, now: Instant) -> Option<Id> {
        let (_, id) = *self.due.first().filter(|(due, _)| *due <= now)?;
        self.due.pop_first();
        if let Some(line) = self.lines.get_mut(&id) {
            line.state = State::Running { started: now, next: Haste::None };
        }
        Some(id)
    }

    /// Its probe ended; `settled` unless the automaton is in transition (or unchecked).
    pub fn ended(&mut self, id: Id, now: Instant, settled: bool) {
        let began = self.began;
        let Some(line) = self.lines.get_mut(&id) else { return };
        let State::Running { started, next } = line.state else { return };
        let next = match next {
            Haste::AtOnce => now,
            Haste::None if settled => line.settled_after(started, began),
            Haste::None | Haste::Fast => started + line.pace.fast,
        };
        let due = next.max(now);
        line.state = State::Waiting { due, last: Some(started) };
        self.due.insert((due, id));
    }

    /// Its next probe is due at this time at the latest, unless one is running.
    pub fn hurry(&mut self, id: Id, at: Instant) {
        let Some(Line { state: State::Waiting { due, .. }, .. }) = self.lines.get_mut(&id) else { return };
        if at < *due {
            self.due.remove(&(*due, id));
            *due = at;
            self.due.insert((at, id));
        }
    }

    /// A probe of it begins now, or when the one that is running has ended.
    pub fn ask(&mut self, id: Id, now: Instant) {
        match self.lines.get_mut(&id).map(|line| &mut line.state) {
            Some(State::Running { next, .. }) => *next = Haste::AtOnce,
            _ => self.hurry(id, now),
        }
    }

    /// Brings its next probe forward to `fast` after the last one's start, if that is earlier.
    pub fn hasten(&mut self, id: Id, now: Instant) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        match &mut line.state {
            State::Running { next, .. } => *next = (*next).max(Haste::Fast),
            State::Waiting { last, .. } => {
                let earliest = last.map_or(now, |last| last + line.pace.fast).max(now);
                self.hurry(id, earliest);
            }
        }
    }
}

impl Line {
    /// The next start of a settled target: its own place, or half-way there where the place is too near.
    fn settled_after(&self, started: Instant, began: Instant) -> Instant {
        let interval = self.pace.interval.as_nanos().max(1);
        let past = started.saturating_duration_since(began).as_nanos();
        let beyond_place = (past + interval - self.phase.as_nanos() % interval) % interval;
        let gap = interval - beyond_place;
        let step = if gap * 2 >= interval { gap } else { (interval + gap) / 2 };
        started + Duration::from_nanos(u64::try_from(step).unwrap_or(u64::MAX))
    }
}

/// A place for each number. Multiples of the golden ratio, modulo 1, lie apart however many there are.
fn place(id: Id) -> u32 {
    ((id as f64 * 0.618_033_988_749_895).fract() * f64::from(PLACES)) as u32
}

#[cfg(test)]
mod tests;
