//! Operator states and health on disk, cut in half.

use std::fs;
use std::io::Read;

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use polder::api::client::Client;

use polder::demo::documents::POOL;
use serde_json::json;

use crate::site::{Daemon, Site, assert_says, block_on, cut_in_half, eventually, polder};

fn say(daemon: &Daemon<'_>, subject: &str, state: &str) {
    daemon.post("/operator", &json!({ "subject": subject, "state": state, "who": "a test" })).unwrap();
}

/// A word is said, its file cut in half: the daemon starts, serves, and raises an alarm until the file is written again.
fn assert_lost_words_are_an_alarm(mut daemon: Daemon<'_>, subject: &str) {
    daemon.run();
    say(&daemon, subject, "drain");
    let file = daemon.state_file("operator.json");
    eventually("the word on disk", || daemon.alarms(), || file.exists().then_some(()));
    daemon.kill();
    cut_in_half(&file);

    daemon.run();
    let words = ["operator.json: it has ", "set drain and maint again where they are needed"];
    assert_says(&daemon.alarms(), &words);
    daemon.wait_said(&[" error ", words[0], words[1]]);
    daemon.assert_serves();
    say(&daemon, subject, "drain");
    daemon.wait_no_alarms("operator.json");
    daemon.kill();

    daemon.run();
    assert!(!daemon.alarms().contains("operator.json"), "{}", daemon.alarms());
    let status = daemon.status().to_string();
    assert!(status.contains("\"operator\":\"drain\""), "{status}");

    daemon.kill();
    fs::write(&file, with_checksum(r#"{"version":2,"operator":{}}"#)).unwrap();
    daemon.run();
    assert_says(&daemon.alarms(), &["operator.json", "version 2", words[1]]);
    daemon.assert_serves();
}

/// A whole state file, as another version of polder might have left it.
fn with_checksum(payload: &str) -> String {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&0_u64.to_be_bytes());
    crc.update(payload.as_bytes());
    format!("polder-state 1 0 {} {:08x}\n{payload}\n", payload.len(), crc.finalize())
}

#[test]
fn words_of_the_operator_that_a_proxy_cannot_read_are_an_alarm_until_they_are_said_again() {
    let site = Site::new();
    assert_lost_words_are_an_alarm(site.proxy(0, &[]), "shop/shop2");
}

#[test]
fn words_of_the_operator_that_a_nameserver_cannot_read_are_an_alarm_until_they_are_said_again() {
    let site = Site::new();
    let mut first = site.proxy(0, &[]);
    let mut second = site.proxy(1, &[]);
    first.run();
    second.run();
    assert_lost_words_are_an_alarm(site.nameserver(), &format!("{POOL}/px-1"));
}

#[test]
fn health_that_cannot_be_read_is_said_in_the_log_probed_again_and_written_again() {
    let site = Site::new();
    for mut daemon in [site.proxy(0, &[]), site.nameserver()] {
        let file = daemon.state_file("health.json");
        for broken in ["polder-state 1 0 4096 0", "", &with_checksum(r#"{"version":7,"health":{"version":7}}"#)] {
            fs::write(&file, broken).unwrap();
            daemon.run();
            daemon.wait_said(&[" warn ", "saved health", "probed again"]);
            assert!(!daemon.alarms().contains("health"), "{}", daemon.alarms());
            daemon.assert_serves();
            daemon.stop();
            let written = fs::read_to_string(&file).unwrap();
            assert!(written.starts_with("polder-state 1 ") && written.len() > 60, "{written}");
        }
    }
}

#[test]
fn a_command_whose_write_is_under_way_is_answered_before_a_stop_ends_the_daemon() {
    let site = Site::new();
    for (mut daemon, subject) in
        [(site.proxy(0, &[]), "shop/shop2".to_owned()), (site.nameserver(), format!("{POOL}/px-1"))]
    {
        // A write that does not end before somebody reads.
        let slow = daemon.state_file("operator.json.new");
        mkfifo(&slow, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        daemon.run();
        let (socket, command) =
            (daemon.admin_socket(), json!({ "subject": subject, "state": "drain", "who": "a test", "force": true }));
        let told = std::thread::spawn(move || block_on(Client::new(&socket).post("/operator", &command)));
        let obeyed = || daemon.status().to_string().contains("\"operator\":\"drain\"").then_some(());
        eventually("the command in force", || daemon.said(), obeyed);

        let process = daemon.process.take().unwrap();
        kill(Pid::from_raw(process.child.id() as i32), Signal::SIGTERM).unwrap();
        eventually("the drain", || process.said(), || process.said().contains("told to stop: draining").then_some(()));
        let reader = std::thread::spawn(move || fs::File::open(slow).unwrap().read_to_end(&mut Vec::new()));
        // A pipe cannot be synced: the write has ended, and the answer says how.
        let answer = told.join().unwrap().unwrap_err().to_string();
        assert_says(&answer, &["it is in force, but not on disk"]);
        process.end().assert(0, &[]);
        drop(reader);
    }
}

#[test]
fn a_second_daemon_on_the_same_state_directory_is_refused_also_after_a_takeover() {
    let site = Site::new();
    for (mut daemon, mut other) in [(site.proxy(0, &[]), site.proxy(1, &[])), (site.nameserver(), site.nameserver())] {
        other.document["state_dir"] = daemon.document["state_dir"].clone();
        other.document["admin"]["socket"] = json!(site.path("second.sock"));
        let refused = |daemon: &Daemon<'_>| {
            let id = daemon.process.as_ref().unwrap().child.id();
            other.write();
            let by = format!("another daemon keeps its state there (process {id} (");
            other.ends(&[]).assert(3, &["state_dir ", &by, "--takeover"]);
            daemon.write();
        };
        daemon.run();
        refused(&daemon);
        let next = daemon.spawn(&["--takeover"]);
        let old = daemon.process.take().unwrap();
        daemon.become_daemon(next);
        old.end().assert(0, &[]);
        refused(&daemon);
        daemon.assert_serves();
        daemon.kill();
        daemon.run();
    }
}

#[test]
fn a_state_directory_that_is_missing_is_told_before_a_start_at_it_and_by_every_answer_until_it_is_there() {
    let site = Site::new();
    let mut proxy = site.proxy(0, &[]);
    let folder = proxy.config().with_file_name("state");
    fs::remove_dir(&folder).unwrap();
    proxy
        .ends(&["--check-config", "--live"])
        .assert(1, &["state_dir ", "is not there: make it, owned by the daemon's user"]);
    fs::write(&folder, "a file").unwrap();
    proxy.ends(&["--check-config", "--live"]).assert(1, &["state_dir ", " is no folder"]);
    fs::remove_file(&folder).unwrap();

    proxy.run();
    proxy.wait_said(&["state_dir ", " is not there", "no failover and no word of an operator outlives this process"]);
    let answer = polder(&proxy, &["failover", "shop"]);
    answer.assert(1, &["NOT on disk", "is on shop2, but that is not on disk"]);
    polder(&proxy, &["maint", "shop1"]).assert(1, &["NOT on disk", "it is in force, but not on disk"]);
    for alarm in ["a latch is not on disk", "an operator state is not on disk", "health cannot be written"] {
        proxy.wait_alarm(alarm);
    }
    assert_eq!(proxy.metric("state_unwritten", &[]), 1);
    polder(&proxy, &["status"]).assert(1, &["not on disk"]);

    fs::create_dir(&folder).unwrap();
    proxy.ends(&["--check-config", "--live"]).assert(0, &[]);
    for alarm in ["not on disk", "health cannot be written"] {
        proxy.wait_no_alarms(alarm);
    }
    assert_eq!(proxy.metric("state_unwritten", &[]), 0);
    proxy.kill();
    proxy.run();
    assert_eq!(proxy.latch()["active"], "shop2", "it is on disk now");
    assert!(proxy.status().to_string().contains("\"operator\":\"maint\""));
}

#[test]
fn a_state_directory_that_goes_away_under_a_running_daemon_is_an_alarm_though_nobody_says_anything() {
    let site = Site::new();
    let mut daemon = site.nameserver();
    daemon.run();
    let folder = daemon.config().with_file_name("state");
    let held = folder.with_file_name("held");
    fs::rename(&folder, &held).unwrap();
    daemon.wait_alarm("health cannot be written");
    assert_eq!(daemon.metric("state_unwritten", &[]), 1);
    fs::rename(&held, &folder).unwrap();
    daemon.wait_no_alarms("health cannot be written");
}
