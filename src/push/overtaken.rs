//! What a push would take back unawares (pure): others may have deployed what this working copy has not got.

use std::collections::BTreeMap;

use super::ledger::{Entry, Event, Kind, Outcome, Record};
use super::plan::Plan;

/// A risk line for each push whose changes a plan may take back: `last` is what each host's ledger says of the system that was
/// confirmed last, `admin` the machine that plans.
pub fn overtaken(plan: &Plan, last: &BTreeMap<String, Entry>, admin: &str) -> Vec<String> {
    let mut risks: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for host in plan.changed() {
        let Some(entry) = last.get(&host) else { continue };
        let Event::Activation { record, system, outcome: Outcome::Confirmed, .. } = &entry.event else { continue };
        if *system != plan.hosts[&host].before || record.kind != Kind::Push {
            continue;
        }
        if let Some(words) = taken_back(plan, record, entry.from == admin) {
            risks.entry(words).or_default().push(host);
        }
    }
    risks.into_iter().map(|(words, hosts)| format!("{}: {words}", hosts.join(", "))).collect()
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
        let entry: Entry =
            serde_json::from_value(json!({ "at": 1, "from": "admin-nl", "event": "activation", "push": "p1",
            "kind": "push", "who": "alice@admin-nl", "revision": revision, "local_changes": changes, "deferred": true,
            "plan": "", "before": "/older", "system": "/old", "outcome": "confirmed" }))
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
}
