//! When each target is probed next (pure: `now` is passed in, nothing is probed here).
//!
//! Owns the order of the probes. Must never: know what a probe said beyond how fast the next one shall come. Called by
//! the checker.
//!
//! - A probe never overlaps with another of the same target.
//! - Times count from the START of the previous probe, so that a dead target is noticed within
//!   interval + timeout + (fall-1) * max(fast_interval, timeout) (DESIGN 6).
//! - Every target has a phase of its own, a fixed place within its interval. A settled target drifts there by shortened
//!   intervals, never by longer ones, so that targets that began together do not stay together.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

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
    /// Exactly the lines that wait, by their time.
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
    /// `hastened`: live traffic complained meanwhile.
    Running { started: Instant, hastened: bool },
}

impl Timetable {
    /// An empty one.
    pub fn new(now: Instant) -> Timetable {
        Timetable { began: now, lines: HashMap::new(), due: BTreeSet::new() }
    }

    /// Adds a target with its first probe at `first`.
    pub fn add(&mut self, id: Id, pace: Pace, first: Instant) {
        let line =
            Line { pace, phase: pace.interval.mul_f64(place(id)), state: State::Waiting { due: first, last: None } };
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
            line.state = State::Running { started: now, hastened: false };
        }
        Some(id)
    }

    /// Its probe ended; `settled` unless the automaton is in transition (or unchecked).
    pub fn ended(&mut self, id: Id, now: Instant, settled: bool) {
        let began = self.began;
        let Some(line) = self.lines.get_mut(&id) else { return };
        let State::Running { started, hastened } = line.state else { return };
        let next = if settled && !hastened { line.settled_after(started, began) } else { started + line.pace.fast };
        let due = next.max(now);
        line.state = State::Waiting { due, last: Some(started) };
        self.due.insert((due, id));
    }

    /// Brings its next probe forward to `fast` after the last one's start, if that is earlier.
    pub fn hasten(&mut self, id: Id, now: Instant) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        match &mut line.state {
            State::Running { hastened, .. } => *hastened = true,
            State::Waiting { due, last } => {
                let earliest = last.map_or(now, |last| last + line.pace.fast).max(now);
                if earliest < *due {
                    self.due.remove(&(*due, id));
                    *due = earliest;
                    self.due.insert((earliest, id));
                }
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

/// A place in 0..1 for each number. Multiples of the golden ratio, modulo 1, lie apart however many there are.
fn place(id: Id) -> f64 {
    (id as f64 * 0.618_033_988_749_895).fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { interval: Duration::from_millis(2000), fast: Duration::from_millis(500) };

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn targets_that_begin_together_are_apart_after_two_intervals() {
        let began = Instant::now();
        let mut table = Timetable::new(began);
        (0..100).for_each(|id| table.add(id, PACE, began));
        let mut starts = Vec::new();
        while let Some(now) = table.next_due().filter(|due| *due < began + ms(8000)) {
            let id = table.start_one(now).expect("it is due");
            table.ended(id, now + ms(3), true);
            starts.push(now);
        }
        let late: Vec<_> = starts.into_iter().filter(|start| *start >= began + ms(4000)).collect();
        assert_eq!(late.len(), 200);
        let busiest =
            late.iter().map(|from| late.iter().filter(|at| *at >= from && **at < *from + ms(100)).count()).max();
        assert!(busiest <= Some(8), "100 targets in 2 s are 5 in 100 ms; found {busiest:?}");
    }

    #[test]
    fn random_lives_keep_every_gap_within_bounds() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for life in 0..2000 {
            let pace = Pace { interval: ms(random.u64(10..3000)), fast: ms(random.u64(1..10)) };
            let began = Instant::now();
            let mut table = Timetable::new(began);
            let id = random.u64(0..1000);
            table.add(id, pace, began + ms(random.u64(0..50)));
            let mut earlier: Option<(Instant, Instant, bool)> = None;
            for _ in 0..20 {
                let mut hastened = random.u8(0..4) == 0;
                if hastened {
                    table.hasten(id, earlier.map_or(began, |(_, ended, _)| ended));
                }
                let now = table.next_due().expect("one target waits") + ms(random.u64(0..3));
                assert_eq!(table.start_one(now), Some(id));
                assert_eq!(table.start_one(now + ms(60_000)), None, "a probe overlaps with itself");
                if let Some((started, ended, fast)) = earlier {
                    let longest = if fast || hastened { pace.fast } else { pace.interval };
                    let bound = (started + longest).max(ended) + ms(2);
                    assert!(now >= ended && now <= bound, "seed {seed}, life {life}: {pace:?}, {:?}", now - started);
                }
                let (ended, settled) = (now + ms(random.u64(0..4000)), random.bool());
                hastened = random.u8(0..4) == 0;
                if hastened {
                    table.hasten(id, now);
                }
                table.ended(id, ended, settled);
                earlier = Some((now, ended, !settled || hastened));
            }
        }
    }

    #[test]
    fn hastening_again_and_again_probes_no_faster_than_the_fast_interval() {
        let began = Instant::now();
        let mut table = Timetable::new(began);
        table.add(1, PACE, began);
        let mut starts = 0;
        for tick in 0..4000 {
            let now = began + ms(tick);
            table.hasten(1, now);
            if let Some(id) = table.start_one(now) {
                starts += 1;
                table.ended(id, now, true);
            }
        }
        assert_eq!(starts, 8);
    }

    #[test]
    fn a_removed_target_is_due_no_more_even_if_its_probe_ends_later() {
        let began = Instant::now();
        let mut table = Timetable::new(began);
        table.add(1, PACE, began);
        table.add(2, PACE, began);
        assert_eq!(table.start_one(began), Some(1));
        table.remove(1);
        table.remove(2);
        table.ended(1, began, true);
        assert_eq!(table.next_due(), None);
    }
}
