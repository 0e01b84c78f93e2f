//! Faults of every kind at random, and what must hold after each event, whatever they are.
//!
//! `SEED=n` plays one again, `SEEDS=n` plays so many, from `SEED` on or from anywhere: a hundred in `cargo test`, more where there is time (CONTRIBUTING.md).

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::fleet::*;
use super::store::Store;
use crate::proxy::control::tests::*;

/// How long faults go on.
const TROUBLE: Duration = Duration::from_secs(30);
/// How long a fleet that is whole again has until it serves: the lease of a silent proxy, what checks take, and a margin.
const RECOVERY: Duration = Duration::from_secs(14);
/// It is left alone for so long, in which checks find out that all is well and move nothing any more.
const REST: Duration = Duration::from_secs(4);
/// And then looked at so often.
const LOOK: Duration = Duration::from_millis(500);
/// Faults of one simulation.
const FAULTS: usize = 14;

/// What the simulation has in its hand between faults.
#[derive(Default)]
struct Hand {
    /// A copy of the store, and its age.
    copy: Option<Store>,
    down_since: Option<Duration>,
    /// Operators' steps that were asked for.
    asked: Vec<(usize, u64, Change)>,
    /// What can make a latch move: verdicts that changed, and operators.
    causes: u64,
}

fn simulate(seed: u64, documents: &[Vec<Arc<Prepared>>]) {
    let mut random = fastrand::Rng::with_seed(seed);
    let documents = &documents[random.usize(..documents.len())];
    let mut fleet = Fleet::start(documents, random.fork());
    let mut hand = Hand::default();
    for fault in 0..FAULTS {
        let at = Duration::from_millis(random.u64(1_000..TROUBLE.as_millis() as u64));
        fleet.plan(at, fault);
    }
    let until = fleet.now + TROUBLE;
    let mut epochs = fleet.epochs();
    while let Some(fault) = fleet.step(until) {
        if fault != usize::MAX {
            trouble(&mut fleet, &mut random, &mut hand);
        }
        fleet.assert_one_backend_answers();
        note_done(&fleet, &mut hand);
        let later = fleet.epochs();
        // A process that has begun anew may have lost its disk.
        let grows =
            |((life, now), (life_before, before)): (&(u64, u64), &(u64, u64))| life != life_before || now >= before;
        assert!(later.iter().zip(&epochs).all(grows), "epochs only grow: {epochs:?}, {later:?}");
        epochs = later;
        if random.u32(..8) == 0 {
            // A download, or a tunnel, lasts long.
            let longest = if random.u32(..5) == 0 { 40_000 } else { 2_000 };
            let (proxy, lasts) = (random.usize(..fleet.proxies.len()), Duration::from_millis(random.u64(1..longest)));
            fleet.visit(proxy, lasts);
        }
    }
    heal(&mut fleet);
    let until = fleet.now + RECOVERY;
    fleet.run(REST);
    while fleet.all_serve().is_none() && fleet.now < until {
        fleet.run(LOOK);
    }
    assert!(fleet.all_serve().is_some(), "a fleet that is whole again serves:\n{}", fleet.in_words());
    let moves = fleet.agreed.last_key_value().map_or(0, |(epoch, _)| *epoch);
    assert!(moves <= hand.causes + 2, "{moves} moves by {} causes\n{}", hand.causes, fleet.in_words());
}

fn trouble(fleet: &mut Fleet, random: &mut fastrand::Rng, hand: &mut Hand) {
    let count = fleet.proxies.len();
    let own = random.usize(..count);
    match random.u32(..12) {
        0 if fleet.proxies[own].is_paused => fleet.resume(own),
        0 | 1 if !fleet.proxies[own].is_paused => fleet.pause(own),
        1 => fleet.resume(own),
        2 | 3 => fleet.proxies[own].is_cut_off ^= true,
        4 => {
            fleet.store_is_down ^= true;
            hand.down_since = fleet.store_is_down.then_some(fleet.now);
        }
        5 => {
            let other = random.usize(..count);
            match fleet.cut.is_empty() {
                true => fleet.cut.push((own, other)),
                false => fleet.cut.clear(),
            }
        }
        6 | 7 => {
            let (backend, reaches) = (random.usize(..BACKENDS.len()), random.bool());
            let who: Vec<usize> = if random.bool() { (0..count).collect() } else { vec![own] };
            hand.causes += 1;
            fleet.reach(&who, backend, reaches);
        }
        8 => {
            if fleet.proxies[own].is_paused {
                fleet.resume(own);
            }
            hand.causes += 1;
            fleet.restart(own, random.u32(..4) > 0);
        }
        9 | 10 if !fleet.proxies[own].is_paused => {
            hand.causes += 1;
            let before = fleet.epochs()[own].1;
            if let Ok(change) = fleet.failover(own, random.usize(..BACKENDS.len()), false) {
                hand.asked.push((own, before, change));
            }
        }
        // The store comes back with what it had a while ago, or with nothing.
        11 => match (hand.copy.take(), hand.down_since) {
            (Some(copy), Some(_)) => {
                hand.asked.clear();
                fleet.restore(if random.bool() { copy } else { Store::default() });
            }
            (copy, _) => hand.copy = copy.or_else(|| Some(fleet.store.clone())),
        },
        _ => {}
    }
}

/// What an operator was told is done was agreed on, under an epoch of its own.
fn note_done(fleet: &Fleet, hand: &mut Hand) {
    hand.asked.retain(|(own, before, change)| match fleet.persistence(*own, change) {
        Persistence::Pending => true,
        Persistence::OnDisk => {
            let Change::Latch { active, .. } = change else { return false };
            let agreed = fleet.agreed.range(before..).any(|(_, latch)| latch.active == *active);
            assert!(agreed, "told done, and nobody agreed: {change:?} after epoch {before}");
            false
        }
        _ => false,
    });
}

fn heal(fleet: &mut Fleet) {
    fleet.store_is_down = false;
    fleet.cut.clear();
    let all: Vec<usize> = (0..fleet.proxies.len()).collect();
    for own in &all {
        fleet.proxies[*own].is_cut_off = false;
        if fleet.proxies[*own].is_paused {
            fleet.resume(*own);
        }
    }
    for backend in 0..BACKENDS.len() {
        fleet.reach(&all, backend, true);
    }
}

#[test]
fn whatever_fails_no_two_backends_answer_and_a_fleet_that_is_whole_again_serves() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    let (first, count) = match number("SEED") {
        Some(seed) => (seed, number("SEEDS").unwrap_or(1)),
        None => (fastrand::u64(..1 << 40), number("SEEDS").unwrap_or(100)),
    };
    let documents: Vec<_> = (1..=4).map(|count| documents(count, "stop")).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let play = &|thread: u64| {
        for seed in (first..first + count).skip(thread as usize).step_by(threads as usize) {
            if let Err(why) = catch_unwind(AssertUnwindSafe(|| simulate(seed, &documents))) {
                eprintln!("to play it again: SEED={seed}");
                resume_unwind(why);
            }
        }
    };
    std::thread::scope(|scope| {
        let players: Vec<_> = (0..threads).map(|thread| scope.spawn(move || play(thread))).collect();
        for player in players {
            player.join().unwrap_or_else(|why| resume_unwind(why));
        }
    });
}
