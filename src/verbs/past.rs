//! How a service or a pool stood at a moment, from the daemons' histories: checks, latches, answers and operators' words, as far as the
//! histories reach.

use serde::Serialize;

use crate::api::daemon::Daemon;
use crate::api::events::{Event, Events, EventsOf, Query};
use crate::api::operator::OperatorNote;
use crate::api::status::Status;
use crate::health::Verdict;
use crate::log_line::Kind;
use crate::verbs::endpoint::Endpoint;
use crate::verbs::replies::DaemonReply;
use crate::verbs::times::since;
use crate::verbs::waiting;

/// What one daemon's history says.
#[derive(Debug, Serialize)]
pub(super) struct Past {
    pub(super) daemon: String,
    pub(super) role: Daemon,
    /// The service or pool.
    pub(super) about: String,
    /// The time of the oldest event that it still knows, in milliseconds since the epoch.
    pub(super) oldest: Option<u64>,
    /// How it stood, each a sentence.
    pub(super) was: Vec<String>,
    /// Why it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

/// A daemon, and the service or pool that it is asked about.
pub(super) struct Asked<'a> {
    pub(super) reply: &'a DaemonReply,
    pub(super) role: Daemon,
    pub(super) about: String,
}

/// Asks all of them.
pub(super) async fn ask(asked: &[Asked<'_>], at: u64) -> Vec<Past> {
    let questions = asked.iter().map(|Asked { reply, about, .. }| {
        let (endpoint, about) = (reply.endpoint.clone(), about.clone());
        (reply.name(), async move {
            let before = Query { until: Some(at), about: Some(about.clone()), ..Query::default() };
            let after = Query { since: Some(at + 1), about: Some(about), ..Query::default() };
            Ok((events(&endpoint, &before).await?, events(&endpoint, &after).await?))
        })
    });
    let answers: Vec<Result<(Events, Events), String>> = waiting::all(questions).await;
    let told = asked.iter().zip(answers).map(|(Asked { reply, role, about }, answer)| {
        let past = Past {
            daemon: reply.name(),
            role: *role,
            about: about.clone(),
            oldest: None,
            was: Vec::new(),
            error: None,
        };
        match (answer, &reply.answer) {
            (Err(why), _) => Past { error: Some(why), ..past },
            (_, Err(why)) => Past { error: Some(why.to_string()), ..past },
            (Ok((before, after)), Ok(status)) => {
                // What came next says how it was before, unless something between was left out.
                let after = if after.left_out == 0 { &after.events[..] } else { &[] };
                let moment = Moment { at, before: &before.events, after, status };
                Past { oldest: before.oldest, was: moment.sentences(about), ..past }
            }
        }
    });
    told.collect()
}

async fn events(endpoint: &Endpoint, query: &Query) -> Result<Events, String> {
    let value = endpoint.get(&query.target()).await.map_err(|error| error.to_string())?;
    let told = serde_json::from_value::<EventsOf>(value);
    told.map(|told| told.events).map_err(|error| format!("its history is of another version of polder: {error}"))
}

/// A moment in the history of one daemon.
struct Moment<'a> {
    at: u64,
    /// Oldest first, those until then.
    before: &'a [Event],
    /// Those since.
    after: &'a [Event],
    /// How it is now.
    status: &'a Status,
}

impl Moment<'_> {
    fn sentences(&self, about: &str) -> Vec<String> {
        let mut told = Vec::new();
        if let Some(service) = self.status.service(about) {
            told.extend(service.latch.as_ref().map(|latch| self.latch(about, latch.active.as_deref(), latch.at)));
            for backend in &service.backends {
                let subject = format!("{about}/{}", backend.name);
                told.push(self.check(&subject, None, backend.check, backend.check_since));
                told.extend(self.operator(&subject, backend.note.as_ref()));
            }
        }
        let pools = self.status.nameserver().into_iter().flat_map(|status| &status.pools);
        for pool in pools.filter(|pool| pool.name == about) {
            told.push(self.answers(about, &pool.answers));
            for member in &pool.members {
                let subject = format!("{about}/{}", member.name);
                for address in &member.addresses {
                    let one = Some(&*address.address).filter(|_| member.addresses.len() > 1);
                    told.push(self.check(&subject, one, address.check, address.check_since));
                }
                told.extend(self.operator(&subject, member.note.as_ref()));
            }
        }
        told.dedup();
        told
    }

    fn last(&self, kind: Kind, subject: &str) -> Option<&Event> {
        self.before.iter().rev().find(|event| event.kind == kind && has(event, subject))
    }

    /// `shop/shop1: down since 04:08:05Z: connection refused`. `address`: only of this one, which checks are told with.
    fn check(&self, subject: &str, address: Option<&str>, now: Verdict, now_since: u64) -> String {
        let is_meant = |event: &&Event| {
            let is_there = address.is_none_or(|address| {
                event.words.contains(&format!("{address}:")) || event.words.contains(&format!("[{address}]"))
            });
            event.kind == Kind::Check && has(event, subject) && is_there
        };
        let named = address.map_or_else(|| subject.to_owned(), |address| format!("{subject} {address}"));
        let last = self.before.iter().rev().find(is_meant);
        if let Some((event, change)) = last.and_then(|event| Some((event, change(event)?))) {
            return format!("{named}: {} since {}: {}", change.to, since(event.at), change.reason);
        }
        if let Some(change) = self.after.iter().find(is_meant).and_then(change) {
            return format!("{named}: {}, since before the history", change.from);
        }
        match now_since <= self.at && now != Verdict::Unchecked {
            true => format!("{named}: {now} since {}, as it still is", since(now_since)),
            false => format!("{named}: not known"),
        }
    }

    fn latch(&self, service: &str, active: Option<&str>, moved: u64) -> String {
        let is_step =
            |event: &&Event| event.kind == Kind::Latch && has(event, service) && event.words.contains(" (epoch ");
        if let Some(event) = self.before.iter().rev().find(is_step) {
            let words = event.words.strip_prefix(&format!("{service}: ")).unwrap_or(&event.words);
            return format!("latch since {}: {words}", since(event.at));
        }
        let next = self.after.iter().find(is_step);
        let from = next.and_then(|event| event.words.split_once(": ")?.1.split_once(" -> ").map(|(from, _)| from));
        match (from, active) {
            (Some("undecided"), _) => "latch: undecided, since before the history".to_owned(),
            (Some(from), _) => format!("latch: {from} was active, since before the history"),
            (None, Some(active)) if moved <= self.at => format!("latch: {active} was active, as it still is"),
            _ => "latch: not known".to_owned(),
        }
    }

    /// Nothing where nobody has said anything.
    fn operator(&self, subject: &str, now: Option<&OperatorNote>) -> Option<String> {
        if let Some(event) = self.last(Kind::Operator, subject) {
            return Some(format!("operator since {}: {}", since(event.at), event.words));
        }
        let note = now.filter(|note| note.began() <= self.at)?;
        Some(format!("operator since {}: {}, as it still is", since(note.began()), note.in_words(subject)))
    }

    fn answers(&self, pool: &str, now: &[String]) -> String {
        match (
            self.last(Kind::Pool, pool),
            self.after.iter().find(|event| event.kind == Kind::Pool && has(event, pool)),
        ) {
            (Some(event), _) => format!("since {}: {}", since(event.at), event.words),
            (None, Some(_)) => "what it answered is not known".to_owned(),
            (None, None) => format!("it answered {}, as it still does", now.join(", ")),
        }
    }
}

fn has(event: &Event, subject: &str) -> bool {
    event.subjects.iter().any(|one| one == subject)
}

/// `check of shop/shop1 (127.0.0.1:80, GET /healthz): up -> down: connection refused`.
struct Change<'e> {
    from: &'e str,
    to: &'e str,
    reason: &'e str,
}

fn change(event: &Event) -> Option<Change<'_>> {
    let (before, after) = event.words.split_once(" -> ")?;
    let (to, reason) = after.split_once(": ")?;
    let (_, from) = before.rsplit_once(": ")?;
    Some(Change { from, to, reason })
}

#[cfg(test)]
mod tests;
