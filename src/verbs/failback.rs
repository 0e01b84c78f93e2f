//! `failback`: moves a stateful service back to its primary, on every proxy.

use super::args::DaemonsArg;
use super::caller::who;
use super::command::send_all;
use super::endpoint::Endpoint;
use super::exit::Exit;
use super::failover::{active, known_service, report_and_wait, to_proxies};
use super::output::Output;
use super::replies::ask_all;
use super::wait::WaitArgs;
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
    /// Which daemons are asked.
    pub daemons: DaemonsArg,
    #[command(flatten)]
    /// Whether it waits.
    pub wait: WaitArgs,
}

/// Sends the command to every proxy.
pub async fn run(args: &FailbackArgs, daemons: &[Endpoint], output: &Output) -> Exit {
    let replies = ask_all(daemons).await;
    if let Err(exit) = known_service(&args.service, &replies, output) {
        return exit;
    }
    let command = FailbackCommand { service: args.service.clone(), who: who(), why: args.why.clone() };
    let active_before = active(&args.service, &replies);
    let results = send_all(to_proxies(&replies, &args.service, "/failback", &serde_json::json!(command))).await;
    let left = active_before.as_deref().map(|from| (args.service.as_str(), from));
    report_and_wait(&results, left, &args.wait, daemons, output).await
}
