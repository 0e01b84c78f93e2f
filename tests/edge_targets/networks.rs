//! Files of networks: docs/access.md.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::client::get;
use crate::daemon::{Daemon, eventually};

fn services() -> Value {
    json!({ "site": {
        "hosts": ["www.test"],
        "allow": ["192.0.2.0/24", { "file": "office" }],
        "deny": [{ "file": "blocked" }],
        "answer": { "body": "in\n" },
    } })
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join("new"), text).unwrap();
    fs::rename(folder.join("new"), folder.join(name)).unwrap();
}

#[test]
fn the_networks_of_a_file_count_as_those_of_the_document_and_change_with_it() {
    let prepare = |folder: &Path| {
        write(folder, "office", "# all of this machine\n127.0.0.0/8\n");
        write(folder, "blocked", "# nobody yet\n");
    };
    let daemon = Daemon::start_with(prepare, services(), false);
    let status = || get(daemon.address, "www.test/", &[]).status();
    let folder = daemon.folder.path();
    assert_eq!(status(), 200);
    // Nobody reloads.
    write(folder, "blocked", "127.0.0.1\n");
    eventually("who is blocked now is refused", || status() == 403);
    eventually("the log says why", || daemon.log(2).last().unwrap()["end"] == "PN");
    let told = daemon.explain_from("www.test", "/", "127.0.0.1");
    assert_eq!(told, "127.0.0.1 is denied by deny 127.0.0.1/32; it is answered 403");

    write(folder, "blocked", "127.0.0.1\n10.0.0.0/8\n192.0.2.\n");
    let (code, words) = daemon.reload(&services());
    assert!(code >= 400 && words.contains("blocked:3: ") && words.contains("services.site.deny: "), "{code} {words}");
    assert_eq!(status(), 403, "what was read before goes on");
    let mut check = Command::new(env!("CARGO_BIN_EXE_polder-proxy"));
    let checked = check.arg("--config").arg(folder.join("proxy.json")).arg("--check-config").output().unwrap();
    let words = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(!checked.status.success() && words.contains("blocked:3: \"192.0.2.\" is not a network"), "{words}");

    write(folder, "blocked", "# nobody any more\n");
    assert_eq!(daemon.reload(&services()).0, 200);
    assert_eq!((status(), daemon.alarms().contains("networks")), (200, false));
}

#[test]
fn a_start_without_the_file_lets_nobody_in_and_says_so() {
    let daemon = Daemon::start_with(|folder| write(folder, "office", "127.0.0.0/8\n"), services(), false);
    assert_eq!(get(daemon.address, "www.test/", &[]).status(), 503);
    assert_eq!(daemon.log(1)[0]["end"], "LN");
    assert!(
        daemon.alarms().contains("a file of networks cannot be used, and nobody is let in by it"),
        "{}",
        daemon.alarms()
    );
    assert!(daemon.explain_from("www.test", "/", "127.0.0.1").ends_with("it is answered 503"));
    write(daemon.folder.path(), "blocked", "# nobody\n");
    assert_eq!(daemon.reload(&services()).0, 200);
    assert_eq!(get(daemon.address, "www.test/", &[]).status(), 200);
}
