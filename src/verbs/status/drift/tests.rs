#![allow(clippy::unwrap_used)]

use super::*;
use crate::push::ledger::Kind;
use crate::push::ledger::{Entry, Event};
use crate::push::supervisor::activation::{Activation, Phase};

fn record(push: &str) -> Record {
    Record {
        push: push.to_owned(),
        kind: Kind::Push,
        who: "alice@admin-nl".to_owned(),
        revision: Some("r41".to_owned()),
        local_changes: Vec::new(),
        deferred: false,
        plan: "plan".to_owned(),
        skipped: Vec::new(),
    }
}

fn report(system: &str, profile: &str) -> Report {
    Report {
        protocol: 1,
        version: "0.1.0".to_owned(),
        host: "px-nl".to_owned(),
        system: system.into(),
        profile: profile.into(),
        booted: profile.into(),
        boot: "1".to_owned(),
        free: 0,
        lock: None,
        activation: None,
        last: None,
        failed_units: Vec::new(),
        clock_ms: 0,
    }
}

fn ledger(outcome: Outcome) -> Vec<Entry> {
    let event = Event::Activation {
        record: record("p1"),
        before: "/old".into(),
        system: "/new".into(),
        outcome,
        words: "www answers 503".to_owned(),
    };
    let broken = Event::LockBroken { who: "b".into(), why: "w".into(), holder: "h".into(), reason: "r".into() };
    [event, broken].map(|event| Entry { at: 1, from: "admin-nl".to_owned(), signed_by: None, event }).to_vec()
}

fn judged(runs: &str, profile: &str, outcome: Outcome, push: Option<LastPush<'_>>) -> Drift {
    judge(&report(runs, profile), ledger(outcome).iter().rev().find_map(Entry::activation), push)
}

#[test]
fn what_was_confirmed_and_runs_is_as_pushed() {
    assert_eq!(judged("/new", "/new", Outcome::Confirmed, None), Drift::AsPushed);
    assert_eq!(judged("/old", "/old", Outcome::Confirmed, None), Drift::ChangedByHand);
    assert_eq!(judge(&report("/a", "/a"), None, None), Drift::NeverPushed);
}

#[test]
fn a_system_that_a_reboot_would_change_is_told_before_anything_else() {
    assert_eq!(judged("/new", "/old", Outcome::Confirmed, None), Drift::ProfileDiffers);
    assert_eq!(judge(&report("/a", "/b"), None, None), Drift::ProfileDiffers);
}

#[test]
fn a_host_that_went_back_says_why_until_that_is_what_is_wanted() {
    assert_eq!(judged("/old", "/old", Outcome::Reverted, None), Drift::Reverted("www answers 503".to_owned()));
    assert_eq!(judged("/other", "/other", Outcome::Reverted, None), Drift::ChangedByHand);
    let wanted = LastPush { push: "p2", left_out: false, wanted: Some(Path::new("/old")) };
    assert_eq!(judged("/old", "/old", Outcome::Reverted, Some(wanted)), Drift::AsPushed);
}

#[test]
fn a_host_that_the_last_push_left_out_or_did_not_get_to_says_so() {
    let push = LastPush { push: "p2", left_out: true, wanted: Some(Path::new("/newer")) };
    assert_eq!(judged("/new", "/new", Outcome::Confirmed, Some(push)), Drift::LeftOut("p2".to_owned()));
    let push = LastPush { left_out: false, ..push };
    assert_eq!(judged("/new", "/new", Outcome::Confirmed, Some(push)), Drift::Behind("p2".to_owned()));
}

#[test]
fn a_push_under_way_is_told_and_is_no_reason_to_worry() {
    let activation = Activation {
        record: record("p2"),
        from: "admin-nl".to_owned(),
        signed_by: None,
        before: "/old".into(),
        system: "/new".into(),
        boot: "1".to_owned(),
        confirm_within: 60,
        reboot: false,
        why: String::new(),
        phase: Phase::Trial,
    };
    let drift = judge(&Report { activation: Some(activation), ..report("/new", "/old") }, None, None);
    assert_eq!(drift.in_words(), "push p2 by alice@admin-nl: on trial, waiting for its confirmation");
    assert!(drift.is_well());
    assert!(!judged("/new", "/new", Outcome::Stuck, None).is_well());
}
