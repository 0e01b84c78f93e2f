//! A disk without room for state: real writes that fail in the running daemon.

use polder::demo::documents::POOL;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;

use crate::site::{Daemon, Site, assert_says, eventually, run_together};

/// No write of this daemon to a file can succeed any more; or it can again.
fn fill_disk(daemon: &Daemon<'_>, full: bool) {
    let process = &daemon.process.as_ref().unwrap().child;
    let room = Rlimit { current: full.then_some(0), maximum: None };
    prlimit(Some(Pid::from_child(process)), Resource::Fsize, room).unwrap();
}

#[test]
fn a_failover_takes_effect_on_a_full_disk_and_is_stored_once_there_is_room() {
    let site = Site::new();
    let mut proxy = site.proxy(0, &[]);
    proxy.run();
    proxy.wait_latch("the first latch, stored", |latch| latch["stored"] == true);
    assert_eq!(proxy.metric("state_unwritten", &[]), 0);
    fill_disk(&proxy, true);
    site.shop[0].set_well(false);

    let latch = proxy.wait_latch("the failover", |latch| latch["active"] == "shop2");
    assert_eq!(latch["stored"], false, "{latch}");
    assert_eq!(proxy.visit_shop(), (200, "shop2".to_owned()));
    proxy.wait_alarm("a latch is not on disk: ");
    assert_says(
        &proxy.alarms(),
        &["latches.", "File too large", "it is in force in memory, and the write is tried again every 2 s"],
    );
    assert_eq!(proxy.metric("state_unwritten", &[]), 1);
    proxy.wait_said(&["shop: shop1 -> shop2"]);
    proxy.assert_serves();

    fill_disk(&proxy, false);
    proxy.wait_latch("the failover, stored", |latch| latch["stored"] == true);
    proxy.wait_no_alarms("not on disk");
    assert_eq!(proxy.metric("state_unwritten", &[]), 0);
    site.shop[0].set_well(true);
    proxy.kill();
    proxy.run();
    assert_eq!(proxy.latch()["active"], "shop2", "it survived the crash");
    assert_eq!(proxy.visit_shop(), (200, "shop2".to_owned()));
}

#[test]
fn a_takeover_on_a_full_disk_loses_neither_the_failover_nor_the_operators_word() {
    let site = Site::new();
    let mut proxy = site.proxy(0, &[]);
    proxy.run();
    proxy.wait_latch("the first latch, stored", |latch| latch["stored"] == true);
    fill_disk(&proxy, true);
    site.shop[0].set_well(false);
    proxy.wait_latch("the failover", |latch| latch["active"] == "shop2");
    let command = json!({ "subject": "shop/shop1", "state": "maint", "who": "a test" });
    assert_says(&proxy.post("/operator", &command).unwrap_err(), &["not on disk"]);
    proxy.wait_alarm("an operator state is not on disk: ");
    site.shop[0].set_well(true);

    let next = proxy.spawn(&["--takeover"]);
    let old = proxy.process.take();
    proxy.become_daemon(next);
    drop(old);
    assert_eq!(proxy.latch()["active"], "shop2");
    assert!(proxy.status().to_string().contains("\"operator\":\"maint\""), "{:#}", proxy.status());
    proxy.wait_latch("the failover, stored", |latch| latch["stored"] == true);
    eventually("the word on disk", || proxy.alarms(), || proxy.state_file("operator.json").exists().then_some(()));
    assert_eq!(proxy.visit_shop(), (200, "shop2".to_owned()));
}

#[test]
fn a_failover_that_a_full_disk_did_not_store_is_learnt_again_from_a_peer_after_a_crash() {
    let site = Site::new();
    let mut first = site.proxy(0, &[0, 1]);
    let mut second = site.proxy(1, &[0, 1]);
    run_together(&mut [&mut first, &mut second]);
    first.wait_latch("the first latch, stored", |latch| latch["stored"] == true);
    fill_disk(&first, true);
    site.shop[0].set_well(false);
    for proxy in [&first, &second] {
        proxy.wait_latch("the failover", |latch| latch["active"] == "shop2");
    }
    assert_eq!(first.latch()["stored"], false);
    site.shop[0].set_well(true);
    first.kill();
    // Its disk says shop1, and shop1 is well again.
    first.run();
    assert_eq!(first.latch()["active"], "shop2", "what it says when it is ready is what its peer knew");
    assert_eq!(first.visit_shop(), (200, "shop2".to_owned()));
    first.wait_latch("the failover, stored", |latch| latch["active"] == "shop2" && latch["stored"] == true);
}

#[test]
fn a_word_of_the_operator_counts_on_a_full_disk_and_is_stored_once_there_is_room() {
    let site = Site::new();
    let mut members = [site.proxy(1, &[]), site.proxy(2, &[])];
    members.iter_mut().for_each(Daemon::run);
    let cases = [(site.proxy(0, &[]), "shop/shop2".to_owned()), (site.nameserver(), format!("{POOL}/px-2"))];
    for (mut daemon, subject) in cases {
        daemon.run();
        fill_disk(&daemon, true);
        let command = json!({ "subject": subject, "state": "maint", "who": "a test" });
        let answer = daemon.post("/operator", &command).unwrap_err();
        assert_says(&answer, &["it is in force, but not on disk", "File too large", "tried again"]);
        daemon.wait_alarm("operator");
        assert_says(&daemon.alarms(), &["operator.json", "File too large", "tried again"]);
        assert_eq!(daemon.metric("state_unwritten", &[]), 1);
        assert!(daemon.status().to_string().contains("\"operator\":\"maint\""));
        daemon.assert_serves();
        assert!(!daemon.state_file("operator.json.new").exists(), "what is half-written takes no room");

        fill_disk(&daemon, false);
        daemon.wait_no_alarms("operator.json");
        eventually("room", || daemon.alarms(), || (daemon.metric("state_unwritten", &[]) == 0).then_some(()));
        daemon.kill();
        daemon.run();
        assert!(daemon.status().to_string().contains("\"operator\":\"maint\""), "it survived the crash");
    }
}

#[test]
fn a_failover_by_the_operator_on_a_full_disk_is_answered_with_an_error_and_one_with_room_is_on_disk() {
    let site = Site::new();
    let mut proxy = site.proxy(0, &[]);
    proxy.run();
    proxy.wait_latch("the first latch, stored", |latch| latch["stored"] == true);
    fill_disk(&proxy, true);
    let failover = json!({ "service": "shop", "to": "shop2", "who": "a test" });
    let answer = proxy.post("/failover", &failover).unwrap_err();
    assert_says(&answer, &["shop is on shop2, but that is not on disk", "File too large"]);
    assert_eq!(proxy.latch()["active"], "shop2");

    fill_disk(&proxy, false);
    proxy.post("/failback", &json!({ "service": "shop", "who": "a test" })).unwrap();
    proxy.kill();
    proxy.run();
    let latch = proxy.latch();
    assert!(latch["active"] == "shop1" && latch["epoch"] == 2, "what was answered survived the crash: {latch}");
}

#[test]
fn a_daemon_that_starts_without_a_state_directory_serves_with_an_alarm() {
    let site = Site::new();
    for mut daemon in [site.proxy(0, &[]), site.nameserver()] {
        let state = daemon.state_file("");
        std::fs::remove_dir_all(&state).unwrap();
        daemon.run();
        daemon.assert_serves();
        daemon.wait_alarm("No such file or directory");
        std::fs::create_dir(&state).unwrap();
        // That events cannot be written is said until one is.
        daemon.reload().unwrap();
        daemon.wait_no_alarms("No such file or directory");
    }
}
