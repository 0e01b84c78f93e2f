//! `GET /events?since=MS&until=MS&about=NAME&kind=KIND&after=LIFE:COUNT` of both daemons: what happened, oldest first. Times are in
//! milliseconds since the epoch; all of the query is optional. With `after`, the `read` of an answer before, only what is new since then is
//! told, whatever clocks say; a daemon that has been restarted meanwhile goes by `since`.

use serde::{Deserialize, Serialize};

use crate::log_line::Kind;

/// How many events an answer has at most: the newest of those that were asked for.
pub const MOST: usize = 2_000;

/// What a daemon answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Events {
    /// When it answered, by its clock.
    pub now: u64,
    /// How far it has told: for `after` of the next question.
    pub read: Read,
    /// The time of the oldest event that the daemon still knows, of whatever it is; none: it knows of none.
    pub oldest: Option<u64>,
    /// Older ones that were asked for and are left out here.
    pub left_out: usize,
    /// Oldest first.
    pub events: Vec<Event>,
}

/// [`Events`], and whose they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsOf {
    /// The daemon's name.
    pub daemon: String,
    /// Its keys stand beside the name.
    #[serde(flatten)]
    pub events: Events,
}

/// How far somebody has read the history of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Read {
    /// Which process: a number of its own.
    pub life: u64,
    /// How many events it had.
    pub count: u64,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, in milliseconds since the epoch.
    pub at: u64,
    /// How much it matters.
    pub level: Level,
    /// What it is about.
    pub kind: Kind,
    /// Whom it is about: services (`shop`), backends (`shop/shop2`), pools and their members, peers. None: the daemon.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    /// What happened.
    pub words: String,
}

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Info,
    /// Somebody should look at it.
    Warning,
    /// Somebody has to look at it.
    Error,
}

/// Which events are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// From this time on.
    pub since: Option<u64>,
    /// To this time.
    pub until: Option<u64>,
    /// About this service, backend, pool, member or peer.
    pub about: Option<String>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// What is new since then.
    pub after: Option<Read>,
}

impl Query {
    /// Whether an event is asked for. `is_new`: it has come after what was read, whatever its time.
    pub fn asks_for(&self, event: &Event, is_new: bool) -> bool {
        (is_new || self.since.is_none_or(|since| since <= event.at))
            && self.until.is_none_or(|until| event.at <= until)
            && self.kind.is_none_or(|kind| kind == event.kind)
            && self.about.as_ref().is_none_or(|name| event.is_about(name))
    }

    /// As the daemon is asked.
    pub fn target(&self) -> String {
        let number = |name: &'static str, value: Option<u64>| value.map(|value| (name, value.to_string()));
        let words = [
            number("since", self.since),
            number("until", self.until),
            self.about.clone().map(|about| ("about", about)),
            self.kind.map(|kind| ("kind", kind.name().to_owned())),
            self.after.map(|Read { life, count }| ("after", format!("{life}:{count}"))),
        ];
        let words: Vec<(&str, String)> = words.into_iter().flatten().collect();
        let words: Vec<(&str, &str)> = words.iter().map(|(name, value)| (*name, value.as_str())).collect();
        super::query::with_query("/events", &words)
    }

    /// As the daemon reads it.
    ///
    /// # Errors
    ///
    /// What of it is not as it should be.
    pub fn read(query: &[(String, String)]) -> Result<Query, QueryError> {
        let mut asked = Query::default();
        for (name, value) in query {
            let number = || value.parse().map(Some).map_err(|_| QueryError::NoTime(name.clone(), value.clone()));
            match name.as_str() {
                "since" => asked.since = number()?,
                "until" => asked.until = number()?,
                "about" => asked.about = Some(value.clone()),
                "kind" => {
                    asked.kind = Some(Kind::of_name(value).ok_or_else(|| QueryError::NoKind(value.clone()))?);
                }
                "after" => {
                    let read = value
                        .split_once(':')
                        .and_then(|(life, count)| Some(Read { life: life.parse().ok()?, count: count.parse().ok()? }));
                    asked.after = Some(read.ok_or_else(|| QueryError::NoPlace(value.clone()))?);
                }
                _ => return Err(QueryError::Unknown(name.clone())),
            }
        }
        Ok(asked)
    }
}

/// Why a query is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A time that is none.
    #[error("{0}: expected a time in milliseconds since the epoch, found {1:?}")]
    NoTime(String, String),
    /// A kind that is none.
    #[error("kind: expected one of {kinds}, found {0:?}", kinds = kinds())]
    NoKind(String),
    /// A place in a history that is none.
    #[error("after: expected LIFE:COUNT as an answer before had it, found {0:?}")]
    NoPlace(String),
    /// A word that is not known.
    #[error("{0:?} is not part of the query: /events?since=MS&until=MS&about=NAME&kind=KIND&after=LIFE:COUNT")]
    Unknown(String),
}

fn kinds() -> String {
    Kind::ALL.map(Kind::name).join(", ")
}

impl Event {
    /// Whether it is about this one: its whole name, or either part of it (`shop` and `shop2` of `shop/shop2`).
    pub fn is_about(&self, name: &str) -> bool {
        self.subjects.iter().any(|subject| {
            subject == name || subject.split_once('/').is_some_and(|(user, used)| user == name || used == name)
        })
    }
}

#[cfg(test)]
mod tests;
