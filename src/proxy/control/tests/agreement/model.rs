//! A small fleet, explored whole: every order in which messages, leases, workers, operators, checks and ends of processes can come, and
//! not only those that a random simulation happens to play.
//!
//! What a proxy may serve and what it asks of the store is asked of the real [`Agreement`](crate::proxy::agreement::Agreement), and
//! what the store makes of it of the [`Store`](super::store::Store) of the simulation: the model cannot say otherwise than the code.
//! What is the model's own is the order of things: what is under way waits as long as it likes, and so does a proxy. Revisions are
//! replaced by their order, leases and proxies have no names, so that the states are finitely many.
//!
//! Written here and not for a model checker of others, as stateright: that from every state the fleet can come to serve is not among what
//! those can ask, and it would bring sixteen crates, of which one is an HTTP server.
//!
//! Left out, and the simulation's: a store that goes back, clocks that do not run alike, disks that take no write, `keep`.

mod explore;
mod plain;
mod real;
mod rules;
mod space;
mod state;

use explore::{Explored, explore};
use rules::{Bounds, Flaw};

/// An operator moves the service once, whenever he likes.
const FENCING: Bounds = Bounds { proxies: 2, moves: 1, ticks: false, faults: 0, crashes: false, verdicts: false };
/// The checks of one proxy come to find the primary down, while an operator may move it.
const VOTES: Bounds = Bounds { verdicts: true, faults: 1, ..FENCING };

/// Explores it whole: no rule is broken, and from every state the fleet can by itself come to serve. Gives how many states there are.
fn explored(bounds: Bounds) -> usize {
    let explored = explore(bounds, Flaw::None);
    eprintln!("{} states, {} changes: {bounds:?}", explored.states.len(), explored.changes);
    assert_eq!(explored.broken, None);
    let stuck = explored.stuck().map(|at| explored.way_to(at));
    assert_eq!(stuck, None, "the fleet cannot come to serve any more");
    explored.states.len()
}

#[test]
fn two_proxies_that_an_operator_moves_to_and_fro_never_serve_two_backends_and_can_always_serve_again() {
    assert!(explored(Bounds { moves: 2, ..FENCING }) > 10_000);
}

#[test]
fn leases_that_are_counted_by_a_clock_keep_two_backends_apart() {
    assert!(explored(Bounds { ticks: true, ..FENCING }) > 10_000);
}

#[test]
fn a_process_that_ends_at_any_moment_and_begins_anew_also_with_an_empty_disk_serves_no_second_backend() {
    assert!(explored(Bounds { crashes: true, faults: 1, ..FENCING }) > 10_000);
}

#[test]
#[ignore = "takes four seconds: .ci/run explores it"]
fn proxies_leave_only_what_all_who_have_a_voice_find_down_and_undo_no_operators_step() {
    assert!(explored(VOTES) > 10_000);
}

#[test]
#[ignore = "a quarter of a million states take ten seconds: .ci/run explores them"]
fn three_proxies_never_serve_two_backends_and_can_always_serve_again() {
    assert!(explored(Bounds { proxies: 3, ..FENCING }) > 100_000);
}

#[test]
fn each_rule_that_is_broken_is_found_out() {
    let two_answer = "two backends answer";
    let flaws = [
        (Flaw::NoFence, FENCING, two_answer),
        (Flaw::NoWaiting, FENCING, two_answer),
        (Flaw::StandsAtOnce, FENCING, two_answer),
        (Flaw::LeaseFromTheAnswer, Bounds { ticks: true, ..FENCING }, two_answer),
        (Flaw::StepsUnconditionally, VOTES, "an epoch does not follow the one before"),
    ];
    for (flaw, bounds, expected) in flaws {
        let Explored { broken, states, .. } = explore(bounds, flaw);
        let found = broken.as_deref().and_then(|broken| broken.lines().next()).map(|why| why.trim_end_matches(':'));
        assert_eq!(found, Some(expected), "{flaw:?}, {} states", states.len());
    }
}
