//! `failback`: moves a stateful service back to its primary, on every proxy.

use super::args::DaemonsArg;
use super::caller::who;
use super::command::send_all;
use super::endpoint::Endpoint;
use super::exit::Exit;
use super::failover::{Question, active, best_view, known_service, report_and_wait, to_proxies};
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
    /// Only say what would move, and what is cut off: nothing is changed
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
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
    let (service, why, dry_run) = (args.service.clone(), args.why.clone(), args.dry_run);
    let command = FailbackCommand { service, who: who(), why, dry_run };
    if dry_run {
        let primary = best_view(&args.service, &replies).and_then(|view| view.backends.iter().find(|one| !one.backup));
        let to = primary.map(|primary| &*primary.name);
        let question = Question { service: &args.service, to, replies: &replies };
        return question.ask("/failback", &serde_json::json!(command), output).await;
    }
    let active_before = active(&args.service, &replies);
    let results = send_all(to_proxies(&replies, &args.service, "/failback", &serde_json::json!(command))).await;
    let left = active_before.as_deref().map(|from| (args.service.as_str(), from));
    report_and_wait(&results, left, &args.wait, daemons, output).await
}
