//! Latches on disk that a crash has cut in half.

use std::fs;

use serde_json::{Value, json};

use crate::site::{Daemon, Site, assert_says, cut_in_half, eventually, polder, run_together};

const SLOTS: [&str; 2] = ["latches.a", "latches.b"];

/// Fails the stateful service over to its backup, so that both slots are there and losing them would matter.
fn fail_over(proxy: &Daemon<'_>) {
    polder(proxy, &["failover", "shop", "--to", "shop2"]).assert(0, &[]);
    proxy.wait_latch("a stored failover", |latch| latch["active"] == "shop2" && latch["stored"] == true);
    eventually("both slots", String::new, || SLOTS.iter().all(|slot| proxy.state_file(slot).exists()).then_some(()));
}

fn cut_both(proxy: &Daemon<'_>) {
    for slot in SLOTS {
        cut_in_half(&proxy.state_file(slot));
    }
}

#[test]
fn without_peers_a_latch_that_is_lost_is_for_the_operator_to_decide_by_the_command_the_alarm_names() {
    let site = Site::new();
    let mut proxy = site.proxy(0, &[]);
    proxy.run();
    fail_over(&proxy);
    proxy.kill();
    cut_both(&proxy);

    proxy.run_in_doubt();
    proxy.wait_said(&["latches.a: ", "latches.b: ", "the stored latches cannot be believed"]);
    let alarm = "shop: which backend is active is not known (the stored latch cannot be read and no peer has one); it \
                 answers 503, and this proxy is not ready, until `polder failover shop --to BACKEND` decides";
    assert_says(&proxy.alarms(), &[alarm]);
    assert_eq!(proxy.metric("latch_undecided", &["service=\"shop\""]), 1);
    assert_eq!(proxy.visit_shop().0, 503);
    proxy.assert_serves();
    polder(&proxy, &["status"]).assert(1, &[]);

    // It stays undecided over a reload and a crash: it is no new service.
    proxy.reload().unwrap();
    assert_eq!(proxy.visit_shop().0, 503);
    proxy.kill();
    proxy.run_in_doubt();
    assert_eq!(proxy.visit_shop().0, 503);
    polder(&proxy, &["failback", "shop"]).assert(1, &["`polder failover shop --to BACKEND` decides"]);
    assert_eq!(proxy.visit_shop().0, 503);

    polder(&proxy, &["failover", "shop", "--to", "shop2"]).assert(0, &[]);
    proxy.wait_latch("the decision, stored", |latch| latch["active"] == "shop2" && latch["stored"] == true);
    assert_eq!(proxy.visit_shop(), (200, "shop2".to_owned()));
    proxy.wait_no_alarms("shop");
    proxy.kill();
    proxy.run();
    assert_eq!(proxy.visit_shop(), (200, "shop2".to_owned()));
}

#[test]
fn with_peers_a_latch_that_is_lost_is_learnt_from_them_before_ready() {
    let site = Site::new();
    let mut first = site.proxy(0, &[0, 1]);
    let mut second = site.proxy(1, &[0, 1]);
    run_together(&mut [&mut first, &mut second]);
    fail_over(&first);
    second.wait_latch("the failover of the first", |latch| latch["active"] == "shop2" && latch["stored"] == true);
    let kept = first.latch();
    first.kill();
    cut_both(&first);

    first.run();
    // What it says when it is ready is what it has learnt.
    let learnt = first.wait_latch("the latch, stored again", |latch| latch["stored"] == true);
    assert_eq!((&learnt["active"], &learnt["epoch"]), (&kept["active"], &kept["epoch"]));
    first.wait_said(&["the stored latches cannot be believed", "taken from the peers"]);
    assert_eq!(first.visit_shop(), (200, "shop2".to_owned()));
    first.wait_no_alarms("shop");
    first.kill();
    second.kill();
    first.run();
    assert_eq!(first.visit_shop(), (200, "shop2".to_owned()), "what was learnt is on disk");
}

/// It may not know the latch, and neither serves that service nor says that it is ready.
fn assert_undecided(proxy: &mut Daemon<'_>) {
    assert_eq!((proxy.visit_shop().0, proxy.status()["ready"].clone()), (503, json!(false)));
    assert_eq!(proxy.visit("/.polder/ready").0, 503);
    proxy.assert_serves();
    assert_says(
        &proxy.alarms(),
        &["shop: which backend is active is not known", "`polder failover shop --to BACKEND` decides"],
    );
    assert_eq!(proxy.latch()["active"], Value::Null);
    assert_eq!(proxy.metric("latch_undecided", &["service=\"shop\""]), 1);
    polder(proxy, &["status"]).assert(1, &["shop: which backend is active is not known"]);
}

#[test]
fn with_peers_and_none_of_them_heard_a_missing_or_damaged_latch_is_undecided_until_one_is_heard() {
    let site = Site::new();
    let mut first = site.proxy(0, &[0, 1]);
    let mut second = site.proxy(1, &[0, 1]);
    let log = site.path("access.log");
    first.document["access_log"] = json!({ "path": log });
    first.write();
    first.run_in_doubt();
    assert_undecided(&mut first);
    eventually("the log", String::new, || {
        fs::read_to_string(&log).is_ok_and(|log| log.contains("\"PQ\"")).then_some(())
    });
    second.run();
    first.wait_ready();
    assert_eq!(first.visit_shop(), (200, "shop1".to_owned()), "none of the two knows of a failover");

    fail_over(&first);
    second.wait_latch("the failover of the first", |latch| latch["active"] == "shop2" && latch["stored"] == true);
    second.kill();
    first.kill();
    first.run();
    assert_eq!(first.visit_shop(), (200, "shop2".to_owned()), "a clean restart knows its latch");
    let damages: [fn(&Daemon<'_>); 3] = [
        |proxy| cut_in_half(&proxy.state_file(SLOTS[0])),
        |proxy| fs::remove_file(proxy.state_file(SLOTS[1])).unwrap(),
        |proxy| SLOTS.iter().for_each(|slot| fs::remove_file(proxy.state_file(slot)).unwrap()),
    ];
    for damage in damages {
        first.kill();
        damage(&first);
        first.run_in_doubt();
        assert_undecided(&mut first);
        // Another start does not make it certain, though both slots are whole again.
        first.kill();
        first.run_in_doubt();
        assert_undecided(&mut first);
        second.run();
        first.wait_ready();
        first.wait_latch("the peer's latch, stored", |latch| latch["active"] == "shop2" && latch["stored"] == true);
        assert_eq!(first.visit_shop(), (200, "shop2".to_owned()));
        second.kill();
    }
    first.kill();
    cut_both(&first);
    first.run_in_doubt();
    polder(&first, &["failover", "shop", "--to", "shop2"]).assert(0, &[]);
    first.wait_ready();
    assert_eq!(first.visit_shop(), (200, "shop2".to_owned()));
}

#[test]
fn with_both_slots_cut_under_a_running_proxy_its_successor_takes_the_latch_from_it_and_mends_them() {
    let site = Site::new();
    let mut proxy = site.proxy(0, &[]);
    proxy.run();
    fail_over(&proxy);
    cut_both(&proxy);
    let next = proxy.spawn(&["--takeover"]);
    let old = proxy.process.take();
    proxy.become_daemon(next);
    drop(old);
    assert_eq!(proxy.visit_shop(), (200, "shop2".to_owned()));
    proxy.wait_latch("the latch, stored", |latch| latch["active"] == "shop2" && latch["stored"] == true);
    proxy.wait_no_alarms("shop");
    proxy.kill();
    proxy.run();
    assert_eq!(proxy.visit_shop(), (200, "shop2".to_owned()));
}

/// The number of the write that made this slot: `polder-state 1 NUMBER …`.
fn written(proxy: &Daemon<'_>, slot: &str) -> u64 {
    let text = fs::read_to_string(proxy.state_file(slot)).unwrap();
    text.split(' ').nth(2).unwrap().parse().unwrap()
}

#[test]
fn with_one_slot_cut_the_other_is_used_and_the_log_says_so() {
    let site = Site::new();
    let mut proxy = site.proxy(0, &[]);
    proxy.run();
    fail_over(&proxy);
    proxy.kill();
    // Each slot has the failover: a latch is stored when it is in both.
    let [older, newer] = match written(&proxy, SLOTS[0]) < written(&proxy, SLOTS[1]) {
        true => SLOTS,
        false => [SLOTS[1], SLOTS[0]],
    };
    for (cut, used) in [(older, newer), (newer, older)] {
        let whole = SLOTS.map(|slot| fs::read(proxy.state_file(slot)).unwrap());
        cut_in_half(&proxy.state_file(cut));
        proxy.run();
        let used = format!("{} is used", proxy.state_file(used).display());
        proxy.wait_said(&[" warn ", &format!("{cut}: it has "), &used]);
        assert_eq!(proxy.latch()["active"], "shop2", "{cut} was cut");
        assert_eq!(proxy.visit_shop(), (200, "shop2".to_owned()));
        proxy.assert_serves();
        proxy.kill();
        for (slot, bytes) in SLOTS.iter().zip(whole) {
            fs::write(proxy.state_file(slot), bytes).unwrap();
        }
    }
}
