//! The operator's commands.

use polder::api::client::ClientError;
use polder::api::events::{Events, Query};
use polder::api::operator::OperatorState;
use polder::log_line::Kind;
use polder::unix_time::unix_ms;
use serde_json::json;

use crate::fleet::*;

#[test]
fn a_drained_member_leaves_the_answer_at_once_and_the_reply_says_until_when_it_is_cached() {
    let daemon = Daemon::start(&Members::start(2));
    let before = unix_ms();
    let done = daemon.say("m1", "drain", false).unwrap();
    assert_eq!(daemon.addresses("www.example.net"), ["127.0.0.2"]);
    let cached_until = done.cached_until.unwrap();
    assert!((before + 5000..=unix_ms() + 5000).contains(&cached_until), "{cached_until}");
    assert_eq!(done.generation, daemon.status().daemon.generation);
    daemon.say("m1", "ready", false).unwrap();
    assert_eq!(daemon.addresses("www.example.net"), ["127.0.0.1", "127.0.0.2"]);
}

#[test]
fn the_last_usable_member_is_drained_only_by_force_and_then_never_resurrected() {
    let members = Members::start(2);
    let daemon = Daemon::start(&members);
    members.set(1, false);
    daemon.wait_answer(POOL, &["127.0.0.1"]);
    match daemon.say("m1", "maint", false) {
        Err(ClientError::Refused { status: 409, message }) => assert!(message.contains("force"), "{message}"),
        other => panic!("{other:?}"),
    }
    daemon.say("m1", "maint", true).unwrap();
    assert_eq!(daemon.addresses(POOL), ["127.0.0.2"], "all are down: every member but the one in maint");
    daemon.say("m2", "drain", true).unwrap();
    assert_eq!(daemon.addresses(POOL), [""; 0]);
    let told = daemon.get(&format!("/explain?name={POOL}")).unwrap()["because"].to_string();
    for words in [
        "no member is both up and ready (m2 down and in drain; m1 up and in maint), and when_all_down: all finds no address to \
         answer, since an operator's drain and maint count for it too",
        "m1 127.0.0.1: up since ",
        "in maint since ",
    ] {
        assert!(told.contains(words), "{words} in {told}");
    }
}

#[test]
fn unknown_pools_and_members_are_404() {
    let daemon = Daemon::start(&Members::start(1));
    for subject in ["http0.l.example.net/m9", "nope.example.net/m1", "m1"] {
        let command = json!({ "subject": subject, "state": "drain", "who": "a test" });
        let refused = daemon.post("/operator", &command);
        assert!(matches!(refused, Err(ClientError::Refused { status: 404, .. })), "{subject}: {refused:?}");
    }
}

#[test]
fn a_state_with_an_end_ends() {
    let daemon = Daemon::start(&Members::start(2));
    let command = json!({ "subject": format!("{POOL}/m1"), "state": "drain", "who": "a test", "for_ms": 700 });
    daemon.post("/operator", &command).unwrap();
    assert_eq!(daemon.addresses(POOL), ["127.0.0.2"]);
    daemon.wait_answer(POOL, &["127.0.0.1", "127.0.0.2"]);
}

#[test]
fn words_outlive_kill_9() {
    let mut daemon = Daemon::start(&Members::start(2));
    daemon.say("m1", "drain", false).unwrap();
    daemon.signal(nix::sys::signal::Signal::SIGKILL);
    daemon.wait_exit();
    daemon.run();
    assert_eq!(daemon.addresses(POOL), ["127.0.0.2"]);
    let member = &daemon.status().pools[0].members[0];
    assert_eq!(member.operator, OperatorState::Drain);
    assert_eq!(member.note.as_ref().unwrap().who, "a test");
}

#[test]
fn what_happened_before_kill_9_is_told_after_it() {
    let mut daemon = Daemon::start(&Members::start(2));
    let before = unix_ms();
    daemon.say("m1", "drain", false).unwrap();
    let drained =
        Query { since: Some(before), kind: Some(Kind::Operator), about: Some("m1".into()), ..Query::default() };
    let told = |daemon: &Daemon| -> Vec<String> {
        let events: Events = serde_json::from_value(daemon.get(&drained.target()).unwrap()).unwrap();
        events.events.into_iter().map(|event| event.words).collect()
    };
    let expected = format!("{POOL}/m1 is set to drain by a test");
    assert_eq!(told(&daemon), [&*expected]);
    // Events are written beside everything else.
    let file = daemon.config().with_file_name("state").join("events.jsonl");
    let is_written = || std::fs::read_to_string(&file).is_ok_and(|text| text.contains(&expected)).then_some(());
    wait_for("the event on disk", is_written);

    daemon.signal(nix::sys::signal::Signal::SIGKILL);
    daemon.wait_exit();
    daemon.run();

    assert_eq!(told(&daemon), [&*expected]);
}

#[test]
fn a_state_directory_that_cannot_be_written_is_an_alarm_and_the_state_counts() {
    let members = Members::start(2);
    let mut daemon = Daemon::prepare(&members);
    let state = daemon.folder.path().join("state");
    std::fs::remove_dir(&state).unwrap();
    daemon.document["state_dir"] = json!(daemon.config());
    daemon.write_document();
    daemon.process = Some(daemon.spawn(&[]));
    daemon.wait_ready(daemon.process.as_ref().unwrap().id());
    match daemon.say("m1", "drain", false) {
        Err(ClientError::Refused { status: 507, message }) => assert!(message.contains("not on disk"), "{message}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(daemon.addresses(POOL), ["127.0.0.2"]);
    let alarms = daemon.status().daemon.alarms;
    assert!(alarms.iter().any(|alarm| alarm.contains("cannot be written")), "{alarms:?}");
}

#[test]
fn operator_states_that_cannot_be_read_are_an_alarm() {
    let members = Members::start(2);
    let mut daemon = Daemon::prepare(&members);
    std::fs::write(daemon.folder.path().join("state/operator.json"), "half a fi").unwrap();
    daemon.run();
    let alarms = daemon.status().daemon.alarms;
    assert!(alarms.iter().any(|alarm| alarm.contains("operator.json")), "{alarms:?}");
    assert!(daemon.log().contains("operator.json"));
}

#[test]
fn a_state_learned_from_a_peer_at_the_start_is_kept() {
    let (mut one, mut two) = peers([&Members::start(2); 2]);
    one.run();
    one.say("m1", "drain", true).unwrap();
    two.run();
    wait_for("the word on disk", || exists(&two.folder.path().join("state/operator.json")));
    for daemon in [&mut one, &mut two] {
        daemon.signal(nix::sys::signal::Signal::SIGKILL);
        daemon.wait_exit();
    }
    two.run();
    assert_eq!(two.addresses(POOL), ["127.0.0.2"]);
}

#[test]
fn peers_exchange_operator_states() {
    let (mut one, mut two) = peers([&Members::start(2); 2]);
    one.run();
    one.say("m1", "drain", true).unwrap();
    two.run();
    assert_eq!(two.addresses(POOL), ["127.0.0.2"], "known before ready");
    two.say("m1", "ready", false).unwrap();
    one.wait_answer(POOL, &["127.0.0.1", "127.0.0.2"]);
}

#[test]
fn of_two_operators_who_drain_the_last_two_members_at_two_nameservers_at_once_one_loses() {
    let (mut one, mut two) = peers([&Members::start(2); 2]);
    one.run();
    two.run();
    for daemon in [&one, &two] {
        wait_for("the peer", || daemon.status().daemon.peers[0].heard.map(|_| ()));
    }
    for round in 0..5 {
        let drained = std::thread::scope(|scope| {
            let first = scope.spawn(|| one.say("m1", "drain", false));
            let second = scope.spawn(|| two.say("m2", "drain", false));
            [first.join().unwrap(), second.join().unwrap()]
        });
        let refused =
            drained.iter().filter(|done| matches!(done, Err(ClientError::Refused { status: 409, .. }))).count();
        assert!(refused >= 1, "round {round}: {drained:?}");
        for daemon in [&one, &two] {
            assert!(!daemon.addresses(POOL).is_empty(), "round {round}: {drained:?}");
        }
        for member in ["m1", "m2"] {
            one.say(member, "ready", false).unwrap();
        }
        for daemon in [&one, &two] {
            daemon.wait_answer(POOL, &["127.0.0.1", "127.0.0.2"]);
        }
    }
}

#[test]
fn with_a_silent_peer_one_of_the_last_two_members_is_drained_only_by_force() {
    let (mut one, _never_started) = peers([&Members::start(2); 2]);
    one.run();
    match one.say("m1", "drain", false) {
        Err(ClientError::Refused { status: 409, message }) => {
            assert!(message.contains("two did not answer") && message.contains("force"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(one.addresses(POOL), ["127.0.0.1", "127.0.0.2"]);
    one.say("m1", "drain", true).unwrap();
    assert_eq!(one.addresses(POOL), ["127.0.0.2"]);
}

#[test]
fn a_command_that_waits_for_the_peers_does_not_undo_a_later_one() {
    let (mut one, _never_started) = peers([&Members::start(3); 2]);
    one.run();
    let refused = std::thread::scope(|scope| {
        let (sender, ended) = std::sync::mpsc::channel();
        for state in ["drain", "maint"] {
            let (sender, one) = (sender.clone(), &one);
            scope.spawn(move || sender.send(one.say("m1", state, false)));
        }
        // One of the two is refused at once: the other one waits for the peer.
        let first = ended.recv().unwrap();
        one.say("m1", "ready", false).unwrap();
        [first, ended.recv().unwrap()]
    });
    for (refused, why) in refused.into_iter().zip(["already", "meanwhile"]) {
        match refused {
            Err(ClientError::Refused { status: 409, message }) => assert!(message.contains(why), "{message}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(one.addresses(POOL).len(), 3);
}
