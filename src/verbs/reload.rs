//! `reload`: has daemons read their documents again, and shows the result of each.

use super::args::FleetArg;
use super::endpoint::Endpoint;
use super::exit::Exit;
use super::output::{Output, complain};
use super::replies::ask_all;
use super::tell::{Command, report, send_all};
use crate::daemon::reload::LONGEST;

/// What `reload` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct ReloadArgs {
    /// These daemons only; without a name, every one
    #[arg(value_name = "DAEMON")]
    pub names: Vec<String>,
    #[command(flatten)]
    /// Which fleet, on an admin machine.
    pub fleet: FleetArg,
}

/// Sends it to each. A daemon whose program was replaced by another build hands over to it, which may take a while.
pub async fn run(args: &ReloadArgs, daemons: &[Endpoint], output: &Output) -> Exit {
    let mut asked = ask_all(daemons).await;
    let unknown = args.names.iter().find(|name| asked.iter().all(|one| one.name() != **name));
    if let Some(unknown) = unknown {
        let known: Vec<String> = asked.iter().map(super::replies::DaemonReply::name).collect();
        complain(&format!("no daemon is named {unknown}; there are {}", known.join(", ")));
        return Exit::No;
    }
    asked.retain(|one| args.names.is_empty() || args.names.contains(&one.name()));
    let commands = asked.iter().map(|one| Command {
        to: one.endpoint.clone(),
        name: one.name(),
        subject: "document".to_owned(),
        path: "/reload",
        body: serde_json::json!({}),
        // It may have to wait for one that is under way.
        limit: LONGEST.saturating_mul(2),
    });
    let results = send_all(commands.collect()).await;
    report(&results, output, "")
}
