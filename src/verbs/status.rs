//! `status`: every daemon, service, latch, pool and alarm on one screen; exit 1 if anything is not well.
//!
//! What checks say and what the operator says stand side by side, never merged: an operator sees whether a target is
//! down, or taken out.

mod drift;
mod findings;
mod fleet;
mod tables;

use serde::Serialize;

use super::daemons::Selection;
use super::exit::Exit;
use super::output::{Output, Tone};
use super::replies::{DaemonReply, ask_all};
use crate::api::status::Status;
use fleet::Fleet;

/// Asks every daemon and shows it all; on an admin machine, the hosts and the working copy too.
pub async fn run(found: &Selection, output: &Output) -> Exit {
    let asked = ask_all(&found.daemons).await;
    let fleet = found.fleet.as_ref().map(Fleet::gather);
    let mut findings = fleet.as_ref().map(Fleet::findings).unwrap_or_default();
    // A host that is not reached explains its daemons.
    let explained = |asked: &DaemonReply| asked.endpoint.unreachable.is_some();
    findings.extend(findings::all(asked.iter().filter(|one| !explained(one))));
    let daemons: Vec<_> = asked.iter().map(status_json).collect();
    let mut answer = serde_json::json!({ "well": findings.is_empty(), "findings": findings, "daemons": daemons });
    if let Some(fleet) = &fleet {
        answer["fleet"] = serde_json::json!(fleet);
    }
    let hosts = fleet.as_ref().map(Fleet::screen);
    output.answer(&answer, &joined(hosts.into_iter().chain(parts(&asked)).chain([alarms(&findings)])));
    match () {
        () if asked.iter().all(|one| one.answer.is_err()) && fleet.is_none() => Exit::CouldNot,
        () if findings.is_empty() => Exit::Done,
        () => Exit::No,
    }
}

/// The daemons' screen for people.
pub fn screen(asked: &[DaemonReply]) -> String {
    joined(parts(asked).into_iter().chain([alarms(&findings::all(asked))]))
}

fn parts(asked: &[DaemonReply]) -> [String; 3] {
    [tables::daemons(asked), tables::services(asked), tables::pools(asked)]
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

#[derive(Serialize)]
#[serde(untagged)]
enum StatusJson<'a> {
    Proxy(&'a crate::api::proxy::Status),
    Nameserver(&'a crate::api::dns::Status),
    None { name: String, error: String },
}

fn status_json(asked: &DaemonReply) -> StatusJson<'_> {
    match &asked.answer {
        Ok(Status::Proxy(status)) => StatusJson::Proxy(status),
        Ok(Status::Nameserver(status)) => StatusJson::Nameserver(status),
        Err(error) => StatusJson::None { name: asked.name(), error: error.to_string() },
    }
}

#[cfg(test)]
pub(super) mod tests;
