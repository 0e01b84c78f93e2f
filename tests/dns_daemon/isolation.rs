//! A nameserver that alone cannot reach what its peer reaches.

use crate::fleet::{Daemon, Members, POOL, block_on, peers, wait_for};

/// Two nameservers that find every member up and have heard each other.
fn started(members: [&Members; 2]) -> (Daemon, Daemon) {
    let (mut one, mut two) = peers(members);
    one.run();
    two.run();
    for daemon in [&one, &two] {
        wait_for("the peer", || daemon.status().daemon.peers[0].heard);
    }
    (one, two)
}

fn set_all(members: &Members, well: bool) {
    (0..3).for_each(|member| members.set(member, well));
}

fn value(daemon: &Daemon, sample: &str) -> bool {
    block_on(daemon.client().get_text("/metrics")).unwrap().lines().any(|line| line == sample)
}

#[test]
fn a_nameserver_that_alone_finds_every_member_down_goes_by_its_peer_and_says_so() {
    let (ours, theirs) = (Members::start(3), Members::start(3));
    let (one, two) = started([&ours, &theirs]);
    theirs.set(1, false);
    wait_for("the peer's verdict", || (two.addresses(POOL) == ["127.0.0.1", "127.0.0.3"]).then_some(()));
    set_all(&ours, false);
    one.wait_answer(POOL, &["127.0.0.1", "127.0.0.3"]);
    let isolated = wait_for("isolation", || one.status().pools[0].isolated.clone());
    assert_eq!(isolated, "m1, m2 and m3 (status 503, expected 200-399), which two reaches");
    let status = one.status();
    assert!(status.daemon.alarms.iter().any(|alarm| alarm.contains(&isolated)), "{:?}", status.daemon.alarms);
    assert_eq!(status.pools[0].all_down, None);
    let pool = format!("daemon=\"nameserver\",pool=\"{POOL}\"");
    assert!(value(&one, &format!("polder_pool_isolated{{{pool}}} 1")));
    assert!(value(&one, &format!("polder_pool_decided_by{{{pool},family=\"a\",reason=\"peers\"}} 1")));
    let events = one.get("/events").unwrap().to_string();
    assert!(events.contains("this nameserver is isolated from m1, m2 and m3"), "{events}");

    set_all(&ours, true);
    wait_for("the end of isolation", || one.status().pools[0].isolated.is_none().then_some(()));
    one.wait_answer(POOL, &["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
}

#[test]
fn a_nameserver_without_peers_keeps_its_last_answer_over_a_takeover_and_then_answers_by_its_document() {
    let members = Members::start(3);
    let mut daemon = Daemon::prepare(&members);
    daemon.document["pools"][POOL]["when_all_down"] = "empty".into();
    daemon.write_document();
    daemon.run();
    members.set(1, false);
    members.set(2, false);
    daemon.wait_answer(POOL, &["127.0.0.1"]);
    members.set(0, false);
    let until = wait_for("the kept answer", || daemon.status().pools[0].kept_until);
    assert_eq!(daemon.addresses(POOL), ["127.0.0.1"]);

    let mut next = daemon.spawn(&["--takeover"]);
    daemon.wait_exit();
    daemon.wait_ready(next.id());
    assert_eq!(daemon.status().pools[0].kept_until, Some(until), "it ends when it would have");
    assert_eq!(daemon.addresses(POOL), ["127.0.0.1"]);

    daemon.document["pools"][POOL]["keep_answer"] = "0s".into();
    daemon.write_document();
    daemon.reload().unwrap();
    assert_eq!(daemon.addresses(POOL), [""; 0], "nothing is kept, and when_all_down is empty");
    next.kill().unwrap();
    next.wait().unwrap();
}
