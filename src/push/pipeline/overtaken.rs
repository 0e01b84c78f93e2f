//! What a push would undo unawares (pure): others may have deployed what this working copy has not got, or have taken back what
//! it still has.

use std::collections::BTreeMap;

use crate::push::ledger::{Entry, Event, Kind, Outcome, Record};
use crate::push::pipeline::plan::Plan;

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
    // Of a later revision here, their changes will have been committed; of our own we know.
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

/// Of Subversion's revisions alone one can say which is later.
fn number(revision: Option<&str>) -> Option<u64> {
    revision?.strip_prefix('r')?.parse().ok()
}

#[cfg(test)]
mod tests;
