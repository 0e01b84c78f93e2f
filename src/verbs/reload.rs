//! `reload`: has daemons read their documents again, and shows the result of each.

use super::args::DaemonsArg;
use super::command::{Command, report, send_all};
use super::endpoint::Endpoint;
use super::exit::Exit;
use super::named::not_known;
use super::output::Output;
use super::replies::{DaemonReply, ask_all};
use crate::daemon::reload::LONGEST;

/// What `reload` takes.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = HELP)]
pub struct ReloadArgs {
    /// These daemons only; without a name, every one
    #[arg(value_name = "DAEMON")]
    pub names: Vec<String>,
    #[command(flatten)]
    /// Which daemons are asked.
    pub daemons: DaemonsArg,
}

const HELP: &str = "All daemons reload side by side. One that does not say within --timeout (1s) how it is is not waited for, and named; any \
other gets the time that its check of the document takes, and the start of another build if its program was replaced.
Exit codes: 0 all have read it again, 1 one has not, 3 none was reached.";

/// Sends it to each. A daemon whose program was replaced by another build hands over to it, which may take a while.
pub async fn run(args: &ReloadArgs, daemons: &[Endpoint], output: &Output) -> Exit {
    let mut replies = ask_all(daemons).await;
    let unknown = args.names.iter().find(|name| replies.iter().all(|one| one.name() != **name));
    if let Some(unknown) = unknown {
        let known: Vec<String> = replies.iter().map(DaemonReply::name).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        return output.refuse(&not_known("no daemon is named", unknown, &known), Exit::No);
    }
    replies.retain(|one| args.names.is_empty() || args.names.contains(&one.name()));
    let results = send_all(replies.iter().map(command).collect()).await;
    report(&results, output, "")
}

/// To one that has said how it is: it may have to wait for a reload that is under way. What is silent is not waited for as long.
fn command(to: &DaemonReply) -> Command {
    let command = Command::new(to, "document", "/reload", serde_json::json!({}));
    match to.answer {
        Ok(_) => Command { limit: LONGEST.saturating_mul(2), ..command },
        Err(_) => command,
    }
}

#[cfg(test)]
mod tests;
