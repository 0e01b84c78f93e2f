//! `forget`: drops an operator state or the place of a latch that somebody set who should not have, on all daemons.

use std::collections::BTreeSet;

use serde_json::json;

use super::args::FleetArg;
use super::caller::who;
use super::command::{Command, CommandResult, Outcome, report, send_all};
use super::endpoint::Endpoint;
use super::exit::Exit;
use super::failover::{known_service, to_proxies};
use super::output::Output;
use super::replies::{DaemonReply, ask_all};
use super::subjects::find_subjects;
use crate::api::operator::{ForgetCommand, ForgetTarget};

/// What `forget` takes.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "After a host was broken into: take its key out of the fleet and push, then forget what it \
    set. If a daemon was not reached, run it again once that daemon is back.")]
pub struct ForgetArgs {
    /// A backend or member (`web1`, `www/web1`), also one that no document has any more; with --latch, a service
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Forget where the latch of this service is: it begins anew on its primary, and no backend counts as failed away from
    #[arg(long)]
    pub latch: bool,
    /// Why, for those who look at the status later
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub why: String,
    #[command(flatten)]
    /// Which fleet, on an admin machine.
    pub fleet: FleetArg,
}

/// Sends the command to every daemon and reports each.
pub async fn run(args: &ForgetArgs, daemons: &[Endpoint], output: &Output) -> Exit {
    let replies = ask_all(daemons).await;
    if args.latch {
        if let Err(exit) = known_service(&args.name, &replies, output) {
            return exit;
        }
        let body = body(ForgetTarget::Latch(args.name.clone()), &args.why);
        return report(&send_all(to_proxies(&replies, &args.name, "/forget", &body)).await, output, "");
    }
    let results = send_all(commands(args, &replies)).await;
    let (known, unknown): (Vec<CommandResult>, Vec<CommandResult>) =
        results.into_iter().partition(|one| one.outcome != Outcome::Refused);
    // A daemon of the other kind, or one that never had the state, refuses: there is nothing to forget.
    report(if known.is_empty() { &unknown } else { &known }, output, "")
}

fn commands(args: &ForgetArgs, replies: &[DaemonReply]) -> Vec<Command> {
    let mut subjects: BTreeSet<String> = find_subjects(&args.name, replies).into_keys().collect();
    if subjects.is_empty() {
        subjects.insert(args.name.clone());
    }
    let body = |subject: &String| body(ForgetTarget::Subject(subject.clone()), &args.why);
    let command = |subject: &String, one: &DaemonReply| Command::new(one, subject, "/forget", body(subject));
    subjects.iter().flat_map(|subject| replies.iter().map(move |one| command(subject, one))).collect()
}

fn body(what: ForgetTarget, why: &str) -> serde_json::Value {
    json!(ForgetCommand { what, who: who(), why: why.to_owned() })
}
