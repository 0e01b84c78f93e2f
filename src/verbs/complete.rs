//! `complete` (hidden): the names that a shell may put where the cursor is: asked of the daemons, and of nobody for long.
//!
//! Must never hold up or write into a shell: what is not known in time is not said, and neither is why.

use std::collections::BTreeSet;
use std::sync::mpsc;
use std::time::Duration;

use clap::Command;

use super::args::DaemonsArg;
use super::daemons::nearby;
use super::exit::Exit;
use super::replies::{DaemonReply, ask_all};
use crate::demo;
use crate::demo::drill::rows::ROWS;
use crate::fleet::Fleet;
use crate::log_line;
use crate::push::admin::known_fleet;

/// What `complete` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct CompleteArgs {
    /// The words after `polder`, up to the one at the cursor
    #[arg(last = true)]
    pub words: Vec<String>,
}

/// A shell is kept waiting no longer.
const LIMIT: Duration = Duration::from_millis(400);

/// And no daemon is waited for longer: the names of those that answer are there in time.
const DAEMON_LIMIT: Duration = Duration::from_millis(250);

/// What kind of names belongs at a place of a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Backends and members, alone and with their service or pool.
    Subjects,
    Stateful,
    Backends,
    Daemons,
    /// Hosts of services.
    Sites,
    Zones,
    /// Machines of the fleet.
    Machines,
    /// Rows of the drill.
    Rows,
    EventKinds,
    /// What can be broken in the demo.
    DemoParts,
    Everything,
}

/// Prints them, a line each.
pub fn run(args: &CompleteArgs, command: &Command) -> Exit {
    let Some(kind) = kind(&args.words, command) else { return Exit::Done };
    let (sender, names) = mpsc::channel();
    // It ends with the process, wherever it is then.
    std::thread::spawn(move || sender.send(gathered(kind)));
    let begun = args.words.last().map_or("", String::as_str);
    for name in names.recv_timeout(LIMIT).unwrap_or_default() {
        if name.starts_with(begun) {
            super::output::Output::new(false).answer(&(), &format!("{name}\n"));
        }
    }
    Exit::Done
}

/// The kind of names that the last word may be (pure).
fn kind(words: &[String], command: &Command) -> Option<Kind> {
    let (at_cursor, before) = words.split_last()?;
    if at_cursor.starts_with('-') {
        return None;
    }
    let verb = before.iter().find(|word| !word.starts_with('-'))?.as_str();
    match before.last().map(String::as_str) {
        Some("--service" | "--about") => return Some(Kind::Everything),
        Some("--kind") if verb == "events" => return Some(Kind::EventKinds),
        Some("--to") if verb == "failover" => return Some(Kind::Backends),
        Some("--only") if verb == "drill" => return Some(Kind::Rows),
        Some("--only" | "--skip" | "--also") => return Some(Kind::Machines),
        Some(option) if takes_value(command, verb, option) => return None,
        _ => {}
    }
    match verb {
        "drain" | "ready" | "maint" => Some(Kind::Subjects),
        "failover" | "failback" => Some(Kind::Stateful),
        "forget" if before.iter().any(|word| word == "--latch") => Some(Kind::Stateful),
        "forget" => Some(Kind::Subjects),
        "status" => Some(Kind::Everything),
        "reload" => Some(Kind::Daemons),
        "dnstap" if before.len() == 1 => Some(Kind::Daemons),
        "explain" => Some(Kind::Sites),
        "serial" => Some(Kind::Zones),
        "dnssec" if before.len() == 2 => Some(Kind::Zones),
        "demo" if before.len() > 1 => Some(Kind::DemoParts),
        "agreement" if before.len() > 1 => Some(Kind::Machines),
        "log" | "rollback" | "bootstrap" => Some(Kind::Machines),
        _ => None,
    }
}

/// Whether the word behind this one is its value: some text, file or time.
fn takes_value(command: &Command, verb: &str, option: &str) -> bool {
    let Some((verb, name)) = command.find_subcommand(verb).zip(option.strip_prefix("--")) else { return false };
    verb.get_arguments().any(|one| one.get_long() == Some(name) && one.get_action().takes_values())
}

fn gathered(kind: Kind) -> BTreeSet<String> {
    let known: Option<BTreeSet<String>> = match kind {
        Kind::Rows => Some(ROWS.iter().map(|row| row.name.to_owned()).collect()),
        Kind::EventKinds => Some(log_line::Kind::ALL.map(|kind| kind.name().to_owned()).into()),
        Kind::DemoParts => Some(demo::parts().collect()),
        _ => None,
    };
    if let Some(known) = known {
        return known;
    }
    let mut names = known_fleet::admin()
        .ok()
        .flatten()
        .and_then(|admin| known_fleet::load(&admin).ok())
        .map(|fleet| of_fleet(kind, &fleet))
        .unwrap_or_default();
    names.extend(of_replies(kind, &replies()));
    names
}

/// What the daemons say that can be reached from here without another machine.
fn replies() -> Vec<DaemonReply> {
    let Ok(args) = DaemonsArg::default().or_environment() else { return Vec::new() };
    let mut daemons = nearby(&args);
    daemons.iter_mut().for_each(|daemon| daemon.limit = DAEMON_LIMIT);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map(|runtime| runtime.block_on(ask_all(&daemons))).unwrap_or_default()
}

/// The names of a fleet that was evaluated here (pure).
fn of_fleet(kind: Kind, fleet: &Fleet) -> BTreeSet<String> {
    match kind {
        Kind::Machines | Kind::Everything | Kind::Subjects => fleet.hosts.keys().cloned().collect(),
        Kind::Zones => fleet.zones.keys().cloned().collect(),
        _ => BTreeSet::new(),
    }
}

/// The names that daemons have (pure).
fn of_replies(kind: Kind, replies: &[DaemonReply]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let has = |kinds: &[Kind]| kind == Kind::Everything || kinds.contains(&kind);
    for service in replies.iter().filter_map(DaemonReply::proxy).flat_map(|status| &status.services) {
        if has(&[]) || (kind == Kind::Stateful && service.latch.is_some()) {
            names.insert(service.name.clone());
        }
        for backend in &service.backends {
            if has(&[Kind::Subjects]) || (kind == Kind::Backends && service.latch.is_some()) {
                names.insert(backend.name.clone());
            }
            if has(&[Kind::Subjects]) {
                names.insert(format!("{}/{}", service.name, backend.name));
            }
        }
        if has(&[Kind::Sites]) {
            names.extend(service.hosts.iter().cloned());
        }
    }
    for status in replies.iter().filter_map(DaemonReply::nameserver) {
        for pool in status.pools.iter().filter(|_| has(&[Kind::Subjects])) {
            names.extend(pool.members.iter().flat_map(|one| [one.name.clone(), format!("{}/{}", pool.name, one.name)]));
        }
        if has(&[Kind::Zones]) {
            names.extend(status.zones.iter().map(|zone| zone.name.clone()));
        }
    }
    if has(&[Kind::Daemons]) {
        names.extend(replies.iter().filter(|one| one.answer.is_ok()).map(DaemonReply::name));
    }
    names
}

#[cfg(test)]
mod tests;
