//! Reloads in place.

use polder::api::client::ClientError;
use polder::zone::number::rtype;
use serde_json::json;

use crate::fleet::*;
use crate::ports::free_address;

#[test]
fn a_reload_serves_the_new_zone_and_keeps_the_process_and_its_health() {
    let daemon = Daemon::start(&Members::start(2));
    let before = daemon.status();
    daemon.write_zone(2, "new A 192.0.2.77");
    let done = daemon.reload().unwrap();
    assert_eq!(daemon.addresses("new.example.net"), ["192.0.2.77"]);
    let after = daemon.status();
    assert_eq!((after.daemon.pid, after.zones[0].serial), (before.daemon.pid, 2));
    assert!(done.generation > before.daemon.generation);
    assert_eq!(after.pools[0].members[0].addresses[0].check_since, before.pools[0].members[0].addresses[0].check_since);
    assert!(after.daemon.last_reload.unwrap().contains("reloaded"));
}

#[test]
fn a_bad_zone_and_a_bad_document_change_nothing_and_every_finding_is_reported() {
    let daemon = Daemon::start(&Members::start(1));
    daemon.write_zone(2, "www A 192.0.2.300\nhttp0.l A 192.0.2.1\nother BOGUS x");
    match daemon.reload() {
        Err(ClientError::Refused { status: 422, message }) => {
            assert!(!message.is_empty());
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(daemon.addresses("www.example.net"), ["127.0.0.1"]);
    let status = daemon.status();
    assert_eq!(status.zones[0].serial, 1);
    assert!(status.daemon.last_reload.unwrap().contains("refused"));
    std::fs::write(daemon.config(), "{ \"version\": 1, \"zones\": 5 }").unwrap();
    assert!(matches!(daemon.reload(), Err(ClientError::Refused { status: 422, .. })));
    assert_eq!(daemon.addresses("www.example.net"), ["127.0.0.1"]);
}

#[test]
fn addresses_in_the_file_at_a_pools_name_are_a_finding_with_their_line() {
    let daemon = Daemon::start(&Members::start(1));
    daemon.write_zone(2, "http0.l A 192.0.2.1");
    let output = daemon.output(&["--check-config"]);
    assert_eq!(output.status.code(), Some(1));
    let printed = text(&output.stderr);
    assert!(printed.contains("example.net.zone:6: an A record cannot stand at http0.l.example.net"), "{printed}");
}

#[test]
fn an_https_record_in_the_file_is_a_finding_where_the_pool_has_one() {
    let mut daemon = Daemon::start(&Members::start(1));
    daemon.write_zone(2, "http0.l HTTPS 1 . alpn=h3");
    assert_eq!(daemon.output(&["--check-config"]).status.code(), Some(0));
    daemon.document["pools"][POOL]["https"] = json!({});
    daemon.write_document();
    let output = daemon.output(&["--check-config"]);
    let printed = text(&output.stderr);
    let expected = "example.net.zone:6: an HTTPS record cannot stand at http0.l.example.net: it comes from pool";
    assert_eq!((output.status.code(), printed.contains(expected)), (Some(1), true), "{printed}");
}

/// The HTTPS record at the pool's name, as text.
fn https_record(daemon: &Daemon) -> Option<String> {
    let message = udp(([127, 0, 0, 1], daemon.port).into(), &query(POOL, rtype::HTTPS));
    message.answers.first().map(|record| record.data.to_string())
}

#[test]
fn the_https_record_of_a_pool_comes_with_a_reload_and_follows_its_members() {
    let members = Members::start(2);
    let mut daemon = Daemon::start(&members);
    daemon.wait_answer(POOL, &["127.0.0.1", "127.0.0.2"]);
    assert_eq!(https_record(&daemon), None);
    daemon.document["pools"][POOL]["https"] = json!({});
    daemon.document["pools"][POOL]["members"]["m2"]["alpn"] = json!([]);
    daemon.document["pools"][POOL]["when_all_down"] = json!("empty");
    daemon.document["pools"][POOL]["keep_answer"] = json!("0s");
    daemon.write_document();
    daemon.reload().unwrap();
    let wait = |expected: Option<&str>| {
        wait_for("the record", || (https_record(&daemon).as_deref() == expected).then_some(()));
    };
    wait(Some("1 . ipv4hint=127.0.0.1,127.0.0.2,"));
    members.set(1, false);
    wait(Some("1 . alpn=h2, ipv4hint=127.0.0.1,"));
    members.set(0, false);
    wait(None);
    members.set(1, true);
    wait(Some("1 . ipv4hint=127.0.0.2,"));
}

#[test]
fn sighup_reloads() {
    let daemon = Daemon::start(&Members::start(1));
    daemon.write_zone(9, "www CNAME http0.l");
    daemon.signal(nix::sys::signal::Signal::SIGHUP);
    wait_for("the new serial", || (daemon.status().zones[0].serial == 9).then_some(()));
}

#[test]
fn a_sighup_during_a_reload_is_followed_by_another_reload() {
    let members = Members::start(1);
    let mut daemon = Daemon::start(&members);
    let silent = add_silent_pool(&mut daemon);
    daemon.signal(nix::sys::signal::Signal::SIGHUP);
    wait_for("the first probe of the new member", || silent.accept().ok().map(|_| ()));
    daemon.write_zone(9, "www CNAME http0.l");
    daemon.signal(nix::sys::signal::Signal::SIGHUP);
    wait_for("the new serial", || (daemon.status().zones[0].serial == 9).then_some(()));
}

/// A pool whose member never answers a probe: a reload that adds it waits. Gives the member.
fn add_silent_pool(daemon: &mut Daemon) -> std::net::TcpListener {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    daemon.document["pools"]["silent.example.net"] = daemon.document["pools"][POOL].clone();
    daemon.document["pools"]["silent.example.net"]["check"]["port"] = silent.local_addr().unwrap().port().into();
    daemon.write_document();
    silent
}

#[test]
fn a_reload_that_is_asked_for_during_another_is_done_after_it_and_has_its_own_verdict() {
    let mut daemon = Daemon::start(&Members::start(1));
    let silent = add_silent_pool(&mut daemon);
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| daemon.reload());
        wait_for("the first probe of the new member", || silent.accept().ok().map(|_| ()));
        daemon.write_zone(9, "www A 192.0.2.300");
        let second = scope.spawn(|| daemon.reload());
        (first.join().unwrap(), second.join().unwrap())
    });
    assert!(first.unwrap().done.contains("reloaded"));
    match second {
        Err(ClientError::Refused { status: 422, message }) => assert!(message.contains("not valid"), "{message}"),
        other => panic!("the broken zone is the second one's: {other:?}"),
    }
    assert_eq!(daemon.status().pools.len(), 2, "what the first one read is in force");
}

#[test]
fn a_reload_that_is_asked_for_during_a_takeover_is_done_by_the_process_that_has_taken_over() {
    let mut daemon = Daemon::start(&Members::start(1));
    let silent = add_silent_pool(&mut daemon);
    let next = daemon.spawn(&["--takeover"]);
    let id = next.id();
    wait_for("a probe by the new process, which has read its document", || silent.accept().ok().map(|_| ()));
    daemon.write_zone(9, "www CNAME http0.l");
    let done = daemon.reload().unwrap();
    assert!(done.done.contains("reloaded"), "{}", done.done);
    let status = daemon.status();
    assert_eq!((status.daemon.pid, status.zones[0].serial), (id, 9));
    let mut old = daemon.process.replace(next).unwrap();
    assert!(wait_exit(&mut old, &daemon).success());
}

#[test]
fn a_reload_adds_and_removes_listeners() {
    let members = Members::start(1);
    let mut daemon = Daemon::start(&members);
    let (old, new) = (daemon.port, free_address().port());
    daemon.document["listeners"] = json!([format!("127.0.0.1:{old}"), format!("127.0.0.1:{new}")]);
    daemon.write_document();
    daemon.reload().unwrap();
    daemon.port = new;
    assert_eq!(daemon.addresses(POOL), ["127.0.0.1"]);
    daemon.document["listeners"] = json!([format!("127.0.0.1:{new}")]);
    daemon.write_document();
    daemon.reload().unwrap();
    assert_eq!(daemon.addresses(POOL), ["127.0.0.1"]);
    wait_for("the old port to be free", || std::net::UdpSocket::bind(("127.0.0.1", old)).ok());
}

#[test]
fn a_member_added_by_a_reload_is_checked_before_it_is_answered() {
    let members = Members::start(2);
    members.set(1, false);
    let mut daemon = Daemon::prepare(&members);
    let both = daemon.document["pools"][POOL]["members"].clone();
    daemon.document["pools"][POOL]["members"].as_object_mut().unwrap().remove("m2");
    daemon.write_document();
    daemon.run();
    daemon.document["pools"][POOL]["members"] = both;
    daemon.write_document();
    daemon.reload().unwrap();
    assert_eq!(daemon.addresses(POOL), ["127.0.0.1"]);
    members.set(1, true);
    daemon.wait_answer(POOL, &["127.0.0.1", "127.0.0.2"]);
}

#[test]
fn a_document_that_this_process_cannot_take_up_is_taken_up_by_a_successor() {
    let members = Members::start(1);
    let mut daemon = Daemon::start(&members);
    let state = daemon.folder.path().join("other-state");
    std::fs::create_dir(&state).unwrap();
    daemon.document["state_dir"] = json!(state);
    daemon.write_document();
    let before = daemon.status().daemon.pid;
    let done = daemon.reload().unwrap();
    assert!(done.done.contains("handed over"), "{}", done.done);
    assert!(daemon.wait_exit().success());
    let after = wait_for("the successor", || Some(daemon.status()).filter(|status| status.daemon.pid != before));
    wait_for("health in the new state directory", || exists(&state.join("health.json")));
    let pid = nix::unistd::Pid::from_raw(after.daemon.pid as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    wait_for("the end of the successor", || daemon.get("/status").is_err().then_some(()));
}
