//! Tells several daemons the same thing and reports what each said.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::endpoint::Located;
use super::exit::Exit;
use super::output::{Output, Table, Tone, cell, toned};
use crate::api::client::ClientError;

/// One thing for one daemon.
#[derive(Debug, Clone)]
pub struct Telling {
    /// The daemon.
    pub to: Located,
    /// What to call it.
    pub name: String,
    /// What it is about (`www/web1`), for the report.
    pub subject: String,
    /// The admin API's path.
    pub path: &'static str,
    /// The body.
    pub body: Value,
    /// How long its answer may take.
    pub limit: Duration,
}

/// How long a daemon may take to do what it is told, where it need not wait for anything.
pub const PROMPT: Duration = Duration::from_secs(5);

/// What became of it.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// The daemon.
    pub daemon: String,
    /// What it was about.
    pub subject: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The daemon's words, or why there are none.
    pub words: String,
    /// When the last answer from before may still be cached until, in milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_until: Option<u64>,
}

/// How one telling ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It did it.
    Done,
    /// It said no.
    Refused,
    /// It did not hear; its peers will tell it.
    Missed,
}

/// Tells all at once; the reports in the order of `tellings`.
pub async fn tell_all(tellings: Vec<Telling>) -> Vec<Told> {
    let telling: Vec<_> = tellings.into_iter().map(|one| tokio::spawn(tell(one))).collect();
    let mut told = Vec::with_capacity(telling.len());
    for one in telling {
        if let Ok(one) = one.await {
            told.push(one);
        }
    }
    told
}

async fn tell(telling: Telling) -> Told {
    let answer = telling.to.post(telling.path, &telling.body, telling.limit).await;
    let (outcome, words, cached_until) = match answer {
        Ok(value) => {
            let words = value.get("done").and_then(Value::as_str).unwrap_or("done").to_owned();
            (Outcome::Done, words, value.get("cached_until").and_then(Value::as_u64))
        }
        Err(ClientError::Refused { message, .. }) => (Outcome::Refused, message, None),
        Err(ClientError::Unreachable(why)) => (Outcome::Missed, why, None),
    };
    Told { daemon: telling.name, subject: telling.subject, outcome, words, cached_until }
}

/// Prints what each said; the exit code says whether all did it.
pub fn report(told: &[Told], output: &Output, closing: &str) -> Exit {
    let mut table = Table::new(&["DAEMON", "ABOUT", "", "WORDS"]);
    for one in told {
        let outcome = match one.outcome {
            Outcome::Done => toned("done", Tone::Good),
            Outcome::Refused => toned("refused", Tone::Bad),
            Outcome::Missed => toned("missed", Tone::Bad),
        };
        let mut words = one.words.lines();
        table.row(vec![cell(&one.daemon), cell(&one.subject), outcome, cell(words.next().unwrap_or_default())]);
        for more in words {
            table.row(vec![cell(""), cell(""), cell(""), cell(more)]);
        }
    }
    output.answer(&serde_json::json!({ "told": told }), &format!("{}{closing}", table.render()));
    verdict(told)
}

/// What the operator should know when a daemon missed a word that peers exchange.
pub fn learns_later(told: &[Told]) -> &'static str {
    let missed = told.iter().any(|one| one.outcome == Outcome::Missed);
    if missed { "Daemons that missed it learn it from their peers when they are back.\n" } else { "" }
}

fn verdict(told: &[Told]) -> Exit {
    let all = |outcome| told.iter().all(|one| one.outcome == outcome);
    match () {
        () if all(Outcome::Done) => Exit::Done,
        () if all(Outcome::Missed) => Exit::CouldNot,
        () => Exit::No,
    }
}

#[cfg(test)]
mod tests;
