//! `events`: what happened in the whole fleet, in order of time, from the histories of its daemons.

mod merged;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;

use super::args::FleetArg;
use super::endpoint::Endpoint;
use super::exit::Exit;
use super::output::{Output, complain};
use super::replies::all_in_order;
use super::times::{Moment, moment, parse_moment};
use crate::api::client::ClientError;
use crate::api::events::{Event, Events, Query};
use crate::counted::counted;
use crate::log_line::Kind;
use crate::unix_time::unix_ms;
use merged::{Told, merged};

/// What `events` takes.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  polder events                                  what happened in the last hour
  polder events --since 3h --service shop        about one service, its backends and its latch
  polder events --since 03:00 --until 04:30      a part of this night (UTC)
  polder events --follow                         and whatever happens from now on, until Ctrl-C")]
pub struct EventsArgs {
    /// From then on: how long ago (`90m`, `3h`, `2d`), or a time in UTC (`04:10`, `2026-11-28 04:10`)
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_moment)]
    pub since: Moment,
    /// Until then: in the same way
    #[arg(long, value_name = "TIME", value_parser = parse_moment, conflicts_with = "follow")]
    pub until: Option<Moment>,
    /// About this service, backend (`shop2` or `shop/shop2`), pool, member or peer only
    #[arg(long, value_name = "NAME", visible_alias = "about")]
    pub service: Option<String>,
    /// Of this kind only: daemon, reload, check, latch, operator, peer, certificate, pool, other
    #[arg(long, value_parser = parse_kind)]
    pub kind: Option<Kind>,
    /// Go on and show what happens
    #[arg(long, short)]
    pub follow: bool,
    #[command(flatten)]
    /// Which fleet, on an admin machine.
    pub fleet: FleetArg,
}

fn parse_kind(name: &str) -> Result<Kind, String> {
    let kinds = || Kind::ALL.map(Kind::name).join(", ");
    Kind::of_name(name).ok_or_else(|| format!("expected one of {}", kinds()))
}

/// How often daemons are asked for what is new.
const PAUSE: Duration = Duration::from_secs(1);

/// Asks every daemon, and shows it all in order of time.
pub async fn run(args: &EventsArgs, daemons: &[Endpoint], output: &Output) -> Exit {
    let now = unix_ms();
    let mut query = Query {
        since: Some(args.since.before(now)),
        until: args.until.map(|until| until.before(now)),
        about: args.service.clone(),
        kind: args.kind,
    };
    let answers = ask(daemons, &query).await;
    if answers.iter().all(|(_, answer)| answer.is_err()) {
        complain_of(&answers, &query);
        return output.could_not("no daemon answered; `polder status` tells why");
    }
    let mut feed = Feed::default();
    let events = merged(feed.take_new(&answers));
    let text = if events.is_empty() { "nothing happened in that time\n".to_owned() } else { lines(&events) };
    match args.follow {
        true => show_more(&events, output),
        false => output.answer(&json!({ "events": events, "silent": silent(&answers) }), &text),
    }
    complain_of(&answers, &query);
    if args.follow {
        loop {
            tokio::time::sleep(PAUSE).await;
            query.since = feed.latest().or(query.since);
            show_more(&merged(feed.take_new(&ask(daemons, &query).await)), output);
        }
    }
    if silent(&answers).is_empty() { Exit::Done } else { Exit::No }
}

/// What each daemon answered, or why it did not.
type Answers = Vec<(String, Result<Events, String>)>;

async fn ask(daemons: &[Endpoint], query: &Query) -> Answers {
    let target = query.target();
    let asked = daemons.iter().cloned().map(|endpoint| {
        let target = target.clone();
        async move {
            let answer = match endpoint.get(&target).await {
                Ok(value) => serde_json::from_value(value)
                    .map_err(|error| format!("its answer is of another version of polder: {error}")),
                Err(ClientError::Unreachable(why)) => Err(why),
                Err(ClientError::Refused { message, .. }) => Err(message),
            };
            (endpoint.label(), answer)
        }
    });
    all_in_order(asked).await
}

/// One line an event.
fn lines(events: &[Told]) -> String {
    events.iter().map(|event| event.line() + "\n").collect()
}

fn show_more(events: &[Told], output: &Output) {
    for event in events {
        output.answer(event, &(event.line() + "\n"));
    }
}

fn silent(answers: &Answers) -> BTreeMap<&str, &str> {
    let silent = answers.iter().filter_map(|(name, answer)| Some((&**name, &**answer.as_ref().err()?)));
    silent.collect()
}

/// Says what is missing among what was shown.
fn complain_of(answers: &Answers, query: &Query) {
    for (name, answer) in answers {
        match answer {
            Err(why) => complain(&format!("{name} does not answer: {why}; what it alone knows is missing here")),
            Ok(events) => {
                if events.left_out > 0 {
                    let left_out = counted(events.left_out, "older event");
                    complain(&format!(
                        "{name} has {left_out} of that time: ask for less with --until, --service or --kind"
                    ));
                }
                if let Some(oldest) = events.oldest.filter(|oldest| query.since.is_some_and(|since| since < *oldest)) {
                    complain(&format!("{name} knows of nothing before {}", moment(oldest)));
                }
            }
        }
    }
}

/// Which events have been shown.
#[derive(Debug, Default)]
struct Feed {
    /// By daemon, the time of its newest one.
    latest: BTreeMap<String, u64>,
    /// Those that may come again.
    shown: BTreeSet<(String, u64, String)>,
}

impl Feed {
    /// Those that have not been shown, with the daemon that tells each.
    fn take_new(&mut self, answers: &Answers) -> Vec<(String, Event)> {
        let mut new = Vec::new();
        for (daemon, answer) in answers {
            for event in answer.iter().flat_map(|answer| &answer.events) {
                if self.shown.insert((daemon.clone(), event.at, event.words.clone())) {
                    new.push((daemon.clone(), event.clone()));
                }
                let latest = self.latest.entry(daemon.clone()).or_default();
                *latest = event.at.max(*latest);
            }
        }
        let latest = self.latest().unwrap_or_default();
        self.shown.retain(|(_, at, _)| *at >= latest);
        new
    }

    /// From when on there may be more: each daemon has its own clock.
    fn latest(&self) -> Option<u64> {
        self.latest.values().min().copied()
    }
}

#[cfg(test)]
mod tests;
