//! One daemon as `top` knows it: its last two readings, and whether it still answers (pure).

use std::time::Duration;

use tokio::time::Instant;

use super::rates::{Rates, between};
use crate::api::counters::{Counted, Counters};
use crate::api::daemon::Daemon;
use crate::push::error::Error;
use crate::verbs::endpoint::{Endpoint, PROMPT};

/// A daemon.
#[derive(Debug)]
pub(super) struct Watched {
    /// Its own name once it has answered, else what we call it.
    pub name: String,
    pub role: Option<Daemon>,
    /// How long it may take to answer.
    pub limit: Duration,
    last: Option<Counters>,
    heard: Instant,
    pub standing: Standing,
}

/// How it stands.
#[derive(Debug)]
pub(super) enum Standing {
    /// It has not answered twice yet.
    New,
    /// What it did between its last two readings.
    Known(Rates),
    /// Another process has answered than before.
    CountsAnew,
    /// It does not answer.
    Silent(String),
}

impl Watched {
    pub(super) fn new(daemon: &Endpoint, now: Instant) -> Watched {
        let Endpoint { role, limit, .. } = *daemon;
        Watched { name: daemon.label(), role, limit, last: None, heard: now, standing: Standing::New }
    }

    /// Takes what it answered.
    pub(super) fn take(&mut self, answer: Result<Counters, Error>, now: Instant) {
        self.heard = now;
        let reading = match answer {
            Ok(reading) => reading,
            Err(why) => {
                // What it did until it answers again lies between two readings that nobody asked for.
                (self.last, self.standing) = (None, Standing::Silent(why.to_string()));
                return;
            }
        };
        self.name.clone_from(&reading.name);
        self.role = Some(match reading.of {
            Counted::Proxy(_) => Daemon::Proxy,
            Counted::Nameserver(_) => Daemon::Nameserver,
        });
        self.standing = match &self.last {
            None => Standing::New,
            Some(last) if last.process != reading.process => Standing::CountsAnew,
            Some(last) => between(last, &reading).map_or(Standing::New, Standing::Known),
        };
        self.last = Some(reading);
    }

    /// Looks whether it is late: it is asked each `interval`.
    pub(super) fn look(&mut self, now: Instant, interval: Duration) {
        let patience = if self.last.is_some() { self.limit.min(PROMPT) } else { self.limit };
        let since = now.saturating_duration_since(self.heard);
        if since > interval + patience {
            self.last = None;
            self.standing = Standing::Silent(format!("nothing has come from it for {} s", since.as_secs()));
        }
    }

    /// Nothing more is to be waited for.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.standing, Standing::Known(_) | Standing::Silent(_))
    }

    pub(super) fn is_silent(&self) -> bool {
        matches!(self.standing, Standing::Silent(_))
    }

    /// What is amiss with it.
    pub(super) fn complaint(&self) -> Option<String> {
        match &self.standing {
            Standing::Silent(why) => Some(format!("{} does not answer: {why}", self.name)),
            _ => None,
        }
    }
}
