//! `why`: what became of one request, by its id, from the proxies' memories, and what happened around it.

mod story;

use std::time::Duration;

use serde_json::json;

use super::args::DaemonsArg;
use super::endpoint::Endpoint;
use super::events;
use super::exit::Exit;
use super::layout::on_terminal;
use super::output::{Output, complain, printable};
use super::past;
use super::replies::{all_in_order, ask_all};
use super::times::moment;
use crate::api::client::ClientError;
use crate::api::daemon::Daemon;
use crate::api::events::Query;
use crate::api::why::{Why, is_id, target};
use crate::push::error::Error;
use story::Story;

/// What `why` takes.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "Proxies know what failed and what was slow, refused, or left by its visitor: the newest 4 to 8 MiB of it, some 10,000 requests, over restarts where the document has an access_log. A request with which nothing was wrong is in the access log alone.

Exit codes: 0 found, 1 no proxy knows it, 2 usage, 3 not found, and not every proxy could be asked."
)]
pub struct WhyArgs {
    /// The request's id
    #[arg(value_name = "ID", value_parser = parse_id)]
    pub id: String,
    #[command(flatten)]
    /// Which daemons are asked.
    pub daemons: DaemonsArg,
}

fn parse_id(text: &str) -> Result<String, Error> {
    let text = text.trim();
    match is_id(text) {
        true => Ok(text.to_owned()),
        false => Err(Error::new(
            "expected the id of a request, as an error page shows it: 1 to 64 letters, digits and -_.:=+/@",
        )),
    }
}

/// The digits of an id that a proxy has made.
const OWN_ID: usize = 16;

/// How long before and after the request what happened is told, in milliseconds.
const AROUND: u64 = 60_000;

/// What a daemon said.
enum Answer {
    Proxy(Why),
    /// It has no such memory: a nameserver, or a proxy of an earlier version.
    KnowsNone(Option<Daemon>),
    Silent(String),
}

impl Answer {
    fn knows_it(&self) -> bool {
        matches!(self, Answer::Proxy(why) if !why.requests.is_empty())
    }
}

/// How soon a proxy knows what has just ended: its workers write lines twice a second.
const SOON: Duration = Duration::from_secs(1);

/// Asks every proxy, and tells what became of the request.
pub async fn run(args: &WhyArgs, daemons: &[Endpoint], output: &Output) -> Exit {
    let mut answers = ask(daemons, &args.id).await;
    if !answers.iter().any(|(_, answer)| answer.knows_it()) {
        // Whoever asks straight from an error page is early.
        tokio::time::sleep(SOON).await;
        answers = ask(daemons, &args.id).await;
    }
    let proxies: Vec<&Why> = answers
        .iter()
        .filter_map(|(_, answer)| if let Answer::Proxy(why) = answer { Some(why) } else { None })
        .collect();
    for (name, answer) in &answers {
        if let Answer::Silent(why) = answer {
            complain(&format!("{name} does not answer: {why}; what it alone knows is missing here"));
        }
    }
    for (name, answer) in &answers {
        if let Answer::KnowsNone(Some(Daemon::Proxy)) = answer {
            complain(&format!(
                "{name} is of an earlier version of polder, which remembers no requests: look in its access log"
            ));
        }
    }
    if proxies.is_empty() {
        return output.could_not("no proxy that remembers requests has answered; `polder status` tells of each");
    }
    let told: Vec<(&str, Story<'_>)> = proxies
        .iter()
        .flat_map(|why| why.requests.iter().map(|request| (why.daemon.as_str(), Story::of(request))))
        .collect();
    if told.is_empty() {
        output.answer(&json!({ "requests": [], "looked_in": proxies }), &nobody(&args.id, &proxies));
        // One that was not asked may know it.
        let is_missing = |answer: &Answer| matches!(answer, Answer::Silent(_) | Answer::KnowsNone(Some(Daemon::Proxy)));
        return if answers.iter().any(|(_, answer)| is_missing(answer)) { Exit::CouldNot } else { Exit::No };
    }
    let (mut text, mut all) = (String::new(), Vec::new());
    for (proxy, story) in told {
        let happened = match story.time() {
            None => Vec::new(),
            Some(began) => {
                let ended = began.saturating_add(story.lasted());
                let query = Query {
                    since: Some(began.saturating_sub(AROUND)),
                    until: Some(ended.saturating_add(AROUND)),
                    about: story.service().map(str::to_owned),
                    ..Query::default()
                };
                events::around(daemons, &query).await.0
            }
        };
        let stood = how_it_stood(&story, proxy, daemons).await;
        text.push_str(&story.told_by(proxy));
        text.push_str(&stood_in_words(&story, &stood));
        text.push_str(&what_happened(&story, &happened));
        all.push(json!({
            "daemon": proxy, "request": story.request(), "cause": story.cause(), "stood": stood, "events": happened,
        }));
    }
    output.answer(&json!({ "requests": all }), &text);
    Exit::Done
}

async fn ask(daemons: &[Endpoint], id: &str) -> Vec<(String, Answer)> {
    let asked = daemons.iter().cloned().map(|daemon| {
        let target = target(id);
        async move {
            let answer = match daemon.get(&target).await {
                Ok(value) => serde_json::from_value::<Why>(value).map_or_else(
                    |error| Answer::Silent(format!("its answer is of another version of polder: {error}")),
                    Answer::Proxy,
                ),
                Err(ClientError::Refused { status: 404, .. }) => Answer::KnowsNone(daemon.role),
                Err(ClientError::Refused { message, .. }) => Answer::Silent(message),
                Err(unreached) => Answer::Silent(unreached.to_string()),
            };
            (daemon.label(), answer)
        }
    });
    all_in_order(asked).await
}

/// How its service stood when it ended, by the history of the proxy that had it: what made it fail may have happened long before. Nothing
/// of a request that its backend has answered.
async fn how_it_stood(story: &Story<'_>, proxy: &str, daemons: &[Endpoint]) -> Vec<String> {
    let (Some(service), Some(began), true) = (story.service(), story.time(), story.is_failed_here()) else {
        return Vec::new();
    };
    let replies = ask_all(daemons).await;
    let asked = replies.iter().filter(|reply| reply.name() == proxy);
    let asked: Vec<_> =
        asked.map(|reply| past::Asked { reply, role: Daemon::Proxy, about: service.to_owned() }).collect();
    past::ask(&asked, began.saturating_add(story.lasted())).await.into_iter().flat_map(|past| past.was).collect()
}

fn stood_in_words(story: &Story<'_>, stood: &[String]) -> String {
    if stood.is_empty() {
        return String::new();
    }
    let line = |sentence: &String| on_terminal(&format!("  {}", printable(sentence)), 4);
    format!("\nHow {} stood then:\n{}", story.service().unwrap_or_default(), stood.iter().map(line).collect::<String>())
}

fn what_happened(story: &Story<'_>, events: &[events::Told]) -> String {
    let about = story.service().map(|service| format!(" to {service}")).unwrap_or_default();
    match events {
        [] => format!("\nNothing happened{about} within a minute of it, as far as the daemons know.\n"),
        events => format!("\nWhat happened{about} within a minute of it:\n{}", events::lines(events)),
    }
}

/// A time of the access log, as verbs write times.
fn in_words(time: &str) -> String {
    let parsed = time.parse::<jiff::Timestamp>().ok().and_then(|time| u64::try_from(time.as_millisecond()).ok());
    parsed.map_or_else(|| time.to_owned(), moment)
}

/// Where it was looked for, how far back that reaches, and where else it may be.
fn nobody(id: &str, proxies: &[&Why]) -> String {
    let reach = |why: &&Why| {
        let since = match (&why.since, why.is_full) {
            (None, _) => "remembers no request that failed".to_owned(),
            (Some(since), true) => {
                format!("knows what failed since {}, and has forgotten what failed before", in_words(since))
            }
            (Some(since), false) => {
                format!("knows every request that failed; the first one was at {}", in_words(since))
            }
        };
        let kept = if why.is_on_disk { "" } else { "; it forgets at a restart, having no access_log" };
        format!("  {}: {since}{kept}\n", why.daemon)
    };
    let reaches: String = proxies.iter().map(reach).collect();
    let length = id.chars().count();
    let is_cut = id.bytes().all(|byte| byte.is_ascii_hexdigit()) && (12..20).contains(&length) && length != OWN_ID;
    let cut = if is_cut {
        format!("The numbers that proxies make have {OWN_ID} digits; this one has {length}: is it whole?\n\n")
    } else {
        String::new()
    };
    format!(
        "No proxy knows a request {id}. Asked were:\n{reaches}\n{cut}Only what failed, was slow, was refused or was left by its visitor is known to \
         them. Any other request is in the access log alone:\n`journalctl REQUEST_ID={id}` on each proxy, or `grep {id}` in the file of its access_log.\n"
    )
}

#[cfg(test)]
mod tests;
