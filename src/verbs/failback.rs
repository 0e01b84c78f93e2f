//! `failback`: moves a stateful service back to its primary, on every proxy.

use super::args::FleetArg;
use super::command::{note_on_peers, report, send_all};
use super::endpoint::Endpoint;
use super::exit::Exit;
use super::failover::{known_service, to_proxies};
use super::operator::who;
use super::output::Output;
use super::replies::ask_all;
use crate::api::proxy::FailbackCommand;

/// What `failback` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct FailbackArgs {
    /// The service
    pub service: String,
    /// Why, for those who look at the status later
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub why: String,
    #[command(flatten)]
    /// Which fleet, on an admin machine.
    pub fleet: FleetArg,
}

/// Sends the command to every proxy.
pub async fn run(args: &FailbackArgs, daemons: &[Endpoint], output: &Output) -> Exit {
    let replies = ask_all(daemons).await;
    if let Err(exit) = known_service(&args.service, &replies, output) {
        return exit;
    }
    let command = FailbackCommand { service: args.service.clone(), who: who(), why: args.why.clone() };
    let results = send_all(to_proxies(&replies, &args.service, "/failback", &serde_json::json!(command))).await;
    report(&results, output, note_on_peers(&results))
}
