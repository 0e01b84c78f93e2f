//! `forget`: undoes what somebody said or moved who should not have: on all daemons side by side.

use std::collections::BTreeSet;

use serde_json::json;

use super::args::FleetArg;
use super::endpoint::Located;
use super::exit::Exit;
use super::failover::{known_service, to_proxies};
use super::operator::{find_subjects, who};
use super::output::Output;
use super::replies::{Asked, ask_all};
use super::tell::{Outcome, PROMPT, Telling, Told, report, tell_all};
use crate::api::operator::{ForgetCommand, ForgetTarget};

/// What `forget` takes.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "After a host was broken into: take its key out of the fleet and push, then forget what it said. Where a \
    daemon was not reached, say it again when it is back."
)]
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

/// Tells every daemon and reports each.
pub async fn run(args: &ForgetArgs, daemons: &[Located], output: &Output) -> Exit {
    let asked = ask_all(daemons).await;
    if args.latch {
        if let Err(exit) = known_service(&args.name, &asked, output) {
            return exit;
        }
        let body = body(ForgetTarget::Latch(args.name.clone()), &args.why);
        return report(&tell_all(to_proxies(&asked, &args.name, "/forget", &body)).await, output, "");
    }
    let told = tell_all(tellings(args, &asked)).await;
    let (knew, lacked): (Vec<Told>, Vec<Told>) = told.into_iter().partition(|one| one.outcome != Outcome::Refused);
    // A daemon of the other kind, or one that has never heard of it, has nothing to forget.
    report(if knew.is_empty() { &lacked } else { &knew }, output, "")
}

fn tellings(args: &ForgetArgs, asked: &[Asked]) -> Vec<Telling> {
    let mut subjects: BTreeSet<String> = find_subjects(&args.name, asked).into_keys().collect();
    if subjects.is_empty() {
        subjects.insert(args.name.clone());
    }
    let telling = |subject: &String, one: &Asked| Telling {
        to: one.located.clone(),
        name: one.name(),
        subject: subject.clone(),
        path: "/forget",
        body: body(ForgetTarget::Subject(subject.clone()), &args.why),
        limit: PROMPT,
    };
    subjects.iter().flat_map(|subject| asked.iter().map(move |one| telling(subject, one))).collect()
}

fn body(what: ForgetTarget, why: &str) -> serde_json::Value {
    json!(ForgetCommand { what, who: who(), why: why.to_owned() })
}
