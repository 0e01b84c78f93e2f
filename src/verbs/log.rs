//! `log`: shows what was pushed to the hosts, from their ledgers and from the copies of them on this machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::args::{FleetArg, parse_number};
use super::exit::Exit;
use super::ledger_text::{revision, short};
use super::named::not_known;
use super::output::{Output, Table, Tone, cell, complain, toned};
use super::plan::short_hash;
use super::reach::Reach;
use super::times::moment;
use crate::push::admin::copies;
use crate::push::admin::known_fleet;
use crate::push::error::Error;
use crate::push::host::machine;
use crate::push::host::paths::HostPaths;
use crate::push::ledger::{Entry, Event, Kind, Ledger, Outcome};
use crate::push::protocol::{Answer, Question};
use crate::push::remote::gates::ask_all;
use crate::push::remote::no_answer::NoAnswer;
use crate::push::remote::no_answer::unexpected;

/// How long a host may take to send its ledger.
const LIMIT: Duration = Duration::from_secs(10);

/// How many entries of a host are fetched, however few are shown, so that the copies have no gaps.
const ASKED: usize = 500;

/// The arguments of `log`.
#[derive(Debug, Clone, clap::Args)]
pub struct LogArgs {
    /// Show only this host
    pub host: Option<String>,
    /// Show at most this many entries
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = |text: &str| parse_number(text, 1..=ASKED), allow_hyphen_values = true)]
    pub last: usize,
    #[command(flatten)]
    /// Which fleet.
    pub fleet: FleetArg,
}

/// Runs `log`: fetches the ledgers, updates the copies, shows the entries.
pub fn run(args: &LogArgs, output: &Output) -> Result<Exit, Error> {
    let here = HostPaths::of_this_machine();
    if known_fleet::admin() == Ok(None) && here.state.is_dir() {
        return show_own_ledger(&here, args, output);
    }
    let reach = Reach::new(&args.fleet)?;
    let hosts = match &args.host {
        Some(host) if !reach.fleet.hosts.contains_key(host) => {
            let known: Vec<&str> = reach.fleet.hosts.keys().map(String::as_str).collect();
            return Err(Error::new(not_known("the fleet has no host", host, &known)));
        }
        Some(host) => vec![host.clone()],
        None => reach.fleet.hosts.keys().cloned().collect(),
    };
    let folder = copies::folder(&reach.admin.state_dir);
    let silent = fetch(&reach, &hosts, &folder);
    let entries = newest(copied_entries(&hosts, &folder)?, args.last);
    show(&entries, &silent, output);
    for (host, why) in &silent {
        complain(&format!("{host} does not answer, so this is from our copy of its ledger: {why}"));
    }
    Ok(if silent.len() == hosts.len() && entries.is_empty() { Exit::CouldNot } else { Exit::Done })
}

/// On a host that is not an admin machine: shows its own ledger, for when no admin machine can reach it.
fn show_own_ledger(paths: &HostPaths, args: &LogArgs, output: &Output) -> Result<Exit, Error> {
    let own = machine::host_name();
    if let Some(other) = args.host.as_ref().filter(|host| **host != own) {
        return Err(Error::new(format!(
            "this is not an admin machine: it has its own ledger ({own}), but not that of {other}"
        )));
    }
    let ledger = Ledger::new(paths.ledger());
    let file = ledger.file().display();
    let entries = ledger.entries().map_err(|error| Error::at(&file, error).remedy("root may read it"))?;
    let entries = entries.into_iter().map(|entry| (own.clone(), entry)).collect();
    show(&newest(entries, args.last), &BTreeMap::new(), output);
    if let Ok(Some(line)) = ledger.broken_at() {
        complain(&format!(
            "{file}: the hash chain breaks at a line: a write was interrupted there, or lines were changed or removed: {line}"
        ));
    }
    Ok(Exit::Done)
}

fn show(entries: &[(String, Entry)], silent: &BTreeMap<String, String>, output: &Output) {
    let machine: Vec<_> = entries.iter().map(|(host, entry)| json!({ "host": host, "entry": entry })).collect();
    let text = if entries.is_empty() { "nothing was pushed yet\n".to_owned() } else { table(entries) };
    output.answer(&json!({ "entries": machine, "silent": silent }), &text);
}

/// Adds the hosts' entries to the copies here. Returns the hosts that did not answer, and why.
fn fetch(reach: &Reach, hosts: &[String], folder: &Path) -> BTreeMap<String, String> {
    let answers = ask_all(&*reach.remotes, hosts, &Question::Ledger { last: ASKED }, LIMIT);
    let failed = |(host, answer): (&String, Result<Answer, NoAnswer>)| {
        let why = match answer {
            Ok(Answer::Ledger { entries }) => match copies::keep(folder, host, &entries) {
                Ok(()) => return None,
                Err(error) => format!("the copy of its ledger cannot be written: {error}"),
            },
            other => unexpected(other).to_string(),
        };
        Some((host.clone(), why))
    };
    hosts.iter().zip(answers).filter_map(failed).collect()
}

fn copied_entries(hosts: &[String], folder: &Path) -> Result<Vec<(String, Entry)>, Error> {
    let mut all = Vec::new();
    for host in hosts {
        let ledger = copies::of_host(folder, host);
        let entries = ledger.entries().map_err(|error| Error::at(ledger.file().display(), error))?;
        all.extend(entries.into_iter().map(|entry| (host.clone(), entry)));
    }
    Ok(all)
}

/// The last entries of all hosts, oldest first.
fn newest(mut entries: Vec<(String, Entry)>, count: usize) -> Vec<(String, Entry)> {
    entries.sort_by(|(a, one), (b, other)| (one.at, a).cmp(&(other.at, b)));
    entries.split_off(entries.len().saturating_sub(count))
}

fn table(entries: &[(String, Entry)]) -> String {
    let mut table = Table::new(&["WHEN", "HOST", "PUSH", "WHO", "REVISION", "PLAN", "SYSTEM", "OUTCOME", "WORDS"]);
    for (host, entry) in entries {
        let dash = || cell("-");
        let (who, [push, revision, plan, system], outcome, words) = match &entry.event {
            Event::Activation { record, before, system, outcome, words } => {
                let plan = if record.plan.is_empty() { "-" } else { short_hash(&record.plan) };
                let systems = format!("{} -> {}", short(before), short(system));
                let push = [cell(&record.push), cell(revision(record)), cell(plan), cell(systems)];
                (&record.who, push, toned(outcome_text(record.kind, *outcome), tone(*outcome)), words.clone())
            }
            Event::LockBroken { who, why, holder, reason } => {
                let words = format!("{why}; it was held by {holder}: {reason}");
                (who, [dash(), dash(), dash(), dash()], toned("lock broken", Tone::Notable), words)
            }
            Event::KeyPut { who, name, fingerprints } => {
                let words = format!("{name}: {}", fingerprints.join(", "));
                (who, [dash(), dash(), dash(), dash()], cell("keys"), words)
            }
        };
        let who = cell(format!("{who} from {}", entry.from));
        table.row(vec![cell(moment(entry.at)), cell(host), push, who, revision, plan, system, outcome, cell(words)]);
    }
    table.render()
}

fn outcome_text(kind: Kind, outcome: Outcome) -> String {
    match kind {
        Kind::Push => outcome.name().to_owned(),
        Kind::Rollback => format!("rollback {}", outcome.name()),
    }
}

fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Confirmed => Tone::Good,
        Outcome::Reverted => Tone::Notable,
        Outcome::Stuck => Tone::Bad,
    }
}

#[cfg(test)]
mod tests;
