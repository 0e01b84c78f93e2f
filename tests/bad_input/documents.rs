//! Documents with mistakes, and documents that cannot be read.

use std::fs;
use std::process::Command;

use polder::demo::documents::{STATEFUL, STATELESS};
use serde_json::{Value, json};

use crate::site::{Daemon, Process, Site, assert_says};

/// An unknown key, and a backend that stands twice.
fn spoil(document: &mut Value) {
    document["services"][STATEFUL]["start_grase"] = json!("1s");
    let backends = document["services"][STATELESS]["backends"].as_array_mut().unwrap();
    let mut twin = backends[0].clone();
    twin["name"] = json!("web9");
    backends.push(twin);
}

fn words_about(proxy: &Daemon<'_>) -> [String; 3] {
    [
        format!(
            "document.json:{}: services.shop.start_grase: unknown key; did you mean \"start_grace\"?",
            proxy.line_of("start_grase")
        ),
        "services.www.backends[1].address: ".to_owned(),
        "stands twice, also at services.www.backends[0].address".to_owned(),
    ]
}

#[test]
fn an_unknown_key_and_a_duplicate_backend_are_both_named_and_nothing_starts() {
    let site = Site::new();
    let proxy = site.proxy(0, &[]);
    proxy.write_changed(spoil);
    let words = words_about(&proxy);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    proxy.ends(&[]).assert(1, &words);
    proxy.ends(&["--check-config"]).assert(1, &words);
    assert!(!proxy.admin_socket().exists(), "a document is read before anything is bound");
}

#[test]
fn a_reload_or_takeover_with_an_unknown_key_and_a_duplicate_backend_changes_nothing() {
    let site = Site::new();
    let mut proxy = site.proxy(0, &[]);
    proxy.run();
    let generation = proxy.status()["generation"].clone();
    proxy.write_changed(spoil);
    let words = words_about(&proxy);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();

    let refused = proxy.reload().unwrap_err();
    assert_says(&refused, &["the document is not valid; nothing was changed"]);
    assert_says(&refused, &words);
    proxy.wait_said(&words);
    assert_says(&proxy.alarms(), &["the last reload was refused: the document is not valid"]);
    assert_eq!(proxy.metric("reloads_total", &["result=\"failed\""]), 1);
    proxy.assert_serves();

    proxy.ends(&["--takeover"]).assert(1, &words);
    proxy.assert_serves();
    assert_eq!(proxy.status()["generation"], generation);

    proxy.write();
    proxy.reload().unwrap();
    assert_eq!(proxy.status()["alarms"], json!([]));
    proxy.assert_serves();
}

#[test]
fn a_nameserver_refuses_an_unknown_key_at_start_and_reload() {
    let site = Site::new();
    let mut nameserver = site.nameserver();
    nameserver.run();
    nameserver.write_changed(|document| document["recursion"] = json!(true));
    let words = format!("document.json:{}: recursion: unknown key", nameserver.line_of("recursion"));
    assert_says(&nameserver.reload().unwrap_err(), &["the document is not valid; nothing was changed", &words]);
    assert_says(&nameserver.alarms(), &["the last reload was refused", &words]);
    nameserver.wait_said(&[&words]);
    nameserver.assert_serves();
    nameserver.ends(&["--takeover"]).assert(1, &[&words]);
    nameserver.assert_serves();

    nameserver.write();
    nameserver.reload().unwrap();
    nameserver.wait_no_alarms("reload");
    nameserver.kill();
    nameserver.write_changed(|document| document["recursion"] = json!(true));
    nameserver.ends(&[]).assert(1, &[&words]);
}

#[test]
fn a_document_that_cannot_be_read_is_named_with_the_reason() {
    let site = Site::new();
    for mut daemon in [site.proxy(0, &[]), site.nameserver()] {
        daemon.run();
        fs::remove_file(daemon.config()).unwrap();
        let missing = format!("{}: cannot be read: No such file or directory", daemon.config().display());
        assert_says(&daemon.reload().unwrap_err(), &[&missing]);
        daemon.assert_serves();
        daemon.ends(&["--takeover"]).assert(1, &[&missing]);

        fs::create_dir(daemon.config()).unwrap();
        let unreadable = format!("{}: cannot be read: it is a directory", daemon.config().display());
        assert_says(&daemon.reload().unwrap_err(), &[&unreadable]);
        daemon.assert_serves();
        daemon.kill();
        daemon.ends(&[]).assert(1, &[&unreadable]);
    }
}

#[test]
fn a_document_cut_in_half_is_named_with_its_line_and_the_one_in_force_stays() {
    let site = Site::new();
    for mut daemon in [site.proxy(0, &[]), site.nameserver()] {
        daemon.run();
        crate::site::cut_in_half(&daemon.config());
        let refused = daemon.reload().unwrap_err();
        assert_says(&refused, &["document.json:", "not JSON: "]);
        daemon.assert_serves();
        daemon.ends(&["--takeover"]).assert(1, &["document.json:", "not JSON: "]);
        daemon.assert_serves();
    }
}

#[test]
fn a_proxy_that_may_not_have_the_files_that_its_document_needs_does_not_start() {
    let site = Site::new();
    let proxy = site.proxy(0, &[]);
    proxy.write_changed(|document| {
        document["limits"] = json!({ "connections": 1000 });
        document["services"][STATELESS]["error_pages"] = json!({ "503": "gone.html" });
    });
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 500; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_polder-proxy"), "--config"]);
    command.arg(proxy.config());
    let words = ["limits.connections: 1000 needs ", "this process may have 500", "LimitNOFILE"];
    let ended = Process::start(command).end();
    ended.assert(3, &words);
    assert!(!ended.said.contains("is done"), "it does not go on without the page: {}", ended.said);
}
