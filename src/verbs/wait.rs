//! `--wait`: shows what is left of what was taken out until nobody is there any more and it is safe to power it off.
//!
//! Must never: change anything. Whoever gives up waiting leaves the operator's word in force, and is told so.

mod screen;
mod watch;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::args::parse_limit;
use super::endpoint::Endpoint;
use super::exit::Exit;
use super::output::{Output, Tone};
use super::replies::{DaemonReply, ask_all};
use super::subjects::states_in;
use crate::api::operator::OperatorState;
use crate::api::proxy::BackendStatus;
use crate::config::duration;
use crate::unix_time::unix_ms;
use screen::Screen;
use watch::{Left, Standing, Watch};

pub use watch::Subject;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// How a verb waits.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct WaitArgs {
    /// Then wait, with a live count of what is left there, until it is safe to power it off; Ctrl-C ends only the waiting
    #[arg(long)]
    pub wait: bool,
    /// With --wait: no longer than this; then exit 4, and what was said stays in force
    #[arg(long, value_name = "DURATION", value_parser = parse_limit, allow_hyphen_values = true, requires = "wait")]
    pub wait_limit: Option<Duration>,
    /// With --wait: how long no visitor may have come where one still may
    #[arg(long, value_name = "DURATION", value_parser = parse_limit, allow_hyphen_values = true, requires = "wait", default_value = "10s")]
    pub idle: Option<Duration>,
}

/// Waits until nobody is at any of these any more. `goes_on` says what stays in force, and what ends it.
pub async fn until_free(
    subjects: Vec<Subject>,
    args: &WaitArgs,
    goes_on: &str,
    daemons: &[Endpoint],
    output: &Output,
) -> Exit {
    let (began, idle) = (unix_ms(), args.idle.unwrap_or_default());
    let mut watches: Vec<Watch> = subjects.into_iter().map(|subject| Watch::begin(subject, idle, began)).collect();
    let mut screen = Screen::new(output, watches.iter().map(|watch| watch.subject().name()));
    let limit = async {
        match args.wait_limit {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    let watched = async {
        loop {
            let replies = ask_all(daemons).await;
            let now = unix_ms();
            let lefts: Vec<Left> = watches.iter_mut().map(|watch| watch.see(&replies, now)).collect();
            screen.show(&lefts);
            if lefts.iter().any(|left| left.standing == Standing::Back) {
                return End { exit: Exit::No, safe: false, words: in_use_again(&lefts) };
            }
            if lefts.iter().all(Left::is_settled) {
                return verdict(&watches, &lefts, &replies);
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let ended = tokio::select! {
        ended = watched => Some(ended),
        () = limit => None,
        // A process that cannot hear of it is ended by it.
        Ok(()) = tokio::signal::ctrl_c() => {
            Some(End { exit: Exit::Interrupted, safe: false, words: format!("No longer waiting; {goes_on}.") })
        }
    };
    let End { exit, safe, words } = ended.unwrap_or_else(|| {
        let limit = duration::format(args.wait_limit.unwrap_or_default());
        End { exit: Exit::TimeUp, safe: false, words: format!("Not known to be free after {limit}; {goes_on}.") }
    });
    screen.end();
    let tone = if safe { Tone::Good } else { Tone::Notable };
    output.line(&json!({ "ended": words, "safe": safe }), &tone.paint(&words));
    exit
}

/// How a wait has ended.
#[derive(Debug, PartialEq, Eq)]
struct End {
    exit: Exit,
    /// What was waited for may be powered off.
    safe: bool,
    words: String,
}

/// Nobody is there any more: what may be done now.
fn verdict(watches: &[Watch], lefts: &[Left], replies: &[DaemonReply]) -> End {
    let all = |names: fn(&Left) -> &Vec<String>| -> BTreeSet<&str> {
        lefts.iter().flat_map(names).map(String::as_str).collect()
    };
    let said = |names: BTreeSet<&str>, what: &str| {
        let names: Vec<&str> = names.into_iter().collect();
        (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")))
    };
    let unknown = [said(all(|left| &left.silent), "no answer from"), said(all(|left| &left.not_asked), "not asked")];
    let unknown: Vec<String> = unknown.into_iter().flatten().collect();
    let names: Vec<String> = lefts.iter().map(|left| left.name.clone()).collect();
    let names = names.join(", ");
    if !unknown.is_empty() {
        let words = format!("{names}: nobody is there as far as is known, but what runs elsewhere is not known");
        let words = format!("{words} ({}): look there before you power it off.", unknown.join("; "));
        return End { exit: Exit::No, safe: false, words };
    }
    let watched: Vec<String> = watches.iter().map(|watch| watch.subject().subject()).collect();
    let elsewhere = still_used(&watched, replies);
    let words = match elsewhere.is_empty() {
        true => format!("{names}: safe to power off."),
        false => {
            format!("{names}: nobody is there any more. Not safe to power off: {} is in use.", elsewhere.join(", "))
        }
    };
    let safe = elsewhere.is_empty();
    End { exit: if safe { Exit::Done } else { Exit::No }, safe, words }
}

/// Other uses of backends of the same names: those that are ready, where requests run, and to which cookies bring visitors back.
fn still_used(watched: &[String], replies: &[DaemonReply]) -> Vec<String> {
    let name = |subject: &str| subject.rsplit_once('/').map(|(_, name)| name.to_owned());
    let names: Vec<Option<String>> = watched.iter().map(|subject| name(subject)).collect();
    let ready = replies.iter().flat_map(states_in).filter(|(_, state)| *state == OperatorState::Ready);
    let services = replies.iter().filter_map(DaemonReply::proxy).flat_map(|proxy| &proxy.services);
    let visited = services.flat_map(|service| {
        let keeps_sessions = service.mode == "sticky";
        let is_visited = move |backend: &&BackendStatus| {
            backend.running > 0 || (keeps_sessions && backend.operator == OperatorState::Drain)
        };
        service.backends.iter().filter(is_visited).map(|backend| format!("{}/{}", service.name, backend.name))
    });
    let all = ready.map(|(subject, _)| subject).chain(visited);
    let mut used: Vec<String> =
        all.filter(|subject| !watched.contains(subject) && names.contains(&name(subject))).collect();
    used.sort();
    used.dedup();
    used
}

fn in_use_again(lefts: &[Left]) -> String {
    let back = lefts.iter().filter(|left| left.standing == Standing::Back).map(|left| left.name.as_str());
    let back: Vec<&str> = back.collect();
    format!(
        "{}: in use again: somebody has made it so meanwhile, or its time was over (`polder events` tells).",
        back.join(", ")
    )
}

#[cfg(test)]
mod tests;
