//! The stage on which rows play: the fleet, the load on it, and the evidence that a row collects.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::Error;
use super::super::documents::{STATEFUL, Times, proxy_name};
use super::super::fleet::{Action, Fleet, State};
use super::super::sites::Sites;
use super::super::visitor::load::Load;
use super::super::visitor::record::Record;
use super::judge::{Bounds, Evidence, Excused, Fact, Notice, Served};
use super::observe::{self, ObservedDaemon};
use crate::api::daemon::Daemon;
use crate::api::operator::OperatorState;
use crate::api::status::Status;
use crate::health::Verdict;

/// Index of the stateful site in the load's plan.
pub const STATEFUL_SITE: usize = 1;

/// How long the fleet may take to be well again.
const WELL_LIMIT: Duration = Duration::from_secs(60);
/// How long the last requests of a row may take to end: longer than the most patient visitor waits.
const RECORDS_LIMIT: Duration = Duration::from_secs(200);
/// How much longer than its bound a notice is waited for: a late one is measured, and only one that never comes is missing.
pub const NOTICE_LIMIT: Duration = Duration::from_secs(60);

/// A fleet under load, and the evidence of the row that is being played.
pub struct Stage {
    /// The fleet.
    pub fleet: Fleet,
    /// The two sites on which it stands in the row that is played, if it does.
    pub sites: Option<Sites>,
    load: Load,
    /// What has ended and belongs to no row yet.
    records: Vec<Record>,
    row: Evidence,
    rates: (u32, u32),
    visitors: usize,
    waits_for_all: bool,
    sabotaged: bool,
    changed_documents: Vec<String>,
}

/// A bound with the slack that a busy machine is given: 10 % and 100 ms.
pub fn with_slack(bound: Duration) -> Duration {
    bound + bound / 10 + Duration::from_millis(100)
}

impl Stage {
    /// A stage for this fleet and load. `rates` are the least requests and queries a second for a verdict;
    /// `visitors` how many sessions there can be. With `waits_for_all` each observation lasts until every request and query that was
    /// wanted in it has ended, however late: what follows cannot change what became of them.
    pub fn new(fleet: Fleet, load: Load, rates: (u32, u32), visitors: usize, waits_for_all: bool) -> Stage {
        Stage {
            fleet,
            sites: None,
            load,
            records: Vec::new(),
            row: Evidence::default(),
            rates,
            visitors,
            waits_for_all,
            sabotaged: false,
            changed_documents: Vec::new(),
        }
    }

    /// The fleet's times.
    pub fn times(&self) -> Times {
        self.fleet.times
    }

    /// The time since the load began.
    pub fn now(&self) -> Duration {
        self.load.now()
    }

    /// Begins a row's evidence. A sabotaged row gets a break that nobody has promised to survive.
    pub fn begin(&mut self, sabotaged: bool) {
        self.sabotaged = sabotaged;
        let now = self.now();
        self.row = Evidence {
            began: now,
            broke: now,
            bounds: Bounds { rates: self.rates, ..Bounds::default() },
            ..Evidence::default()
        };
    }

    /// Ends the row: waits until all that was wanted in it has ended.
    pub async fn end(&mut self) -> Evidence {
        self.state_who_serves();
        let ended = self.now();
        self.row.ended = ended;
        let (before, until) = (self.load.wanted_before(self.row.began), self.load.wanted_before(ended));
        self.row.wanted = (until.0 - before.0, until.1 - before.1);
        self.collect(ended).await;
        let began = self.row.began;
        let in_row = |record: &Record| (began..ended).contains(&record.intended());
        let (row, later): (Vec<Record>, Vec<Record>) =
            self.records.drain(..).filter(|record| record.intended() >= began).partition(in_row);
        self.row.records = row;
        self.records = later;
        self.row.facts.extend(
            self.fleet.unexpected_ends().into_iter().map(|name| Fact { what: format!("{name} runs"), held: false }),
        );
        std::mem::take(&mut self.row)
    }

    /// Marks the moment of the break. To be called just before it.
    pub fn breaks(&mut self) {
        self.row.broke = self.now();
    }

    /// Breaks a part now; the moment at which it was broken for certain.
    pub async fn break_part(&mut self, action: Action, name: &str) -> Result<Duration, Error> {
        self.breaks();
        self.fleet.act(action, name).await?;
        let broken = self.now();
        self.sabotage().await?;
        Ok(broken)
    }

    /// Breaks the row's promise on purpose, once, if `--sabotage` names the row.
    pub async fn sabotage(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.sabotaged) {
            for name in ["web1", "web2", "web3"] {
                self.fleet.act(Action::Kill, name).await?;
            }
        }
        Ok(())
    }

    /// Lets the load run on what there is now.
    pub async fn observe(&mut self, span: Duration) {
        tokio::time::sleep(span).await;
        while let Some(record) = self.load.try_next() {
            self.records.push(record);
        }
        if self.waits_for_all {
            self.collect(self.now()).await;
        }
    }

    /// Waits until all that was wanted in this row before `moment` has ended.
    async fn collect(&mut self, moment: Duration) {
        self.load.collect(&mut self.records, self.row.began..moment, RECORDS_LIMIT).await;
    }

    /// The daemons of a kind that can be asked now.
    pub fn watched(&self, role: Daemon) -> Vec<ObservedDaemon> {
        let running = self.fleet.of_role(role).filter(|daemon| self.fleet.state(&daemon.name) == State::Running);
        running.map(|daemon| ObservedDaemon { name: daemon.name.clone(), role, client: daemon.client() }).collect()
    }

    /// Waits until all of them have noticed, and records how long each took; the moment at which the last one had.
    pub async fn noticed(
        &mut self,
        watched: &[ObservedDaemon],
        what: &str,
        within: Duration,
        shows: impl Fn(&Status) -> bool + 'static,
    ) -> Duration {
        let (now, at) = (self.now(), Instant::now());
        let limit = with_slack(within) + NOTICE_LIMIT;
        let moments = observe::until(watched, limit, shows).await;
        for (watched, moment) in watched.iter().zip(moments) {
            self.noted(&watched.name, what, within, moment.map(|moment| now + moment.duration_since(at)));
        }
        self.now()
    }

    /// Records when somebody had noticed something; none: never.
    pub fn noted(&mut self, who: &str, what: &str, within: Duration, moment: Option<Duration>) {
        self.row.notices.push(Notice {
            who: who.to_owned(),
            what: what.to_owned(),
            after: moment.map(|moment| moment - self.row.broke),
            within: Some(with_slack(within)),
        });
    }

    /// Records a statement and whether it held.
    pub fn fact(&mut self, what: impl Into<String>, held: bool) {
        self.row.facts.push(Fact { what: what.into(), held });
    }

    /// The row's promise, to be narrowed or widened.
    pub fn bounds(&mut self) -> &mut Bounds {
        &mut self.row.bounds
    }

    /// Requests wanted before this moment may fail: they had been sent when a part was broken, or when the latches moved and what
    /// ran on the old backend was aborted.
    pub fn may_fail_before(&mut self, moment: Duration) {
        self.excuse(Excused { via: None, backend: None, safe: true, wanted_before: moment });
    }

    /// Requests through this proxy wanted before this moment may fail.
    pub fn may_fail_through(&mut self, via: IpAddr, moment: Duration) {
        self.excuse(Excused { via: Some(via), backend: None, safe: true, wanted_before: moment });
    }

    /// Requests that are not safe and were wanted before this moment may fail: nobody may send them twice.
    pub fn unsafe_may_fail_before(&mut self, moment: Duration) {
        self.excuse(Excused { via: None, backend: None, safe: false, wanted_before: moment });
    }

    /// What this backend itself answers to requests wanted before this moment may be a failure.
    pub fn may_be_answered_badly_by(&mut self, backend: &str, moment: Duration) {
        self.excuse(Excused { via: None, backend: Some(backend.to_owned()), safe: true, wanted_before: moment });
    }

    fn excuse(&mut self, excused: Excused) {
        self.row.bounds.excused.push(excused);
    }

    /// Every visitor may lose one session.
    pub fn sessions_may_be_lost_once(&mut self) {
        self.row.bounds.lost_sessions += self.visitors;
    }

    /// From this moment until now, the stateful site was to be served by one backend.
    pub fn was_served_by(&mut self, backend: &str, from: Duration) {
        let until = self.now();
        self.row.bounds.served.push(Served { site: STATEFUL_SITE, backend: backend.to_owned(), from, until });
    }

    /// Unless the row says otherwise, the stateful site is served by its primary from beginning to end.
    fn state_who_serves(&mut self) {
        if self.row.bounds.served.is_empty() {
            self.was_served_by("shop1", self.row.began);
        }
    }

    /// The address of a proxy.
    pub fn proxy_ip(&self, index: usize) -> IpAddr {
        self.fleet.addresses.proxy(index).ip()
    }

    /// Writes a changed document for a daemon; [`Stage::mend`] brings the first one back.
    pub fn change_document(&mut self, name: &str, change: impl FnOnce(&mut Value)) -> Result<(), Error> {
        let mut document = self.fleet.document(name);
        change(&mut document);
        self.fleet.write_json(name, &document)?;
        if !self.changed_documents.iter().any(|changed| changed == name) {
            self.changed_documents.push(name.to_owned());
        }
        Ok(())
    }

    /// Writes a text in place of a daemon's document.
    pub fn spoil_document(&mut self, name: &str, text: &str) -> Result<(), Error> {
        self.change_document(name, |_| {})?;
        self.fleet.write_document(name, text)
    }

    /// POSTs to a daemon's admin API.
    pub async fn post(&self, name: &str, path: &str, body: &Value) -> Result<Value, Error> {
        let client = self.fleet.daemon(name)?.client();
        client.post(path, body).await.map_err(|error| Error::daemon(name, &error))
    }

    /// The status of a daemon, if it answers.
    pub async fn seen(&self, name: &str) -> Option<Status> {
        let daemon = self.fleet.daemon(name).ok()?;
        observe::status(&ObservedDaemon { name: daemon.name.clone(), role: daemon.role, client: daemon.client() }).await
    }

    /// Mends every part and document, and waits until the daemons say that all is well.
    pub async fn mend(&mut self) -> Result<(), Error> {
        let broken: Vec<String> =
            self.fleet.names().filter(|name| self.fleet.state(name) != State::Running).map(str::to_owned).collect();
        for name in broken {
            self.fleet.act(Action::Mend, &name).await?;
        }
        for name in std::mem::take(&mut self.changed_documents) {
            let document = self.fleet.document(&name);
            self.fleet.write_json(&name, &document)?;
            self.fleet.act(Action::Reload, &name).await?;
        }
        // Their documents stand on them no more.
        self.sites = None;
        self.well().await
    }

    /// Waits until the daemons say that all is well.
    pub async fn well(&self) -> Result<(), Error> {
        let all = [self.watched(Daemon::Nameserver), self.watched(Daemon::Proxy)].concat();
        let moments = observe::until(&all, WELL_LIMIT, is_well).await;
        match all.iter().zip(moments).find(|(_, moment)| moment.is_none()) {
            None => Ok(()),
            Some((watched, _)) => {
                let seen = observe::status(watched).await;
                Err(Error::new(format!("{} is not well {WELL_LIMIT:?} after the mend: {seen:?}", watched.name)))
            }
        }
    }

    /// Brings the stateful service back to its primary, if it is elsewhere.
    pub async fn home(&mut self) -> Result<(), Error> {
        let first = proxy_name(0);
        if self.seen(&first).await.is_some_and(|seen| seen.active(STATEFUL) == Some("shop1")) {
            return Ok(());
        }
        self.fail_back().await?;
        self.all_serve("shop1").await
    }

    /// Asks one proxy to fail the stateful service back.
    pub async fn fail_back(&self) -> Result<(), Error> {
        let body = json!({ "service": STATEFUL, "who": "drill", "why": "the row is over" });
        self.post(&proxy_name(0), "/failback", &body).await.map(|_| ())
    }

    /// Waits until every proxy's latch names this backend.
    pub async fn all_serve(&self, backend: &str) -> Result<(), Error> {
        let awaited = backend.to_owned();
        let proxies = self.watched(Daemon::Proxy);
        let moments = observe::until(&proxies, WELL_LIMIT, move |seen| seen.active(STATEFUL) == Some(&awaited)).await;
        if moments.iter().all(Option::is_some) {
            return Ok(());
        }
        Err(Error::new(format!("not every proxy serves {STATEFUL} from {backend} within {WELL_LIMIT:?}")))
    }

    /// Ends the load and the fleet.
    pub async fn close(self) {
        drop(self.load);
        self.fleet.stop().await;
    }
}

/// Whether a daemon is ready, and everything it checks is up and in use.
fn is_well(seen: &Status) -> bool {
    match seen {
        Status::Proxy(status) => {
            let backends = status.services.iter().flat_map(|service| &service.backends);
            status.daemon.ready
                && !status.daemon.draining
                && status.services.iter().all(|service| service.usable)
                && backends
                    .into_iter()
                    .all(|backend| backend.check == Verdict::Up && backend.operator == OperatorState::Ready)
                && status.daemon.peers.iter().all(|peer| peer.error.is_none() && peer.differs.is_empty())
        }
        Status::Nameserver(status) => {
            let members = status.pools.iter().flat_map(|pool| &pool.members);
            status.daemon.ready
                && !status.daemon.draining
                && status.pools.iter().all(|pool| pool.all_down.is_none())
                && members.into_iter().all(|member| {
                    member.operator == OperatorState::Ready
                        && member.addresses.iter().all(|address| address.check == Verdict::Up && address.answered)
                })
                && status.daemon.peers.iter().all(|peer| peer.error.is_none())
        }
    }
}
