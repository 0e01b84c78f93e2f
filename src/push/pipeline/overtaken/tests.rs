#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;

fn plan(revision: &str) -> Plan {
    let host = |system: &str| {
        json!({ "before": "/old", "system": system, "derivation": "/new.drv", "changes": [],
            "effects": { "reloads": [], "restarts": [], "starts": [], "stops": [] } })
    };
    let plan = json!({ "version": 1, "revision": revision, "local_changes": [],
        "hosts": { "px-ch": host("/new"), "px-nl": host("/new"), "web-1": host("/old") },
        "batches": [["px-ch"], ["px-nl"]], "skipped": [], "risks": [] });
    serde_json::from_value(plan).unwrap()
}

/// What all hosts run was pushed by somebody at admin-nl.
fn told(revision: &str, changes: &[&str], plan: &Plan, admin: &str) -> Vec<String> {
    told_of("push", "/older", revision, changes, plan, admin)
}

fn told_of(kind: &str, before: &str, revision: &str, changes: &[&str], plan: &Plan, admin: &str) -> Vec<String> {
    let entry: Entry =
        serde_json::from_value(json!({ "at": 1, "from": "admin-nl", "event": "activation", "push": "p1",
        "kind": kind, "who": "alice@admin-nl", "revision": revision, "local_changes": changes, "deferred": true,
        "plan": "", "before": before, "system": "/old", "outcome": "confirmed" }))
        .unwrap();
    let last = ["px-ch", "px-nl", "web-1"].map(|host| (host.to_owned(), entry.clone()));
    overtaken(plan, &last.into(), admin)
}

#[test]
fn a_working_copy_that_is_older_than_what_runs_is_told_where_it_changes_a_host() {
    let risks = told("r42", &[], &plan("r41"), "admin-nl");
    assert_eq!(risks.len(), 1, "{risks:?}");
    assert!(risks[0].starts_with("px-ch, px-nl: r42 is running"), "{risks:?}");
    assert!(risks[0].contains("this working copy is at r41: run `svn update` first"), "{risks:?}");
}

#[test]
fn what_another_admin_machine_has_pushed_and_nobody_committed_is_told() {
    let risks = told("r41", &["hosts/default.nix"], &plan("r41"), "admin-ch");
    assert!(risks[0].contains("changes to hosts/default.nix that are in no revision"), "{risks:?}");
    assert!(risks[0].contains("push p1 by alice@admin-nl; its commit is deferred"), "{risks:?}");
}

#[test]
fn what_is_committed_or_our_own_is_no_risk() {
    for (revision, changes, here, admin) in [
        ("r41", &[][..], "r41", "admin-ch"),
        ("r41", &["a"][..], "r42", "admin-ch"),
        ("r41", &["a"][..], "r41", "admin-nl"),
        ("0fe1", &["a"][..], "9ab2", "admin-ch"),
    ] {
        assert_eq!(told(revision, changes, &plan(here), admin), [""; 0], "{revision} {here} {admin}");
    }
}

#[test]
fn what_was_rolled_back_and_would_come_again_is_told() {
    let risks = told_of("rollback", "/new", "r41", &[], &plan("r41"), "admin-nl");
    assert!(
        risks[0].starts_with("px-ch, px-nl: this push would bring back what alice@admin-nl rolled back (p1)"),
        "{risks:?}"
    );
    assert_eq!(told_of("rollback", "/other", "r41", &[], &plan("r41"), "admin-nl"), [""; 0]);
}
