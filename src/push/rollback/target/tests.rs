#![allow(clippy::unwrap_used)]

use super::*;
use crate::push::ledger::Event;
use crate::push::ledger::Record;
use crate::push::ledger::tests::record;

fn entry(at: u64, push: &str, before: &str, system: &str, outcome: Outcome) -> Entry {
    let kind = if push.starts_with('r') { Kind::Rollback } else { Kind::Push };
    let record = Record { kind, ..record(push) };
    let (before, system, words) = (before.into(), system.into(), String::new());
    Entry {
        at,
        from: "admin-nl".to_owned(),
        signed_by: None,
        event: Event::Activation { record, before, system, outcome, words },
    }
}

fn ledger() -> Vec<Entry> {
    vec![
        entry(10, "p1", "a", "b", Outcome::Confirmed),
        entry(20, "p2", "b", "x", Outcome::Reverted),
        entry(30, "p3", "b", "c", Outcome::Confirmed),
    ]
}

fn to(goal: Goal, current: &str) -> Result<Option<PathBuf>, Error> {
    target(&ledger(), Path::new(current), &goal)
}

fn before(push: &str) -> Goal {
    Goal::Before(push.to_owned())
}

#[test]
fn the_last_push_is_taken_back_where_it_is_in_force_and_other_hosts_stay() {
    let other = [entry(5, "p0", "q", "r", Outcome::Confirmed)];
    let own = ledger();
    let last = last_in_force([(Path::new("r"), &other[..]), (Path::new("c"), &own[..])]);
    assert_eq!(last.as_deref(), Some("p3"));
    assert_eq!(to(before("p3"), "c"), Ok(Some(PathBuf::from("b"))));
    assert_eq!(target(&other, Path::new("r"), &before("p3")), Ok(None));
}

#[test]
fn who_rolls_back_twice_goes_back_two_pushes() {
    let mut rolled_back = ledger();
    rolled_back.push(entry(40, "r4", "c", "b", Outcome::Confirmed));
    let now = Path::new("b");
    assert_eq!(last_in_force([(now, &rolled_back[..])]).as_deref(), Some("p1"));
    assert_eq!(target(&rolled_back, now, &before("p1")), Ok(Some(PathBuf::from("a"))));
    rolled_back.push(entry(50, "r5", "b", "a", Outcome::Confirmed));
    assert_eq!(last_in_force([(Path::new("a"), &rolled_back[..])]), None);
}

#[test]
fn a_host_that_was_switched_by_hand_is_not_guessed_at() {
    let why = to(before("p3"), "z").unwrap_err().to_string();
    assert!(why.contains("runs z") && why.contains("--to"), "{why}");
    assert_eq!(last_in_force([(Path::new("z"), &ledger()[..])]), None);
}

#[test]
fn to_a_push_it_is_what_ran_when_that_was_over_whether_or_not_the_host_was_part_of_it() {
    let after = |push: &str| to(Goal::After(push.to_owned()), "c");
    assert_eq!(after("p1"), Ok(Some(PathBuf::from("b"))));
    assert_eq!(after("p2"), Ok(Some(PathBuf::from("b"))));
    assert_eq!(after("p0"), Ok(Some(PathBuf::from("a"))));
    assert_eq!(after("p3"), Ok(None));
    assert!(has(&ledger(), "p3") && !has(&ledger(), "p2"));
}
