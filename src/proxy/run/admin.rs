//! The admin API of the proxy, exactly as [`api`](crate::api::proxy) documents it.
//!
//! Owns the paths and their answers. Must never: decide or keep anything.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::daemon::ProxyDaemon;
use crate::api::counters;
use crate::api::daemon::Done;
use crate::api::why::{Why, is_id};
use crate::config::proxy::Protocol;
use crate::daemon::admin::{AdminReply, AdminRequest};
use crate::daemon::clock::Now;
use crate::daemon::lifecycle::{Figures, Obeyed};
use crate::daemon::metrics::Scrape;
use crate::daemon::page::{EVENTS, Page};
use crate::proxy::control::{Accepted, Change, Effect};
use crate::proxy::latch::CommandError;
use crate::proxy::report::counters as report;
use crate::proxy::report::explain::Visit;
use crate::proxy::report::status::Live;
use crate::proxy::report::{explain, metrics, page, status};
use crate::proxy::traffic::access_log::Found;

impl ProxyDaemon {
    pub(super) fn answer(&self, request: &AdminRequest, figures: Figures, now: Now) -> Option<AdminReply> {
        let state = &self.state;
        let live = self.live(figures);
        let text = |content_type, body| AdminReply { status: 200, content_type, body: Bytes::from(body) };
        Some(match request.path.as_str() {
            "/status" => AdminReply::json(&status::status(state, &live, now)),
            "/" => text("text/html; charset=utf-8", self.page(&live, now, |page| page.document())),
            "/live" => text("text/html; charset=utf-8", self.page(&live, now, |page| page.live())),
            "/metrics" => {
                let scrape = Scrape::begin(&request.accept);
                text(scrape.format.content_type(), metrics::page(state, &live, now, &scrape))
            }
            counters::PATH => AdminReply::json(&report::read(state, &live, now)),
            "/explain" => {
                let given =
                    |name: &str| request.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
                match visit(given) {
                    Ok(visit) => AdminReply::json(&explain::explain(state, visit, now.unix_ms)),
                    Err(why) => AdminReply::refuse(400, why),
                }
            }
            "/why" => match request.query.iter().find(|(key, id)| key == "id" && is_id(id)) {
                Some((_, id)) => AdminReply::json(&self.why(id)),
                None => AdminReply::refuse(400, "expected /why?id=ID, ID being 1 to 64 letters, digits and -_.:=+/@"),
            },
            _ => return None,
        })
    }

    fn page(&self, live: &Live, now: Now, written: fn(&Page<'_>) -> String) -> String {
        let status = status::status(&self.state, live, now);
        let events = live.shell.history.newest(EVENTS);
        let pages = &self.state.prepared.document.admin.pages;
        written(&page::page(&status, &live.shell.trends, &events, pages))
    }

    /// The requests of this id that are kept.
    fn why(&self, id: &str) -> Why {
        let document = &self.state.prepared.document;
        let Found { lines, oldest, is_full } = self.shared.access_log.find(id);
        let read = |line: &String| serde_json::from_str::<Map<String, Value>>(line).ok();
        let since = oldest.as_ref().and_then(read).and_then(|oldest| oldest.get("time")?.as_str().map(str::to_owned));
        let (daemon, is_on_disk) = (document.name.clone(), document.access_log.is_some());
        Why { daemon, requests: lines.iter().filter_map(read).collect(), since, is_full, is_on_disk }
    }

    /// What status and metrics show besides the state.
    fn live(&self, figures: Figures) -> Live {
        let listeners = self.state.prepared.document.listeners.iter();
        Live {
            workers: self.workers.iter().map(|worker| worker.counters.clone()).collect(),
            connections: self.shared.admission.connections(),
            listeners: listeners.map(|listener| listener.address.to_string()).collect(),
            log_lines_dropped: self.shared.access_log.dropped(),
            log_failure: self.shared.access_log.failure(),
            nameservers: self.acme.nameservers.health(),
            agreement: self.members.known(),
            hanging: self.looks.alarms(),
            shell: figures,
        }
    }

    pub(super) fn obey(
        &mut self,
        request: &AdminRequest,
        now: Now,
    ) -> Option<Result<Obeyed<Effect, Change>, AdminReply>> {
        let state = &mut self.state;
        let obeyed = match request.path.as_str() {
            "/operator" => read(request).map(|command| state.operator(&command, now)),
            "/failover" => read(request).map(|command| state.failover(&command, now)),
            "/failback" => read(request).map(|command| state.failback(&command, now)),
            "/forget" => read(request).map(|command| state.forget(&command, now)),
            _ => return None,
        };
        Some(obeyed.and_then(|obeyed| match obeyed {
            Ok(Accepted { words, unchanged, change, effects }) => {
                let generation = state.snapshot().generation;
                let done = Done { done: words, generation, cached_until: None, unchanged };
                Ok(Obeyed { answer: AdminReply::json(&done), change, effects })
            }
            Err(CommandError::OutOfBounds(error)) => Err(AdminReply::refuse(400, error.to_string())),
            Err(CommandError::NotFound(words)) => Err(AdminReply::refuse(404, words)),
            Err(CommandError::Conflict(words)) => Err(AdminReply::refuse(409, words)),
        }))
    }
}

/// The request that is to be explained, by what is given of it.
fn visit<'v>(given: impl Fn(&str) -> Option<&'v str>) -> Result<Visit<'v>, &'static str> {
    const USAGE: &str =
        "host is missing: /explain?scheme=SCHEME&host=HOST&port=PORT&path=PATH&query=QUERY&cookie=COOKIE&from=ADDRESS";
    Ok(Visit {
        protocol: match given("scheme") {
            None | Some("http") => Protocol::Http,
            Some("https") => Protocol::Https,
            Some(_) => return Err("scheme is neither http nor https"),
        },
        host: given("host").ok_or(USAGE)?,
        port: given("port").map(str::parse).transpose().map_err(|_| "port is not a number up to 65535")?,
        path: given("path").unwrap_or("/"),
        query: given("query").unwrap_or_default(),
        cookie: given("cookie").unwrap_or_default(),
        from: given("from").map(str::parse).transpose().map_err(|_| "from is not an address, like 192.0.2.7")?,
    })
}

fn read<T: DeserializeOwned>(request: &AdminRequest) -> Result<T, AdminReply> {
    serde_json::from_slice(&request.body).map_err(|error| {
        AdminReply::refuse(400, format!("the body of {} is not what it should be: {error}", request.path))
    })
}
