//! `drain`, `ready`, `maint`: sets the operator state of a backend or pool member in every daemon that has it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::args::{FleetArg, parse_length};
use super::command::{Command, CommandResult, Outcome, note_on_peers, report, send_all};
use super::endpoint::Endpoint;
use super::exit::Exit;
use super::output::{Output, complain};
use super::replies::{DaemonReply, ask_all};
use super::times::time_of_day;
use crate::api::daemon::Daemon;
use crate::api::operator::{OperatorCommand, OperatorState};
use crate::config::near_miss::did_you_mean;

/// What `ready` takes, and `drain` and `maint` too.
#[derive(Debug, Clone, clap::Args)]
pub struct TargetArgs {
    /// A backend or member by name (`web1`: wherever it is used), or one use of it (`www/web1`, `http0.l.example.net/px-nl1`)
    #[arg(value_name = "NAME")]
    pub subject: String,
    /// Why, for those who look at the status later
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub why: String,
    #[command(flatten)]
    /// Which fleet, on an admin machine.
    pub fleet: FleetArg,
}

/// What `drain` and `maint` take.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "`drain` refuses the active backend of a stateful service, with --force too: `polder failover SERVICE` moves it first."
)]
pub struct StateArgs {
    #[command(flatten)]
    /// Of what.
    pub target: TargetArgs,
    /// For how long, then ready again: `90s`, `10m`, `2h30m`, `1d`
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_length)]
    pub lasting: Option<Duration>,
    /// Even if it is the last one that serves
    #[arg(long)]
    pub force: bool,
}

impl From<TargetArgs> for StateArgs {
    fn from(target: TargetArgs) -> StateArgs {
        StateArgs { target, lasting: None, force: false }
    }
}

/// Who gives the command: `USER@HOST`.
pub fn who() -> String {
    let uid = nix::unistd::getuid();
    let named = || nix::unistd::User::from_uid(uid).ok().flatten().map(|user| user.name);
    let user = std::env::var("SUDO_USER").ok().or_else(named).unwrap_or_else(|| format!("uid {uid}"));
    let host =
        nix::unistd::gethostname().map_or_else(|_| "unknown".to_owned(), |host| host.to_string_lossy().into_owned());
    format!("{user}@{host}")
}

/// Sets the state in every daemon that has the subject, and reports each.
pub async fn run(state: OperatorState, args: &StateArgs, daemons: &[Endpoint], output: &Output) -> Exit {
    let replies = ask_all(daemons).await;
    let subjects = find_subjects(&args.target.subject, &replies);
    if subjects.is_empty() {
        return unknown(&args.target.subject, &replies, output);
    }
    let results = send_all(commands(state, args, &replies, &subjects)).await;
    let closing = results.iter().filter_map(|one| one.cached_until).max().map_or_else(String::new, expiry_line);
    let missed = missed_nameservers(&results, &replies, state).unwrap_or_else(|| note_on_peers(&results).to_owned());
    report(&results, output, &format!("{closing}{missed}"))
}

/// What nameservers that were not reached go on answering, and for how long. `None` if all were reached.
fn missed_nameservers(results: &[CommandResult], replies: &[DaemonReply], state: OperatorState) -> Option<String> {
    let pools = || replies.iter().filter_map(DaemonReply::nameserver).flat_map(|status| &status.pools);
    let ttl_of = |subject: &str| {
        let named = pools().filter(|pool| subject.strip_prefix(&pool.name).is_some_and(|rest| rest.starts_with('/')));
        named.map(|pool| pool.ttl).max()
    };
    let missed = results.iter().filter(|one| one.outcome == Outcome::Missed);
    let missed: Vec<(&str, u32)> =
        missed.filter_map(|one| Some((one.daemon.as_str(), ttl_of(&one.subject)?))).collect();
    let ttl = missed.iter().map(|(_, ttl)| *ttl).max()?;
    let mut names: Vec<&str> = missed.iter().map(|(name, _)| *name).collect();
    names.dedup();
    let cached = match state {
        OperatorState::Ready => String::new(),
        _ => format!("; resolvers may keep such an answer for {ttl} s more"),
    };
    Some(format!(
        "Not reached: {}. A nameserver that runs all the same goes on answering as before until its peers tell it{cached}.\n",
        names.join(", ")
    ))
}

/// The subjects that a name stands for, each with the kind of daemon that has it.
pub(super) fn find_subjects(named: &str, replies: &[DaemonReply]) -> BTreeMap<String, Daemon> {
    let mut subjects = known_subjects(replies);
    let suffix = format!("/{named}");
    subjects.retain(|subject, _| subject == named || subject.ends_with(&suffix));
    subjects
}

/// Every `SERVICE/BACKEND` and `POOL/MEMBER` that any daemon has.
fn known_subjects(replies: &[DaemonReply]) -> BTreeMap<String, Daemon> {
    let mut subjects = BTreeMap::new();
    for status in replies.iter().filter_map(DaemonReply::proxy) {
        for service in &status.services {
            let uses = service.backends.iter().map(|backend| format!("{}/{}", service.name, backend.name));
            subjects.extend(uses.map(|subject| (subject, Daemon::Proxy)));
        }
    }
    for status in replies.iter().filter_map(DaemonReply::nameserver) {
        for pool in &status.pools {
            let uses = pool.members.iter().map(|member| format!("{}/{}", pool.name, member.name));
            subjects.extend(uses.map(|subject| (subject, Daemon::Nameserver)));
        }
    }
    subjects
}

fn commands(
    state: OperatorState,
    args: &StateArgs,
    replies: &[DaemonReply],
    subjects: &BTreeMap<String, Daemon>,
) -> Vec<Command> {
    let mut commands = Vec::new();
    for (subject, role) in subjects {
        let command = OperatorCommand {
            subject: subject.clone(),
            state,
            who: who(),
            why: args.target.why.clone(),
            for_ms: args.lasting.map(|lasting| lasting.as_millis() as u64),
            force: args.force,
        };
        let body = serde_json::json!(command);
        // A daemon that did not answer and whose kind is not known gets it too: better refused than missed.
        let recipients = replies.iter().filter(|one| one.role().is_none_or(|known| known == *role));
        commands.extend(recipients.map(|one| Command::new(one, subject, "/operator", body.clone())));
    }
    commands
}

fn expiry_line(until: u64) -> String {
    let left = until.saturating_sub(crate::unix_time::unix_ms()).div_ceil(1000);
    format!("The last cached answer that names it expires at {} (in {left} s).\n", time_of_day(until))
}

fn unknown(named: &str, replies: &[DaemonReply], output: &Output) -> Exit {
    if replies.iter().all(|one| one.role().is_none() || (one.proxy().is_none() && one.nameserver().is_none())) {
        return output.could_not("no daemon answered; `polder status` tells why");
    }
    let known: Vec<String> = known_subjects(replies).into_keys().collect();
    // The name of a backend or member first: it is meant wherever that is used.
    let names = known.iter().filter_map(|subject| subject.rsplit_once('/')).map(|(_, name)| name);
    let meant = did_you_mean(named, names.chain(known.iter().map(String::as_str)));
    complain(&format!("no daemon has a backend or pool member {named:?}{meant} (there are {})", known.join(", ")));
    if output.is_json() {
        output.answer(&serde_json::json!({ "error": "unknown", "known": known }), "");
    }
    Exit::No
}

#[cfg(test)]
mod tests;
