use std::time::Duration;

use super::{Phase, Turn};

const LATER: Duration = Duration::from_secs(7);

const ALL: [Phase; 7] = [
    Phase::Starting,
    Phase::Serving,
    Phase::Reloading,
    Phase::Offering,
    Phase::HandingOver,
    Phase::HandedOver { until: LATER },
    Phase::Stopping { until: LATER },
];

#[test]
fn only_a_daemon_that_serves_and_does_nothing_else_reloads_or_is_taken_over() {
    for phase in ALL {
        let idle = phase == Phase::Serving;
        assert_eq!(phase.turn() == Turn::Now, idle, "{phase:?}");
        assert_eq!(phase.refuses_takeover().is_none(), idle, "{phase:?}");
    }
}

#[test]
fn a_reload_that_is_asked_for_is_forgotten_only_by_a_daemon_that_ends() {
    let turns = ALL.map(Phase::turn);
    assert_eq!(turns, [Turn::Later, Turn::Now, Turn::Later, Turn::Later, Turn::Later, Turn::Successor, Turn::Never]);
}

#[test]
fn commands_are_taken_until_another_process_may_be_the_daemon() {
    for phase in ALL {
        let another = matches!(phase, Phase::HandingOver | Phase::HandedOver { .. });
        assert_eq!(phase.refuses_commands().is_some(), another, "{phase:?}");
        assert_eq!(phase.is_daemon(), !another, "{phase:?}");
    }
}

#[test]
fn a_second_stop_ends_the_drain_and_changes_no_other_phase() {
    for phase in ALL {
        let cut = phase.cut(Duration::from_secs(1));
        match phase.drains_until() {
            Some(_) => assert_eq!(cut.drains_until(), Some(Duration::from_secs(1))),
            None => assert_eq!(cut, phase),
        }
    }
}
