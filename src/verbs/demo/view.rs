//! What is shown of the running demo: its parts, what the daemons say of them, what visitors see, what happened last.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use jiff::Zoned;
use tokio::task::JoinHandle;

use super::super::output::{Tone, printable};
use super::changes;
use super::picture::{Part, Picture};
use crate::api::client::Client;
use crate::api::dns::{MemberStatus, PoolStatus};
use crate::api::operator::OperatorState;
use crate::api::status::Status;
use crate::demo::control::Reply;
use crate::demo::drill::observe::{self, ObservedDaemon};
use crate::demo::fleet::{Fleet, State};
use crate::demo::visitor::load::Load;
use crate::demo::visitor::record::Record;
use crate::health::Verdict;

/// The pause between two requests for a daemon's status.
const STATUS_INTERVAL: Duration = Duration::from_millis(300);
/// How long a daemon may take to answer: a frozen one never does.
const STATUS_TIMEOUT: Duration = Duration::from_millis(500);
/// How far back the figures of the visitors go.
const RECENT: Duration = Duration::from_secs(2);
/// How many events are kept to be shown.
const EVENTS: usize = 20;

/// Something that happened.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// When, in local time.
    at: String,
    /// The daemon, or the demo itself.
    pub(super) who: String,
    /// What happened.
    pub(super) what: String,
}

impl Event {
    /// One line.
    pub(super) fn line(&self) -> String {
        format!("{} {}: {}", self.at, self.who, printable(&self.what))
    }
}

/// The latest status of each daemon, by name; none: it does not answer.
type LatestStatus = Rc<RefCell<BTreeMap<String, Option<Status>>>>;

/// The view.
pub(super) struct View {
    heading: Vec<String>,
    parts: Vec<String>,
    states: Vec<State>,
    selected: usize,
    latest: LatestStatus,
    known: BTreeMap<String, Option<Status>>,
    polling: Vec<JoinHandle<()>>,
    load: Load,
    recent: VecDeque<Record>,
    events: VecDeque<Event>,
    /// How many of the latest events have not been printed yet.
    unread: usize,
    /// Where everything is is shown instead.
    is_help: bool,
}

impl View {
    /// Begins to ask the daemons of a fleet. Must be called within a `LocalSet`.
    pub(super) fn new(fleet: &Fleet, load: Load, heading: Vec<String>) -> View {
        let latest = LatestStatus::default();
        let polling = fleet
            .daemons
            .iter()
            .map(|daemon| {
                let client = Client { socket: daemon.admin_socket(), timeout: STATUS_TIMEOUT, users: None };
                let watched = ObservedDaemon { name: daemon.name.clone(), role: daemon.role, client };
                tokio::task::spawn_local(poll_status(watched, Rc::clone(&latest)))
            })
            .collect();
        let parts: Vec<String> = fleet.names().map(str::to_owned).collect();
        View {
            heading,
            states: vec![State::Running; parts.len()],
            parts,
            selected: 0,
            latest,
            known: BTreeMap::new(),
            polling,
            load,
            recent: VecDeque::new(),
            events: VecDeque::new(),
            unread: 0,
            is_help: false,
        }
    }

    /// The lines above everything else.
    pub(super) fn heading(&self) -> &[String] {
        &self.heading
    }

    /// Every part's name.
    pub(super) fn parts(&self) -> &[String] {
        &self.parts
    }

    /// The name of the selected part.
    pub(super) fn selected(&self) -> &str {
        &self.parts[self.selected]
    }

    /// Selects the part with this index, if there is one.
    pub(super) fn select(&mut self, index: usize) {
        if index < self.parts.len() {
            self.selected = index;
        }
    }

    /// Selects the next part.
    pub(super) fn select_next(&mut self) {
        self.selected = (self.selected + 1) % self.parts.len();
    }

    /// Selects the previous part.
    pub(super) fn select_previous(&mut self) {
        self.selected = (self.selected + self.parts.len() - 1) % self.parts.len();
    }

    /// Notes what was done to a part.
    pub(super) fn note_reply(&mut self, reply: &Reply) {
        let (Reply::Done(words) | Reply::Error(words)) = reply;
        self.note("demo", words.clone());
    }

    /// Shows where everything is and what the keys do if that is asked for, or else the fleet again; whether this was shown before.
    pub(super) fn toggle_help(&mut self, is_asked: bool) -> bool {
        let was_help = self.is_help;
        self.is_help = is_asked && !was_help;
        was_help
    }

    /// Notes something that happened.
    pub(super) fn note(&mut self, who: &str, what: String) {
        let at = Zoned::now().strftime("%H:%M:%S").to_string();
        self.events.push_back(Event { at, who: who.to_owned(), what });
        self.unread += 1;
        while self.events.len() > EVENTS.max(self.unread) {
            self.events.pop_front();
        }
    }

    /// The events since the last call.
    pub(super) fn take_events(&mut self) -> Vec<Event> {
        let from = self.events.len() - self.unread.min(self.events.len());
        self.unread = 0;
        self.events.iter().skip(from).cloned().collect()
    }

    /// Takes in what has happened since the last call.
    pub(super) fn refresh(&mut self, fleet: &Fleet) {
        self.states = self.parts.iter().map(|part| fleet.state(part)).collect();
        let latest = self.latest.borrow().clone();
        for (name, seen) in &latest {
            if let Some(before) = self.known.get(name) {
                for change in changes::between(before.as_ref(), seen.as_ref()) {
                    self.note(name, change);
                }
            }
        }
        self.known = latest;
        while let Some(record) = self.load.try_next() {
            self.recent.push_back(record);
        }
        let oldest = self.load.now().saturating_sub(RECENT);
        while self.recent.front().is_some_and(|record| record.ended() < oldest) {
            self.recent.pop_front();
        }
    }

    /// All that a terminal shows.
    pub(super) fn picture(&self) -> Picture<'_> {
        let parts = self.parts.iter().zip(&self.states);
        Picture {
            heading: &self.heading,
            parts: parts.map(|(name, state)| Part { name, state: *state, status: self.status_of(name) }).collect(),
            selected: self.selected,
            visitors: self.visitors(),
            events: self.events.iter().map(Event::line).collect(),
            is_help: self.is_help,
        }
    }

    /// What a daemon says of itself, or what the proxies say of a backend.
    fn status_of(&self, part: &str) -> String {
        match self.known.get(part) {
            Some(Some(Status::Proxy(status))) => {
                let latches = status.services.iter().filter_map(|service| {
                    let latch = service.latch.as_ref()?;
                    Some(format!(
                        "{}: {} (epoch {})",
                        service.name,
                        latch.active.as_deref().unwrap_or("nobody"),
                        latch.epoch
                    ))
                });
                let ready = if status.daemon.ready { "ready" } else { "not ready" };
                let latches = latches.collect::<Vec<_>>().join(", ");
                format!("{ready}, {} requests, {latches}{}", status.requests, self.operator_state_of_member(part))
            }
            Some(Some(Status::Nameserver(status))) => {
                let pools = status.pools.iter().map(|pool| {
                    let why =
                        pool.all_down.as_ref().map_or_else(String::new, |policy| format!(" (all down: {policy})"));
                    format!("{}{why}", answered(pool))
                });
                format!("{} queries, answers {}", status.queries, pools.collect::<Vec<_>>().join("; "))
            }
            Some(None) => "does not answer".to_owned(),
            None => self.backend_seen_by_proxies(part),
        }
    }

    fn backend_seen_by_proxies(&self, part: &str) -> String {
        let (mut up, mut proxies, mut reason, mut operator) = (0, 0, String::new(), OperatorState::Ready);
        for seen in self.known.values().flatten() {
            let Status::Proxy(status) = seen else { continue };
            let backends = status.services.iter().flat_map(|service| &service.backends);
            for backend in backends.filter(|backend| backend.name == part) {
                proxies += 1;
                operator = backend.operator;
                if backend.check == Verdict::Up {
                    up += 1;
                } else {
                    reason.clone_from(&backend.check_reason);
                }
            }
        }
        let checks = match (up, proxies) {
            (_, 0) => return String::new(),
            (up, proxies) if up == proxies => "up".to_owned(),
            (0, _) => format!("down: {reason}"),
            (up, proxies) => format!("up at {up} of {proxies} proxies: {reason}"),
        };
        checks + &unless_ready(operator)
    }

    /// What operators have said of a proxy in the nameservers' pools.
    fn operator_state_of_member(&self, part: &str) -> String {
        let nameservers = self.known.values().flatten().filter_map(Status::nameserver);
        let mut members = nameservers.flat_map(|status| &status.pools).flat_map(|pool| &pool.members);
        members.find(|member| member.name == part).map_or_else(String::new, |member| unless_ready(member.operator))
    }

    fn visitors(&self) -> String {
        let (mut pages, mut failed, mut queries, mut unanswered) = (0, 0, 0, 0);
        let mut slowest = Duration::ZERO;
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for record in &self.recent {
            match record {
                Record::Request(request) => match request.result {
                    Ok(_) => {
                        pages += 1;
                        slowest = slowest.max(request.waited());
                    }
                    Err(failure) => {
                        failed += 1;
                        *kinds.entry(failure.to_string()).or_default() += 1;
                    }
                },
                Record::Query(query) if query.addresses.is_some() => queries += 1,
                Record::Query(_) => unanswered += 1,
            }
        }
        let seconds = RECENT.as_secs().max(1);
        let kinds: Vec<String> = kinds.into_iter().map(|(kind, count)| format!("{count} x {kind}")).collect();
        let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
        let line = format!(
            "visitors: {}/s pages, slowest {} ms, {failed} failed{kinds}; {}/s queries, {unanswered} unanswered",
            pages / seconds,
            slowest.as_millis(),
            queries / seconds,
        );
        if failed + unanswered > 0 { Tone::Bad.paint(&line) } else { line }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        for polling in &self.polling {
            polling.abort();
        }
    }
}

/// An operator state that is worth saying.
fn unless_ready(operator: OperatorState) -> String {
    if operator == OperatorState::Ready { String::new() } else { format!(", {operator}") }
}

/// What a pool is answered with: its members' names, which are shorter than their addresses.
fn answered(pool: &PoolStatus) -> String {
    let is_answered = |member: &&MemberStatus| member.addresses.iter().any(|address| address.answered);
    let names: Vec<&str> = pool.members.iter().filter(is_answered).map(|member| &*member.name).collect();
    if names.is_empty() { pool.answers.join(" ") } else { names.join(" ") }
}

async fn poll_status(watched: ObservedDaemon, latest: LatestStatus) {
    loop {
        let seen = observe::status(&watched).await;
        latest.borrow_mut().insert(watched.name.clone(), seen);
        tokio::time::sleep(STATUS_INTERVAL).await;
    }
}
