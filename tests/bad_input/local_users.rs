//! What another user of the machine can leave for an operator's `polder` to find: the file of a demo that is none of the operator's.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::site::{Daemon, Process, Site};

/// The folder that XDG_RUNTIME_DIR names, and the demo's file in it.
fn runtime(site: &Site) -> (PathBuf, PathBuf) {
    let runtime = site.path("runtime");
    fs::create_dir_all(runtime.join("polder")).unwrap();
    let file = runtime.join("polder/demo.json");
    for folder in [&runtime, &runtime.join("polder")] {
        fs::set_permissions(folder, Permissions::from_mode(0o700)).unwrap();
    }
    (runtime, file)
}

/// A demo's file that takes a daemon for the whole demo.
fn announce(file: &Path, daemon: &Daemon<'_>) {
    let socket = daemon.admin_socket();
    let demo = json!({
        "version": 1, "control": socket, "daemons": [{ "name": "px-nl", "role": "proxy", "socket": socket }],
    });
    fs::write(file, demo.to_string()).unwrap();
    fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
}

/// Gives it to somebody else; where the test may not do that, lets everybody write there.
fn give_away(path: &Path) {
    if std::os::unix::fs::chown(path, Some(4321), Some(4321)).is_err() {
        fs::set_permissions(path, Permissions::from_mode(0o777)).unwrap();
    }
}

fn polder(runtime: &Path, arguments: &[&str]) -> crate::site::Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command.args(arguments).env("XDG_RUNTIME_DIR", runtime).env_remove("POLDER_SOCKETS").env_remove("POLDER_ADMIN");
    command.stdin(Stdio::null()).env("COLUMNS", "2000").env("POLDER_TIMEOUT", "60s");
    // Its end is awaited with a limit: a FIFO must not be waited for.
    Process::start(command).end()
}

#[test]
fn a_demo_file_that_another_user_could_have_written_deceives_nobody() {
    let site = Site::new();
    let mut daemon = site.proxy(0, &[]);
    daemon.run();
    let (runtime, file) = runtime(&site);
    announce(&file, &daemon);
    polder(&runtime, &["status", "--demo"]).assert(0, &[]);

    for part in [&file, &runtime.join("polder"), &runtime] {
        let before = fs::metadata(part).unwrap();
        give_away(part);
        for verb in [&["status", "--demo"][..], &["failover", "shop", "--demo"]] {
            polder(&runtime, verb).assert(
                3,
                &[
                    "is not trusted: ",
                    &format!("{} belongs to user", part.canonicalize().unwrap().display()),
                    "--socket PATH",
                ],
            );
        }
        let _ = std::os::unix::fs::chown(
            part,
            Some(nix::unistd::geteuid().as_raw()),
            Some(nix::unistd::getegid().as_raw()),
        );
        fs::set_permissions(part, before.permissions()).unwrap();
    }
    assert_eq!(daemon.latch()["by_operator"], json!(null), "no failover reached it");
}

#[test]
fn a_fifo_in_the_place_of_the_demo_file_keeps_no_verb_waiting() {
    let site = Site::new();
    let (runtime, file) = runtime(&site);
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    polder(&runtime, &["status", "--demo"]).assert(3, &["no regular file", "remove it if no demo is running"]);
}

#[test]
fn on_a_machine_of_a_fleet_the_demo_is_asked_only_by_name() {
    let site = Site::new();
    let mut daemon = site.proxy(0, &[]);
    daemon.run();
    let (runtime, file) = runtime(&site);
    announce(&file, &daemon);
    let admin = site.path("admin.json");
    let document = json!({
        "version": 1, "name": "admin-nl", "location": "nl", "deploy_user": "polder-deploy", "deploy_key": "/nowhere",
        "signing_key": "/nowhere", "working_copy": "/nowhere", "state_dir": site.path("state"),
    });
    fs::write(&admin, document.to_string()).unwrap();
    let on_admin = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
        command.args(arguments).env("XDG_RUNTIME_DIR", &runtime).env("POLDER_ADMIN", &admin).stdin(Stdio::null());
        command.env("POLDER_TIMEOUT", "60s");
        Process::start(command).end()
    };
    on_admin(&["status"]).assert(3, &["the fleet is not known here yet"]);
    on_admin(&["status", "--demo"]).assert(0, &[]);
}

#[test]
fn a_demo_does_not_use_a_folder_that_somebody_else_could_change() {
    let site = Site::new();
    let (runtime, _) = runtime(&site);
    give_away(&runtime.join("polder"));
    polder(&runtime, &["demo"]).assert(3, &["polder belongs to user", "remove it, or set XDG_RUNTIME_DIR"]);
}
