use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::daemon::Settings;
use super::{Decision, NOT_IN_PLACE, OnReload, decide};
use crate::config::AdminConfig;

fn admin(socket: &str, address: Option<&str>) -> AdminConfig {
    AdminConfig {
        socket: PathBuf::from(socket),
        address: address.map(|address| address.parse().unwrap()),
        hosts: Vec::new(),
        pages: Default::default(),
    }
}

fn settings(admin: &AdminConfig) -> Settings<'_> {
    Settings {
        name: "px-1",
        state_dir: Path::new("/var/lib/polder"),
        admin,
        peers: None,
        fixed_workers: Some(2),
        drain: Duration::from_secs(5),
    }
}

#[test]
fn what_a_running_process_can_change_is_taken_in_place() {
    let (before, after) = (admin("/run/a.sock", None), admin("/run/a.sock", Some("127.0.0.1:8404")));
    let next = Settings { drain: Duration::ZERO, ..settings(&after) };
    assert_eq!(decide(&settings(&before), &next), Decision::InPlace);
}

#[test]
fn name_state_directory_and_threads_need_a_successor() {
    let admin = admin("/run/a.sock", None);
    let next = Settings { name: "px-2", state_dir: Path::new("/srv"), fixed_workers: None, ..settings(&admin) };
    assert_eq!(decide(&settings(&admin), &next), Decision::Takeover(vec!["name", "state_dir", "workers"]));
    let threads = Settings { fixed_workers: None, ..settings(&admin) };
    assert_eq!(decide(&threads, &threads), Decision::InPlace, "a daemon whose threads come and go");
}

#[test]
fn the_operators_socket_changes_at_a_restart_alone_whatever_else_changes() {
    let (before, after) = (admin("/run/a.sock", None), admin("/run/b.sock", None));
    let next = Settings { name: "px-2", ..settings(&after) };
    assert_eq!(decide(&settings(&before), &next), Decision::Refused("admin.socket"));
}

#[test]
fn every_key_of_the_list_is_decided_as_the_list_says() {
    let (before, after) = (admin("/run/a.sock", None), admin("/run/b.sock", None));
    let present = settings(&before);
    for (key, on_reload) in NOT_IN_PLACE {
        let next = match key {
            "name" => Settings { name: "px-2", ..present },
            "state_dir" => Settings { state_dir: Path::new("/srv"), ..present },
            "workers" => Settings { fixed_workers: Some(3), ..present },
            "admin.socket" => Settings { admin: &after, ..present },
            other => panic!("{other} has no case here"),
        };
        let expected = match on_reload {
            OnReload::Takeover => Decision::Takeover(vec![key]),
            OnReload::Refused => Decision::Refused(key),
        };
        assert_eq!(decide(&present, &next), expected);
    }
}
