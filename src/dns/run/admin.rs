//! The admin API of the nameserver, exactly as [`api`](crate::api::dns) documents it.
//!
//! Owns the paths and their answers. Must never: decide or store anything.

use std::io;
use std::net::IpAddr;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::daemon::{DnsDaemon, NO_THREAD};
use crate::api::counters;
use crate::api::dns::DnstapCommand;
use crate::daemon::admin::{AdminReply, AdminRequest};
use crate::daemon::clock::Now;
use crate::daemon::lifecycle::{Figures, Obeyed};
use crate::daemon::metrics::Scrape;
use crate::daemon::page::{EVENTS, Page};
use crate::dns::control::{Accepted, Change, CommandError, Effect, State};
use crate::dns::report::by_zone::ZoneFigures;
use crate::dns::report::counters as report;
use crate::dns::report::dnstap::DnstapFigures;
use crate::dns::report::page;
use crate::dns::report::status::RuntimeFigures;

impl DnsDaemon {
    pub(super) fn answer(&self, request: &AdminRequest, shell: Figures, now: Now) -> Option<AdminReply> {
        let state = &self.state;
        // Only for those who are shown them: with thousands of zones they are a while's work.
        let figures = || self.figures(shell, now);
        let text = |content_type, body| AdminReply { status: 200, content_type, body: Bytes::from(body) };
        Some(match request.path.as_str() {
            "/status" => AdminReply::json(&state.status(&figures(), now)),
            "/" => text("text/html; charset=utf-8", self.page(&figures(), now, |page| page.document())),
            "/live" => text("text/html; charset=utf-8", self.page(&figures(), now, |page| page.live())),
            "/metrics" => {
                let scrape = Scrape::begin(&request.accept);
                text(scrape.format.content_type(), state.metrics(self.listening.counters(), &figures(), now, &scrape))
            }
            counters::PATH => AdminReply::json(&report::read(state, self.listening.counters(), now)),
            "/explain" if !state.is_ready() => {
                AdminReply::refuse(503, "queries are not answered yet: the members are being checked; see /status")
            }
            "/explain" => explain(state, request, now),
            _ => return None,
        })
    }

    fn page(&self, figures: &RuntimeFigures, now: Now, written: fn(&Page<'_>) -> String) -> String {
        let status = self.state.status(figures, now);
        let events = figures.shell.history.newest(EVENTS);
        let pages = &self.state.document.config.admin.pages;
        written(&page::page(&status, &figures.shell.trends, &events, pages))
    }

    /// What status and metrics show besides the state.
    fn figures(&self, shell: Figures, now: Now) -> RuntimeFigures {
        let challenges_unheard = self.challenges.error().map(str::to_owned);
        let zones = ZoneFigures::read(&self.state, self.listening.counters().map(|(_, counters)| counters));
        let dnstap = DnstapFigures {
            standing: self.dnstap.shown().standing().as_ref().clone(),
            sent: self.dnstap.shown().sent(),
            dropped: self.dnstap_dropped(),
            is_dropping: self.dnstap_log.is_dropping(now.running),
        };
        let hanging = self.looks.alarms();
        RuntimeFigures { queries: self.queries(), zones, dnstap, shell, hanging, challenges_unheard }
    }

    /// Queries answered since the start.
    pub(super) fn queries(&self) -> u64 {
        self.listening.counters().map(|(_, counters)| counters.answers().iter().sum::<u64>()).sum()
    }

    /// Messages that dnstap has dropped since the start.
    pub(super) fn dnstap_dropped(&self) -> u64 {
        let without_room = self.listening.counters().map(|(_, counters)| counters.dnstap_dropped.get()).sum::<u64>();
        without_room + self.dnstap.shown().lost()
    }

    pub(super) fn obey(
        &mut self,
        request: &AdminRequest,
        now: Now,
    ) -> Option<Result<Obeyed<Effect, Change>, AdminReply>> {
        let obeyed = match request.path.as_str() {
            "/operator" => read(request).map(|command| self.state.operator(&command, now)),
            "/dnstap" => read(request).and_then(|command| self.switch_dnstap(&command, now)),
            "/forget" => read(request).map(|command| self.state.forget(&command, now)),
            _ => return None,
        };
        Some(obeyed.and_then(answered))
    }

    /// Nothing is said to be on for which no thread can be started.
    fn switch_dnstap(
        &mut self,
        command: &DnstapCommand,
        now: Now,
    ) -> Result<Result<Accepted, CommandError>, AdminReply> {
        if command.on && self.state.document().config.dnstap.is_some() {
            let refused = |why: io::Error| {
                format!("dnstap stays as it was, for {NO_THREAD}: {why}; say it again when there is room")
            };
            self.dnstap.start().map_err(|why| AdminReply::refuse(503, refused(why)))?;
        }
        Ok(self.state.switch_dnstap(command, now))
    }
}

fn answered(obeyed: Result<Accepted, CommandError>) -> Result<Obeyed<Effect, Change>, AdminReply> {
    match obeyed {
        Ok(Accepted { done, change, effects }) => Ok(Obeyed { answer: AdminReply::json(&done), change, effects }),
        Err(CommandError::OutOfBounds(error)) => Err(AdminReply::refuse(400, error.to_string())),
        Err(CommandError::Unknown(words)) => Err(AdminReply::refuse(404, words)),
        Err(CommandError::Refused(words)) => Err(AdminReply::refuse(409, words)),
    }
}

fn explain(state: &State, request: &AdminRequest, now: Now) -> AdminReply {
    let Some((_, name)) = request.query.iter().find(|(key, _)| key == "name") else {
        return AdminReply::refuse(400, "name is missing: /explain?name=www.example.net");
    };
    let from = request.query.iter().find(|(key, _)| key == "from").map(|(_, address)| address.parse::<IpAddr>());
    let Ok(from) = from.transpose() else {
        return AdminReply::refuse(400, "from is no address: /explain?name=www.example.net&from=192.0.2.1");
    };
    match state.explain(name, from, now) {
        Ok(explanation) => AdminReply::json(&explanation),
        Err(error) => AdminReply::refuse(400, error.to_string()),
    }
}

fn read<T: DeserializeOwned>(request: &AdminRequest) -> Result<T, AdminReply> {
    serde_json::from_slice(&request.body)
        .map_err(|error| AdminReply::refuse(400, format!("the body is not a command: {error}")))
}
