//! Finds what a push would undo by accident (pure): others may have deployed what this working copy lacks, or may have rolled back what
//! it still has.

use std::collections::BTreeMap;

use crate::push::ledger::{Entry, Event, Kind, Outcome, Record};
use crate::push::pipeline::plan::Plan;

/// A risk for each push or rollback that a plan may undo. `last` has the last confirmed activation of each host, `admin` is the
/// machine that plans.
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
    format!("this push would bring back what {who} rolled back ({push}): the working copy still has it")
}

fn taken_back(plan: &Plan, deployed: &Record, is_ours: bool) -> Option<String> {
    let Record { push, who, local_changes, revision, .. } = deployed;
    let (theirs, ours) = (number(revision.as_deref()), number(plan.revision.as_deref()));
    if let (Some(theirs), Some(ours)) = (theirs, ours)
        && theirs > ours
    {
        return Some(format!(
            "r{theirs} is running (push {push} by {who}), and this working copy is at r{ours}: run `svn update` first, or this \
             push undoes what was committed in between"
        ));
    }
    // If this working copy is at another revision, their changes will have been committed. Our own changes are known here.
    if *revision != plan.revision || local_changes.is_empty() || is_ours {
        return None;
    }
    let files: Vec<String> = local_changes.iter().map(|file| file.display().to_string()).collect();
    let deferred = if deployed.deferred { "; its commit is deferred" } else { "" };
    Some(format!(
        "what is running has changes to {} that are in no revision (push {push} by {who}{deferred}): this push undoes \
         those that this working copy lacks",
        files.join(", ")
    ))
}

/// The number of a Subversion revision: only those have an order.
fn number(revision: Option<&str>) -> Option<u64> {
    revision?.strip_prefix('r')?.parse().ok()
}

#[cfg(test)]
mod tests;
