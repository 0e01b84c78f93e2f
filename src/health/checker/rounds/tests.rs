#![allow(clippy::unwrap_used, clippy::panic)]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::net::SocketAddr;

use super::*;
use crate::config::{CheckConfig, ProbeKind};
use crate::health::timetable::PLACES;
use crate::health::view::CHUNK;
use crate::running_time::running;

const MANY: u32 = 20_000;

const INTERVAL: Duration = Duration::from_secs(2);

fn check(timeout: Duration) -> CheckConfig {
    let (interval, fast_interval) = (INTERVAL, INTERVAL / 4);
    CheckConfig {
        protocol: Default::default(),
        kind: ProbeKind::Tcp,
        port: None,
        interval,
        fast_interval,
        timeout,
        rise: 2,
        fall: 3,
    }
}

/// Targets in a time of their own. Those that are down do not answer, or refuse at once.
struct World {
    /// When every time was shown that had changed.
    timed: Instant,
    rounds: Rounds,
    began: Instant,
    /// The same moment as probes tell it. Time passes here alone: how long the test takes is of no account.
    began_running: Duration,
    now: Instant,
    targets: Vec<Target>,
    up: HashSet<SocketAddr>,
    refuses: bool,
    /// Probes that go on, by their end.
    running: BinaryHeap<Reverse<(Instant, Id, bool)>>,
    view: HealthView,
    wakes: usize,
    results: usize,
    /// Results since the last publication.
    fresh: usize,
    published: usize,
}

impl World {
    fn new(refuses: bool) -> World {
        let check = check(Duration::from_secs(1));
        let address = |number: u32| SocketAddr::from(((0x7f00_0000 + number).to_be_bytes(), 80));
        let targets: Vec<Target> =
            (0..MANY).map(|number| Target { address: address(number), check: check.clone() }).collect();
        let now = Instant::now();
        let mut rounds = Rounds::new(now);
        rounds.replace(&targets.iter().map(|target| (target.clone(), vec!["www/web1".to_owned()])).collect(), now);
        let began_running = running();
        let (up, running, view) = Default::default();
        let (wakes, results, fresh, published) = Default::default();
        World {
            rounds,
            began: now,
            began_running,
            now,
            timed: now,
            targets,
            up,
            refuses,
            running,
            view,
            wakes,
            results,
            fresh,
            published,
        }
    }

    /// Lets time pass until the end, or until the view is as wanted.
    fn pass(&mut self, end: Instant, wanted: impl Fn(&HealthView) -> bool) -> bool {
        while !wanted(&self.view) {
            let ends = self.running.peek().map(|Reverse((at, ..))| *at);
            let next = self.rounds.next_moment(self.now).max(self.now);
            self.now = ends.map_or(next, |ends| ends.min(next));
            if self.now > end {
                return false;
            }
            self.wakes += 1;
            while let Some(Reverse((_, id, up))) =
                self.running.peek().copied().filter(|Reverse((at, ..))| *at <= self.now)
            {
                self.running.pop();
                self.end(id, up);
            }
            while let Some((id, target)) = self.rounds.start_one(self.now) {
                let up = self.up.contains(&target.address);
                match up || self.refuses {
                    true => self.end(id, up),
                    false => self.running.push(Reverse((self.now + target.check.timeout, id, up))),
                }
            }
            self.publish();
        }
        true
    }

    fn end(&mut self, id: Id, up: bool) {
        let outcome = match up {
            true => Outcome::Success { answer: "connected".into(), took: Duration::ZERO },
            false => Outcome::Failure("connection refused".into()),
        };
        let began = self.began_running + (self.now - self.began);
        self.rounds.ended(id, Probed { outcome, began, ended: began }, self.now);
        self.results += 1;
        self.fresh += 1;
    }

    fn publish(&mut self) {
        let Some(next) = self.rounds.take_view(self.now) else { return };
        let copied = next.unlike(&self.view);
        if self.published > 0 && copied > self.fresh * CHUNK {
            // Every time at once, which is seldom.
            assert!(self.now >= self.timed + REPUBLISH, "{} results, {copied} copied", self.fresh);
            self.timed = self.now;
        }
        (self.view, self.fresh) = (next, 0);
        self.published += 1;
    }
}

fn flips_are_seen_among_dead_targets(refuses: bool) {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut world = World::new(refuses);
    let began = world.now;
    let all_down = |view: &HealthView| !view.is_empty() && view.values().all(|health| health.verdict == Verdict::Down);
    world.pass(began + INTERVAL * 2, |_| false);
    assert!(all_down(&world.view), "all have been probed");
    let most = INTERVAL.as_micros() as usize * 2 / MANY as usize + 2;
    assert!(world.published <= most, "{} views of a storm, {most} at most", world.published);

    // Settled: each target is probed once in an interval, and many at a time.
    world.pass(world.now + INTERVAL, |_| false);
    (world.wakes, world.results, world.published) = (0, 0, 0);
    world.pass(world.now + INTERVAL, |_| false);
    let (wakes, most) = (world.wakes, 2 * PLACES as usize + 2);
    assert!(wakes <= most, "{wakes} wake-ups in an interval, {most} at most");
    let around = MANY as usize - 100..=MANY as usize + 100;
    assert!(around.contains(&world.results), "{} probes in an interval", world.results);
    assert!(world.published <= 1, "{} views although nothing changed", world.published);

    let CheckConfig { interval, fast_interval, timeout, rise, fall, .. } = check(Duration::from_secs(1));
    let bound = |steps: u32| interval + timeout + fast_interval.max(timeout) * (steps - 1) + READING * MANY;
    for _ in 0..3 {
        world.pass(world.now + interval.mul_f64(random.f64()), |_| false);
        let target = world.targets[random.usize(0..MANY as usize)].clone();
        world.up.insert(target.address);
        let is_up = world.pass(world.now + bound(rise), |view| view[&target].verdict == Verdict::Up);
        assert!(is_up, "{target:?} is up, which was not seen within {:?}", bound(rise));
        world.pass(world.now + interval.mul_f64(random.f64()), |_| false);
        world.up.remove(&target.address);
        let is_down = world.pass(world.now + bound(fall), |view| view[&target].verdict == Verdict::Down);
        assert!(is_down, "{target:?} is down, which was not seen within {:?}", bound(fall));
    }
}

#[test]
fn a_target_that_flips_among_20_000_that_refuse_is_seen_within_its_bound_and_no_result_costs_more_than_its_neighbours()
{
    flips_are_seen_among_dead_targets(true);
}

#[test]
fn a_target_that_flips_among_20_000_that_are_silent_is_seen_within_its_bound() {
    flips_are_seen_among_dead_targets(false);
}

/// 50 targets that refuse, all known.
fn few() -> World {
    let mut world = World::new(true);
    world.targets.truncate(50);
    let wanted = world.targets.iter().map(|target| (target.clone(), Vec::new())).collect();
    world.rounds.replace(&wanted, world.now);
    let end = world.now + INTERVAL * 3;
    world.pass(end, |_| false);
    world
}

#[test]
fn when_a_target_was_probed_last_is_shown_in_time_however_often_others_change() {
    let mut world = few();
    let began = world.now;
    let (flipping, steady) = (world.targets[0].clone(), world.targets[1].clone());
    let before = world.view[&steady].probed;
    let mut shown = None;
    while shown.is_none() && world.now < began + REPUBLISH * 2 {
        if !world.up.remove(&flipping.address) {
            world.up.insert(flipping.address);
        }
        world.pass(world.now + INTERVAL / 8, |_| false);
        shown = (world.view[&steady].probed > before).then_some(world.now);
    }
    assert!(shown.is_some_and(|shown| shown <= began + REPUBLISH + INTERVAL), "{:?}", shown.map(|shown| shown - began));
}
