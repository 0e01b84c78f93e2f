//! What a push would undo unawares (pure): others may have deployed what this working copy has not got, or have taken back what
//! it still has.

use std::collections::BTreeMap;

use super::ledger::{Entry, Event, Kind, Outcome, Record};
use super::plan::Plan;

/// A risk line for each push or rollback that a plan may undo: `last` is what each host's ledger says of the system that was
/// confirmed last, `admin` the machine that plans.
pub fn overtaken(plan: &Plan, last: &BTreeMap<String, Entry>, admin: &str) -> Vec<String> {
    let mut risks: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for host in plan.changed() {
        let Some(entry) = last.get(&host) else { continue };
        let Event::Activation { record, before, system, outcome: Outcome::Confirmed, .. } = &entry.event else {
            continue;
        };
        let step = &plan.hosts[&host];
        if *system != step.before {
            continue;
        }
        let words = match record.kind {
            Kind::Push => taken_back(plan, record, entry.from == admin),
            Kind::Rollback => (*before == step.system).then(|| brought_forward(record)),
        };
        if let Some(words) = words {
            risks.entry(words).or_default().push(host);
        }
    }
    risks.into_iter().map(|(words, hosts)| format!("{}: {words}", hosts.join(", "))).collect()
}

fn brought_forward(rollback: &Record) -> String {
    let Record { push, who, .. } = rollback;
    format!("what {who} took back (rollback {push}) is what this push brings again: the working copy still has it")
}

fn taken_back(plan: &Plan, deployed: &Record, is_ours: bool) -> Option<String> {
    let Record { push, who, local_changes, revision, .. } = deployed;
    let (theirs, ours) = (number(revision.as_deref()), number(plan.revision.as_deref()));
    if let (Some(theirs), Some(ours)) = (theirs, ours)
        && theirs > ours
    {
        return Some(format!(
            "what runs is of r{theirs} (push {push} by {who}), and this working copy is of r{ours}: `svn update` first, or what \
             was committed in between is taken back"
        ));
    }
    // Of a later revision here, their changes will have been committed; of our own we know.
    if *revision != plan.revision || local_changes.is_empty() || is_ours {
        return None;
    }
    let files: Vec<String> = local_changes.iter().map(|file| file.display().to_string()).collect();
    let deferred = if deployed.deferred { "; its commit is deferred" } else { "" };
    Some(format!(
        "what runs has changes of {} that are in no revision (push {push} by {who}{deferred}): what of them this working copy has \
         not got is taken back",
        files.join(", ")
    ))
}

/// Of Subversion's revisions alone one can say which is later.
fn number(revision: Option<&str>) -> Option<u64> {
    revision?.strip_prefix('r')?.parse().ok()
}

#[cfg(test)]
mod tests {
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
        assert!(risks[0].starts_with("px-ch, px-nl: what runs is of r42"), "{risks:?}");
        assert!(risks[0].contains("this working copy is of r41: `svn update` first"), "{risks:?}");
    }

    #[test]
    fn what_another_admin_machine_has_pushed_and_nobody_committed_is_told() {
        let risks = told("r41", &["hosts/default.nix"], &plan("r41"), "admin-ch");
        assert!(risks[0].contains("changes of hosts/default.nix that are in no revision"), "{risks:?}");
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
        assert!(risks[0].starts_with("px-ch, px-nl: what alice@admin-nl took back (rollback p1)"), "{risks:?}");
        assert_eq!(told_of("rollback", "/other", "r41", &[], &plan("r41"), "admin-nl"), [""; 0]);
    }
}
