//! `status`: every daemon, service, latch, pool and alarm on one screen; exit 1 if anything is not well.
//!
//! What checks say and what the operator says stand side by side, never merged: an operator sees whether a target is
//! down, or taken out.

mod drift;
mod findings;
mod fleet;
mod tables;

use serde_json::{Value, json};

use super::daemons::Selection;
use super::exit::Exit;
use super::output::{Output, Tone};
use super::replies::{DaemonReply, ask_all};
use crate::unix_time::unix_ms;
use fleet::Fleet;

/// Asks every daemon and shows it all; on an admin machine, the hosts and the working copy too.
pub async fn run(selection: &Selection, output: &Output) -> Exit {
    let replies = ask_all(&selection.daemons).await;
    let fleet = selection.fleet.as_ref().map(Fleet::gather);
    let mut findings = fleet.as_ref().map(Fleet::findings).unwrap_or_default();
    // A host that is not reached explains its daemons.
    let is_explained = |reply: &DaemonReply| reply.endpoint.unreachable.is_some();
    findings.extend(findings::all(replies.iter().filter(|one| !is_explained(one))));
    let daemons: Vec<_> = replies.iter().map(status_json).collect();
    let mut answer = json!({ "well": findings.is_empty(), "findings": findings, "daemons": daemons });
    if let Some(fleet) = &fleet {
        answer["fleet"] = json!(fleet);
    }
    let hosts = fleet.as_ref().map(Fleet::screen);
    output.answer(&answer, &joined(hosts.into_iter().chain(parts(&replies)).chain([alarms(&findings)])));
    match () {
        () if replies.iter().all(|one| one.answer.is_err()) && fleet.is_none() => Exit::CouldNot,
        () if findings.is_empty() => Exit::Done,
        () => Exit::No,
    }
}

/// The daemons' screen for people.
pub fn screen(replies: &[DaemonReply]) -> String {
    joined(parts(replies).into_iter().chain([alarms(&findings::all(replies))]))
}

fn parts(replies: &[DaemonReply]) -> [String; 5] {
    [
        tables::daemons(replies),
        tables::services(replies),
        tables::without_backends(replies),
        tables::certificates(replies, unix_ms()),
        tables::pools(replies),
    ]
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

fn alarms(findings: &[String]) -> String {
    if findings.is_empty() {
        return format!("{}\n", Tone::Good.paint("All is well."));
    }
    findings.iter().map(|finding| format!("{} {}\n", Tone::Bad.paint("!"), super::output::printable(finding))).collect()
}

fn status_json(reply: &DaemonReply) -> Value {
    match &reply.answer {
        Ok(status) => json!(status),
        Err(error) => json!({ "name": reply.name(), "error": error }),
    }
}

#[cfg(test)]
pub(super) mod tests;
