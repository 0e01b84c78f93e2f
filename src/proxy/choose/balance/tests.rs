#![allow(clippy::unwrap_used)]

use std::sync::atomic::Ordering;

use super::*;
use crate::proxy::samples::backend;

const ALL: [Balance; 3] = [Balance::RoundRobin, Balance::LeastConnections, Balance::RandomTwoChoices];

#[test]
fn over_one_cycle_of_round_robin_each_backend_comes_exactly_as_often_as_its_weight_says() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..200 {
        let backends: Vec<_> = (0..random.usize(1..7)).map(|number| backend(number, random.u32(0..20))).collect();
        let cycle: u32 = backends.iter().map(|backend| backend.weight).sum();
        let mut spread = BalanceState::default();
        for _ in 0..3 {
            let mut counts = vec![0; backends.len()];
            for _ in 0..cycle {
                counts[pick(Balance::RoundRobin, &backends, |backend| backend.weight, 0, &mut spread, 0).unwrap()] += 1;
            }
            let weights: Vec<u32> = backends.iter().map(|backend| backend.weight).collect();
            assert_eq!(counts, weights, "seed {seed}");
        }
    }
}

#[test]
fn round_robin_is_smooth() {
    let backends = [backend(0, 5), backend(1, 1), backend(2, 1)];
    let mut spread = BalanceState::default();
    let mut next = || pick(Balance::RoundRobin, &backends, |backend| backend.weight, 0, &mut spread, 0).unwrap();
    assert_eq!(std::array::from_fn::<_, 7, _>(|_| next()), [0, 0, 1, 0, 2, 0, 0]);
}

#[test]
fn a_weight_of_nothing_and_a_tried_backend_are_never_picked() {
    let backends = [backend(0, 0), backend(1, 3), backend(2, 4), backend(3, 0)];
    let mut random = fastrand::Rng::with_seed(7);
    for balance in ALL {
        let mut spread = BalanceState::default();
        for _ in 0..1_000 {
            let picked = pick(balance, &backends, |backend| backend.weight, 0b0010, &mut spread, random.u64(..));
            assert_eq!(picked, Some(2), "{balance:?}");
        }
        assert_eq!(pick(balance, &backends, |backend| backend.weight, 0b0110, &mut spread, 0), None);
    }
}

#[test]
fn a_backend_that_returns_gets_its_share_and_no_burst() {
    let backends = [backend(0, 1), backend(1, 1), backend(2, 1)];
    let mut spread = BalanceState::default();
    for _ in 0..1_000 {
        pick(
            Balance::RoundRobin,
            &backends,
            |backend| if &*backend.name == "web2" { 0 } else { backend.weight },
            0,
            &mut spread,
            0,
        )
        .unwrap();
    }
    let mut counts = [0; 3];
    for _ in 0..6 {
        counts[pick(Balance::RoundRobin, &backends, |backend| backend.weight, 0, &mut spread, 0).unwrap()] += 1;
    }
    assert_eq!(counts, [2, 2, 2]);
}

#[test]
fn a_lighter_weight_after_a_reload_takes_effect_at_once() {
    let mut backends = [backend(0, 1000), backend(1, 1000)];
    let mut spread = BalanceState::default();
    pick(Balance::RoundRobin, &backends, |backend| backend.weight, 0, &mut spread, 0).unwrap();
    backends[0].weight = 1;
    backends[1].weight = 1;
    let mut next = || pick(Balance::RoundRobin, &backends, |backend| backend.weight, 0, &mut spread, 0).unwrap();
    assert_eq!([next(), next(), next(), next()], [0, 1, 0, 1]);
}

#[test]
fn least_connections_picks_the_fewest_running_for_its_weight_and_idle_ones_take_turns() {
    let backends = [backend(0, 1), backend(1, 2), backend(2, 1)];
    let mut spread = BalanceState::default();
    let mut counts = [0; 3];
    for _ in 0..8 {
        counts[pick(Balance::LeastConnections, &backends, |backend| backend.weight, 0, &mut spread, 0).unwrap()] += 1;
    }
    assert_eq!(counts, [2, 4, 2]);
    for (backend, running) in backends.iter().zip([3, 5, 3]) {
        backend.counters[0].running.store(running, Ordering::Relaxed);
    }
    assert_eq!(pick(Balance::LeastConnections, &backends, |backend| backend.weight, 0, &mut spread, 0), Some(1));
    backends[2].counters[0].running.store(2, Ordering::Relaxed);
    assert_eq!(pick(Balance::LeastConnections, &backends, |backend| backend.weight, 0, &mut spread, 0), Some(2));
}

#[test]
fn two_random_choices_follow_the_weights_when_idle_and_avoid_the_loaded_one() {
    let mut backends = vec![backend(0, 1), backend(1, 3)];
    let mut random = fastrand::Rng::with_seed(11);
    let mut spread = BalanceState::default();
    let mut counts = [0u32; 2];
    for _ in 0..40_000 {
        counts[pick(Balance::RandomTwoChoices, &backends, |backend| backend.weight, 0, &mut spread, random.u64(..))
            .unwrap()] += 1;
    }
    assert!((29_000..31_000).contains(&counts[1]), "{counts:?}");
    backends.push(backend(2, 1));
    backends[2].counters[1].running.store(9, Ordering::Relaxed);
    for _ in 0..1_000 {
        let picked =
            pick(Balance::RandomTwoChoices, &backends, |backend| backend.weight, 0, &mut spread, random.u64(..));
        assert_ne!(picked, Some(2), "a freer one is always among two different choices of three");
    }
}
