//! `status`: every daemon, service, latch, pool and alarm on one screen; exit 1 if anything is not well.
//!
//! What checks say and what the operator says stand side by side, never merged: an operator sees whether a target is
//! down, or taken out.

mod drift;
#[cfg(test)]
pub mod examples;
mod findings;
mod fleet;
mod tables;

use serde::Serialize;

use super::Exit;
use super::daemons::{Asked, Found, ask_all};
use super::output::{Output, Tone};
use super::reach::FleetArg;
use crate::api::status::Status;
use fleet::Fleet;

/// What `status` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct StatusArgs {
    #[command(flatten)]
    /// Which fleet, on an admin machine.
    pub fleet: FleetArg,
}

/// Asks every daemon and shows it all; on an admin machine, the hosts and the working copy too.
pub async fn run(found: &Found, output: &Output) -> Exit {
    let asked = ask_all(&found.daemons).await;
    let fleet = found.fleet.as_ref().map(Fleet::gather);
    let mut findings = fleet.as_ref().map(Fleet::findings).unwrap_or_default();
    // A host that is not reached explains its daemons.
    let explained = |asked: &Asked| asked.located.silent.is_some();
    findings.extend(findings::all(asked.iter().filter(|one| !explained(one))));
    let daemons: Vec<_> = asked.iter().map(for_machines).collect();
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
pub fn screen(asked: &[Asked]) -> String {
    joined(parts(asked).into_iter().chain([alarms(&findings::all(asked))]))
}

fn parts(asked: &[Asked]) -> [String; 3] {
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
enum ForMachines<'a> {
    Proxy(&'a crate::api::proxy::Status),
    Nameserver(&'a crate::api::dns::Status),
    None { name: String, error: &'a str },
}

fn for_machines(asked: &Asked) -> ForMachines<'_> {
    match &asked.answer {
        Ok(Status::Proxy(status)) => ForMachines::Proxy(status),
        Ok(Status::Nameserver(status)) => ForMachines::Nameserver(status),
        Err(error) => ForMachines::None { name: asked.name(), error },
    }
}

/// A moment as the operator's clock shows it: `HH:MM:SS`, in UTC with a `Z`.
pub fn time_of_day(unix_ms: u64) -> String {
    jiff::Timestamp::from_millisecond(unix_ms as i64)
        .map_or_else(|_| "an unknown time".to_owned(), |moment| moment.strftime("%H:%M:%SZ").to_string())
}

/// A moment with its day: `2026-11-26 12:05:48Z`.
pub fn moment(unix_ms: u64) -> String {
    jiff::Timestamp::from_millisecond(unix_ms as i64)
        .map_or_else(|_| "an unknown time".to_owned(), |moment| moment.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// How long ago, in the largest unit that says enough: `12s`, `5m`, `3h`, `2d`.
pub fn ago(unix_ms: u64) -> String {
    let seconds = crate::unix_time::unix_ms().saturating_sub(unix_ms) / 1000;
    span(seconds)
}

/// Seconds in the largest unit that says enough.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests;
