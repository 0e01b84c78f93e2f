//! `events`: what happened in the whole fleet, in order of time, from the histories of its daemons.

mod merged;
mod source;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::args::DaemonsArg;
use super::endpoint::Endpoint;
use super::exit::Exit;
use super::layout::on_terminal;
use super::named::not_known;
use super::output::{Output, complain, has_reader, is_lost};
use super::replies::{DaemonReply, all_in_order, ask_all};
use super::subjects::known_subjects;
use super::times::{Moment, parse_moment};
use crate::api::client::ClientError;
use crate::api::events::{Event, EventsOf, Query};
use crate::config::near_miss::did_you_mean;
use crate::log_line::Kind;
use crate::unix_time::unix_ms;
use merged::merged;
use source::{Source, beginnings};

pub(super) use merged::Told;

/// What `events` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct EventsArgs {
    /// From then on: how long ago (`90m`, `3h`, `2d`), or a time in UTC (`04:10`, `2026-11-28 04:10`)
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_moment, allow_hyphen_values = true)]
    pub since: Moment,
    /// Until then: in the same way
    #[arg(long, value_name = "TIME", value_parser = parse_moment, allow_hyphen_values = true, conflicts_with = "follow")]
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
    /// Which daemons are asked.
    pub daemons: DaemonsArg,
}

fn parse_kind(name: &str) -> Result<Kind, String> {
    let kinds = Kind::ALL.map(Kind::name);
    Kind::of_name(name).ok_or_else(|| format!("expected one of {}{}", kinds.join(", "), did_you_mean(name, kinds)))
}

/// Where an event goes on that is too long for a line of a terminal.
const UNDER: usize = 4;

/// How often daemons are asked for what is new.
const PAUSE: Duration = Duration::from_secs(1);

/// Asks every daemon, and shows it all in order of time.
pub async fn run(args: &EventsArgs, daemons: &[Endpoint], output: &Output) -> Exit {
    let now = unix_ms();
    let since = args.since.before(now);
    let query = Query {
        since: Some(since),
        until: args.until.map(|until| until.after(since, now)),
        about: args.service.clone(),
        kind: args.kind,
        after: None,
    };
    if query.until.is_some_and(|until| until < since) {
        let why =
            "--until is before --since: nothing is between them; expected a later time, as in --since 3h --until 2h";
        return output.refuse(why, Exit::Usage);
    }
    if since > now {
        return output.refuse(
            "--since is in the future: nothing has happened yet; expected a time that has passed",
            Exit::Usage,
        );
    }
    let mut sources: Vec<Source> = daemons.iter().map(|daemon| Source::new(daemon.clone(), query.clone())).collect();
    ask(&mut sources).await;
    if sources.iter().all(|source| source.trouble.is_some()) {
        sources.iter().for_each(Source::complain);
        return output.could_not("no daemon answered; `polder status` tells why");
    }
    let events = merged(take_new(&mut sources));
    if args.follow {
        show_more(&events, output);
    } else {
        let text = if events.is_empty() { "nothing happened in that time\n".to_owned() } else { lines(&events) };
        output.answer(&json!({ "events": events, "silent": silent(&sources) }), &text);
    }
    if let Some(named) = args.service.as_deref().filter(|_| events.is_empty())
        && let Some(why) = unknown(named, &ask_all(daemons).await)
    {
        complain(&why);
        return Exit::No;
    }
    sources.iter().for_each(Source::complain);
    if let Some(words) = beginnings(&sources) {
        complain(&words);
    }
    if args.follow {
        follow(&mut sources, output).await;
    }
    if silent(&sources).is_empty() { Exit::Done } else { Exit::No }
}

/// Shows what each daemon tells as it tells it, for as long as somebody reads it.
async fn follow(sources: &mut [Source], output: &Output) {
    while has_reader() && !is_lost() {
        tokio::time::sleep(PAUSE).await;
        let was_silent: Vec<bool> = sources.iter().map(|source| source.trouble.is_some()).collect();
        ask(sources).await;
        show_more(&merged(take_new(sources)), output);
        let changed = sources.iter().zip(was_silent).filter(|(source, was)| source.trouble.is_some() != *was);
        changed.for_each(|(source, _)| source.tell_change());
    }
}

/// Why nothing can have happened to what is named: nothing has that name. `None` if something has, or nobody knows.
fn unknown(named: &str, replies: &[DaemonReply]) -> Option<String> {
    if replies.iter().any(|one| one.answer.is_err()) {
        return None;
    }
    let daemons: Vec<String> = replies.iter().map(DaemonReply::name).collect();
    let subjects = known_subjects(replies);
    let parts = subjects.keys().filter_map(|subject| subject.rsplit_once('/')).flat_map(|(group, one)| [group, one]);
    let mut known: Vec<&str> = parts.chain(daemons.iter().map(String::as_str)).collect();
    known.sort_unstable();
    known.dedup();
    let is_known = known.contains(&named) || subjects.contains_key(named);
    (!is_known)
        .then(|| not_known("--service: no service, backend, pool, member or daemon here is named", named, &known))
}

async fn ask(sources: &mut [Source]) {
    let asked = sources.iter().map(|source| (source.daemon.clone(), source.query.target()));
    let asked = asked.map(|(daemon, target)| async move {
        match daemon.get(&target).await {
            Ok(value) => serde_json::from_value::<EventsOf>(value)
                .map_err(|error| format!("its answer is of another version of polder: {error}")),
            Err(ClientError::Refused { message, .. }) => Err(message),
            Err(unreached) => Err(unreached.to_string()),
        }
    });
    let answers = all_in_order(asked).await;
    sources.iter_mut().zip(answers).for_each(|(source, answer)| source.take(answer));
}

fn take_new(sources: &mut [Source]) -> Vec<(String, Event)> {
    sources.iter_mut().flat_map(Source::take_new).collect()
}

/// What the daemons tell of this, in order of time; and the names of those that do not answer, with the reason.
pub(super) async fn around(daemons: &[Endpoint], query: &Query) -> (Vec<Told>, Vec<(String, String)>) {
    let mut sources: Vec<Source> = daemons.iter().map(|daemon| Source::new(daemon.clone(), query.clone())).collect();
    ask(&mut sources).await;
    let events = merged(take_new(&mut sources));
    let silent = silent(&sources).into_iter().map(|(name, why)| (name.to_owned(), why.to_owned()));
    (events, silent.collect())
}

/// One line an event.
pub(super) fn lines(events: &[Told]) -> String {
    events.iter().map(|event| on_terminal(&event.line(), UNDER)).collect()
}

fn show_more(events: &[Told], output: &Output) {
    for event in events {
        output.line(event, on_terminal(&event.line(), UNDER).trim_end());
    }
}

fn silent(sources: &[Source]) -> BTreeMap<&str, &str> {
    sources.iter().filter_map(|source| Some((&*source.name, source.trouble.as_deref()?))).collect()
}

#[cfg(test)]
mod tests;
