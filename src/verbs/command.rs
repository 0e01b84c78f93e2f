//! Sends commands to several daemons side by side and reports how each ended.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::endpoint::Endpoint;
use super::exit::Exit;
use super::layout;
use super::output::{Output, Table, Tone, cell, toned};
use super::replies::{DaemonReply, all_in_order};
use crate::api::client::ClientError;

/// One command for one daemon.
#[derive(Debug, Clone)]
pub struct Command {
    /// The daemon.
    pub to: Endpoint,
    /// What to call it.
    pub name: String,
    /// What it concerns (`www/web1`), for the report.
    pub subject: String,
    /// The admin API's path.
    pub path: &'static str,
    /// The body.
    pub body: Value,
    /// How long its answer may take.
    pub limit: Duration,
}

/// How long a daemon may take for a command that waits for its disk, and for peers, only.
const PROMPT: Duration = Duration::from_secs(5);

/// The same of one that has just let its time pass without saying how it is.
const AGAIN: Duration = Duration::from_millis(250);

impl Command {
    /// A command for a daemon that was asked for its status.
    ///
    /// One that did not say how it is has had its time: its peers pass the command on to it.
    pub fn new(to: &DaemonReply, subject: &str, path: &'static str, body: Value) -> Command {
        let limit = if to.answer.is_ok() { PROMPT } else { AGAIN.min(to.endpoint.limit) };
        Command { to: to.endpoint.clone(), name: to.name(), subject: subject.to_owned(), path, body, limit }
    }
}

/// The same for a step of a latch, which waits for running requests to end (`failover_drain`).
pub const STEP: Duration = Duration::from_secs(600);

/// How a command ended.
#[derive(Debug, Clone, Serialize)]
pub struct CommandResult {
    /// The daemon.
    pub daemon: String,
    /// What it concerned.
    pub subject: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The daemon's message, or why there is none.
    pub words: String,
    /// Until when resolvers may still cache the last answer given before, in milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_until: Option<u64>,
    /// It was so already.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unchanged: bool,
}

/// Whether a command was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was.
    Done,
    /// The daemon refused it.
    Refused,
    /// It is in force, but not on the daemon's disk: a crash would lose it.
    Unwritten,
    /// The daemon was not reached; its peers pass an operator state or a latch on to it later.
    Missed,
}

/// Sends all at once; the results in the order of `commands`.
pub async fn send_all(commands: Vec<Command>) -> Vec<CommandResult> {
    all_in_order(commands.into_iter().map(send)).await
}

async fn send(command: Command) -> CommandResult {
    let answer = command.to.post(command.path, &command.body, command.limit).await;
    let mut result = CommandResult {
        daemon: command.name,
        subject: command.subject,
        outcome: Outcome::Done,
        words: "done".to_owned(),
        cached_until: None,
        unchanged: false,
    };
    match answer {
        Ok(value) => {
            result.words = value.get("done").and_then(Value::as_str).unwrap_or("done").to_owned();
            result.cached_until = value.get("cached_until").and_then(Value::as_u64);
            result.unchanged = value.get("unchanged").and_then(Value::as_bool).unwrap_or_default();
        }
        Err(error) => {
            (result.outcome, result.words) = match error {
                ClientError::Refused { status: 507, message } => (Outcome::Unwritten, message),
                ClientError::Refused { message, .. } => (Outcome::Refused, message),
                unreached => (Outcome::Missed, unreached.to_string()),
            };
        }
    }
    result
}

/// Prints how each command ended; the exit status says whether all were carried out.
pub fn report(results: &[CommandResult], output: &Output, closing: &str) -> Exit {
    output.answer(&serde_json::json!({ "told": results }), &format!("{}{closing}", table(results)));
    verdict(results)
}

/// How each command ended, as a table within the terminal: daemons that say the same are one row.
pub fn table(results: &[CommandResult]) -> String {
    let mut table = Table::new(&["DAEMON", "SUBJECT", "RESULT", "MESSAGE"]);
    for (one, mut daemons) in alike(results) {
        let outcome = match one.outcome {
            Outcome::Done => toned("done", Tone::Good),
            Outcome::Refused => toned("refused", Tone::Bad),
            Outcome::Unwritten => toned("done, NOT on disk", Tone::Bad),
            Outcome::Missed => toned("not reached", Tone::Bad),
        };
        daemons.sort_unstable();
        let mut words = without_subject(&one.words, &one.subject).lines();
        let first = words.next().unwrap_or_default();
        table.row(vec![cell(daemons.join(", ")), cell(&one.subject), outcome, cell(first)]);
        for more in words {
            table.row(vec![cell(""), cell(""), cell(""), cell(more)]);
        }
    }
    table.render_within(layout::width())
}

/// The results that differ, each with the daemons that say so.
fn alike(results: &[CommandResult]) -> Vec<(&CommandResult, Vec<&str>)> {
    let mut alike: Vec<(&CommandResult, Vec<&str>)> = Vec::new();
    let is_alike = |one: &CommandResult, other: &CommandResult| {
        (&one.subject, one.outcome, &one.words) == (&other.subject, other.outcome, &other.words)
    };
    for one in results {
        match alike.iter_mut().find(|(other, _)| is_alike(other, one)) {
            Some((_, daemons)) => daemons.push(&one.daemon),
            None => alike.push((one, vec![&one.daemon])),
        }
    }
    alike
}

/// What is said of a subject, without the subject itself where it begins with that.
pub fn without_subject<'w>(words: &'w str, subject: &str) -> &'w str {
    match words.strip_prefix(subject) {
        Some(rest) if rest.starts_with([':', ' ']) => rest.trim_start_matches([':', ' ']),
        _ => words,
    }
}

/// A line for the operator when a daemon was not reached and will get the change from its peers.
pub fn note_on_peers(results: &[CommandResult]) -> &'static str {
    let missed = results.iter().any(|one| one.outcome == Outcome::Missed);
    if missed { "Daemons that were not reached get it from their peers when they are back.\n" } else { "" }
}

/// Whether all were carried out.
pub fn verdict(results: &[CommandResult]) -> Exit {
    let all = |outcome| results.iter().all(|one| one.outcome == outcome);
    match () {
        () if all(Outcome::Done) => Exit::Done,
        () if all(Outcome::Missed) => Exit::CouldNot,
        () => Exit::No,
    }
}

#[cfg(test)]
mod tests;
