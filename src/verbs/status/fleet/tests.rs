#![allow(clippy::unwrap_used)]

use super::*;
use crate::push::host::lock::Lock;
use crate::push::ledger::{Event, Kind, Outcome, Record};
use crate::unix_time::unix_ms;
use crate::verbs::status::drift::Drift;

fn host(name: &str) -> Host {
    Host {
        host: name.to_owned(),
        roles: vec!["proxy"],
        location: "nl".to_owned(),
        report: None,
        error: None,
        drift: None,
        last_push: None,
    }
}

fn report() -> Report {
    Report {
        protocol: 1,
        version: "0.1.0".to_owned(),
        host: "px-nl".to_owned(),
        system: "/nix/store/abcdefgh12345678-nixos-system".into(),
        profile: "/nix/store/abcdefgh12345678-nixos-system".into(),
        booted: "/nix/store/abcdefgh12345678-nixos-system".into(),
        boot: "1".to_owned(),
        free: 0,
        lock: Some(Lock {
            token: String::new(),
            holder: "bob@admin-ch".to_owned(),
            location: "ch".to_owned(),
            reason: "push of r42".to_owned(),
            expires: 100_000,
        }),
        activation: None,
        last: None,
        failed_units: vec!["nginx.service".to_owned()],
        clock_ms: 10_000,
    }
}

fn entry(push: &str, at: u64, skipped: &[&str]) -> Entry {
    let record = Record {
        push: push.to_owned(),
        kind: Kind::Push,
        who: "alice@admin-nl".to_owned(),
        revision: Some("r41".to_owned()),
        local_changes: Vec::new(),
        deferred: false,
        plan: String::new(),
        skipped: skipped.iter().map(|host| (*host).to_owned()).collect(),
    };
    let event = Event::Activation {
        record,
        before: "/old".into(),
        system: "/new".into(),
        outcome: Outcome::Confirmed,
        words: String::new(),
    };
    Entry { at, from: "admin-nl".to_owned(), signed_by: None, event }
}

#[test]
fn a_screen_says_of_each_host_what_runs_who_locks_it_and_what_is_wrong() {
    let well = Host {
        report: Some(report()),
        drift: Some(Drift::ChangedByHand),
        last_push: Some(Pushed {
            at: unix_ms() - 7_200_000,
            push: "p1".to_owned(),
            who: "alice@admin-nl".to_owned(),
            revision: "r41 +2".to_owned(),
        }),
        ..host("px-nl")
    };
    let dead = Host { error: Some("no route to host".to_owned()), ..host("px-ch") };
    let fleet = Fleet {
        hosts: vec![well, dead],
        working_copy: WorkingCopy {
            folder: "/srv/fleet".into(),
            revision: Some("r41".to_owned()),
            local_changes: 2,
            behind: Some(3),
            note: None,
        },
        deferred: vec![Pending {
            push: "p1".to_owned(),
            who: "alice@admin-nl".to_owned(),
            at: unix_ms(),
            message: "web-1: more memory".to_owned(),
            files: 2,
        }],
    };
    assert_eq!(
        fleet.findings().into_iter().map(String::from).collect::<Vec<_>>(),
        [
            "px-nl: changed by hand since",
            "px-nl: unit nginx.service has failed",
            "px-ch is not reached: no route to host"
        ]
    );
    let screen = anstream::adapter::strip_str(&fleet.screen(300)).to_string();
    for told in [
        "1 host changed by hand since: px-nl",
        "locked by bob@admin-ch (ch): push of r42 until ",
        "last push p1 by alice@admin-nl at ",
        "working copy /srv/fleet: r41, 2 local changes, 3 revisions behind the server: svn update",
        "deferred: 2 files of push p1 by alice@admin-nl at ",
    ] {
        assert!(screen.contains(told), "{told} in\n{screen}");
    }
    let of_host = fleet.host_lines("px-nl").unwrap().join("\n");
    assert!(of_host.contains("proxy, in nl") && of_host.contains("system abcdefgh"), "{of_host}");
    assert_eq!(fleet.host_lines("px-ch").unwrap()[1], "not reached: no route to host");
    assert_eq!(fleet.host_lines("px-9"), None);
}

#[test]
fn the_last_push_is_the_newest_of_the_fleet_and_what_it_wanted_counts_while_it_is_that() {
    let ledgers =
        BTreeMap::from([("a".to_owned(), vec![entry("p1", 10, &[])]), ("b".to_owned(), vec![entry("p2", 20, &["a"])])]);
    let push = last_push(&ledgers, None, "a").unwrap();
    assert_eq!((push.push, push.left_out, push.wanted), ("p2", true, None));
    assert!(!last_push(&ledgers, None, "b").unwrap().left_out);

    let wanted = |push: &str, at| DesiredState {
        push: push.to_owned(),
        at,
        systems: BTreeMap::from([("a".to_owned(), PathBuf::from("/newest"))]),
    };
    let stale = wanted("p0", 15);
    assert_eq!(last_push(&ledgers, Some(&stale), "a").unwrap().wanted, None);
    for fresh in [wanted("p2", 15), wanted("p3", 30)] {
        let push = last_push(&ledgers, Some(&fresh), "a").unwrap();
        assert_eq!((push.push, push.wanted), (fresh.push.as_str(), Some(Path::new("/newest"))));
    }
}
