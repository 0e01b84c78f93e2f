use super::*;
use crate::config::proxy::Balance;
use crate::proxy::choose::{BalanceState, Choice, RequestFacts, choose};
use crate::proxy::samples::{backend, service};
use crate::proxy::snapshot::ServiceMode;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A service of two backends with these weights, of which the second came up at 100 s and has all of its weight 30 s later.
fn starting(weights: [u32; 2], balance: Balance) -> Service {
    let mut service = service(ServiceMode::Stateless, balance, vec![backend(0, weights[0]), backend(1, weights[1])]);
    service.slow_start = Some(seconds(30));
    service.backends[1].up_since = Some(seconds(100));
    service
}

#[test]
fn a_backend_that_comes_up_has_a_tenth_of_its_weight_and_gets_the_rest_step_by_step() {
    let service = starting([50, 50], Balance::RoundRobin);
    let tenths = |now| service.backends[1].tenths(seconds(30), now);
    let steps = [100, 102, 103, 106, 115, 127, 129, 130, 500].map(|at| tenths(seconds(at)));
    assert_eq!(steps, [1, 1, 1, 2, 5, 9, 9, 10, 10]);
    assert_eq!(
        service.backends[0].tenths(seconds(30), seconds(0)),
        10,
        "one that was there from the start has all of it"
    );
    let without = Service { slow_start: None, ..starting([50, 50], Balance::RoundRobin) };
    assert_eq!(without.weight_of(&without.backends[1], seconds(100)), 50);
}

#[test]
fn its_share_of_the_requests_grows_with_its_weight_even_where_that_is_1() {
    for balance in [Balance::RoundRobin, Balance::RandomTwoChoices, Balance::LeastConnections] {
        for weights in [[1, 1], [100, 100], [300, 100]] {
            let service = starting(weights, balance);
            for (at, tenths) in [(100, 1), (115, 5), (200, 10)] {
                let (mut state, mut random) = (BalanceState::default(), fastrand::Rng::with_seed(7));
                let facts = RequestFacts { now: seconds(at), ..RequestFacts::default() };
                let mut chosen = || choose(&service, facts, &mut state, random.u64(..));
                let second = (0..11_000).filter(|_| matches!(chosen(), Choice::Use { backend: 1, .. })).count();
                let weight = f64::from(weights[1] * tenths);
                let share = weight / (f64::from(weights[0] * 10) + weight);
                let expected = share * 11_000.0;
                let is_right = (second as f64 - expected).abs() < expected * 0.05 + 5.0 * expected.sqrt();
                assert!(is_right, "{balance:?} {weights:?} at {at}: {second}, expected {expected}");
            }
        }
    }
}
