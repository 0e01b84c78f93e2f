//! `dnstap`: switches on one nameserver whether queries and responses go to its receiver.

use clap::ValueEnum;

use super::args::DaemonsArg;
use super::caller::who;
use super::command::{Command, report, send_all};
use super::endpoint::Endpoint;
use super::exit::Exit;
use super::named::not_known;
use super::output::Output;
use super::replies::{DaemonReply, ask_all};
use crate::api::daemon::Daemon;
use crate::api::dns::DnstapCommand;

/// What `dnstap` takes.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = HELP)]
pub struct DnstapArgs {
    /// The nameserver
    #[arg(value_name = "NAMESERVER")]
    pub name: String,
    /// Whether queries and responses go to the receiver
    #[arg(value_name = "on|off")]
    pub switch: Switch,
    /// Why, for those who look at the status later
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub why: String,
    #[command(flatten)]
    /// Which daemons are asked.
    pub daemons: DaemonsArg,
}

/// The switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// They go there.
    On,
    /// They do not.
    Off,
}

const HELP: &str = "Where the receiver listens, which messages it gets and how many of them stands in the document (`dnstap` of dns.json). The switch \
holds until the nameserver is restarted: reloads and takeovers leave it alone. `polder status NAMESERVER` says how it fares.
Exit codes: 0 it is so, 1 the nameserver refused, 3 it was not reached.";

/// Sends it to that nameserver.
pub async fn run(args: &DnstapArgs, daemons: &[Endpoint], output: &Output) -> Exit {
    let mut replies = ask_all(daemons).await;
    replies.retain(|one| one.role() != Some(Daemon::Proxy));
    let Some(to) = replies.iter().find(|one| one.name() == args.name) else {
        let known: Vec<String> = replies.iter().map(DaemonReply::name).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        return output.refuse(&not_known("no nameserver is named", &args.name, &known), Exit::No);
    };
    let body = DnstapCommand { on: args.switch == Switch::On, who: who(), why: args.why.clone() };
    let command = Command::new(to, "dnstap", "/dnstap", serde_json::json!(body));
    report(&send_all(vec![command]).await, output, "")
}
