//! `forget`: drops an operator state or the place of a latch that somebody set who should not have, on all daemons.

use std::collections::BTreeSet;

use serde_json::json;

use super::args::DaemonsArg;
use super::caller::who;
use super::command::{Command, CommandResult, Outcome, report, send_all};
use super::endpoint::Endpoint;
use super::exit::Exit;
use super::failover::{known_service, to_proxies};
use super::output::Output;
use super::replies::{DaemonReply, ask_all};
use super::subjects::{find_subjects, known_subjects};
use crate::api::operator::{ForgetCommand, ForgetTarget};
use crate::config::near_miss::did_you_mean;

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
    /// Which daemons are asked.
    pub daemons: DaemonsArg,
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
    let is_known = !find_subjects(&args.name, &replies).is_empty();
    let results = send_all(commands(args, &replies)).await;
    let (known, unknown): (Vec<CommandResult>, Vec<CommandResult>) =
        results.into_iter().partition(|one| one.outcome != Outcome::Refused);
    if known.is_empty() && !is_known {
        let subjects = known_subjects(&replies);
        let names = subjects.keys().filter_map(|subject| subject.rsplit_once('/')).map(|(_, name)| name);
        let meant = did_you_mean(&args.name, names.chain(subjects.keys().map(String::as_str)));
        let more = serde_json::Map::from_iter([("told".to_owned(), json!(unknown))]);
        let why = format!(
            "{:?}: nothing is known of it{meant}; what is in no document any more is named with its service or pool, as www/web9",
            args.name
        );
        return output.refuse_with(&why, more, Exit::No);
    }
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
