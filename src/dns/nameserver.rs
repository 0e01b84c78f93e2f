//! The running nameserver: [`Control`] with its sockets, threads, probes, peers and state files around it.
//!
//! Lives on the control thread, in `Rc`s: no lock, and no borrow is held across an await. Called by the admin API
//! ([`admin`]), by signals and by the clock ([`super::run`](mod@super::run)).

mod admin;
mod keeping;
mod limiting;
mod reload;
mod succession;

use std::cell::{Cell, RefCell};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use super::control::{Control, Saved, targets};
use super::listening::{Bound, Listening};
use super::report::status::RuntimeFigures;
use crate::config::DnsConfig;
use crate::daemon::admin::{self as admin_api, AdminServer};
use crate::daemon::args::DaemonArgs;
use crate::daemon::peers::{Identity, PeerEvent, Peers};
use crate::daemon::sockets::Sockets;
use crate::daemon::{fd_store, notify};
use crate::health::checker::{Checker, Targets};
use crate::health::{HealthView, Verdict};

pub use keeping::Keeping;
use limiting::LimitingLog;

/// The name by which a takeover knows its own kind.
pub const PROGRAM: &str = "polder-dns";

/// How often the clock alone may change something: a word that ends, a write to be tried again, the status line.
pub const HOUSEKEEPING: Duration = Duration::from_millis(250);

/// How long the operator's requests under way are waited for at the end.
const ADMIN_LIMIT: Duration = Duration::from_secs(2);

/// How often a start that waits for its checks says so.
const STILL_CHECKING: Duration = Duration::from_secs(5);

/// Everything of a nameserver that serves.
pub struct Nameserver {
    args: DaemonArgs,
    control: RefCell<Control>,
    sockets: RefCell<Sockets>,
    listening: RefCell<Listening>,
    checker: Checker,
    exchange: RefCell<Option<Exchange>>,
    heard: mpsc::Sender<PeerEvent>,
    keeping: Keeping,
    admin: RefCell<Vec<AdminServer>>,
    busy: Cell<Busy>,
    stop_if_not_handed_over: Cell<bool>,
    end: watch::Sender<Option<End>>,
    status_line: RefCell<String>,
    limiting: LimitingLog,
}

/// What excludes another of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Busy {
    /// Not ready yet.
    Starting,
    Idle,
    /// A reload in place.
    Reloading,
    /// A successor was started; its takeover is welcome.
    HandingOver,
    /// A successor has our sockets and is not ready yet.
    TakenOver,
    /// It is ready: it gets the final state, and from then on it may be the daemon. Nothing is changed or written here any
    /// more, unless it goes away.
    Handing,
}

/// Why a nameserver ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was told to.
    Stopped,
    /// Another process is the daemon now.
    HandedOver,
}

/// The exchange with the peers.
pub struct Exchange {
    identity: Identity,
    peers: Peers,
    ours: watch::Sender<Value>,
}

impl Exchange {
    /// Starts telling the peers what [`Control::told_value`] says; what they say arrives through `heard`.
    pub fn start(
        config: &DnsConfig,
        identity: Identity,
        listener: std::net::TcpListener,
        ours: Value,
        heard: mpsc::Sender<PeerEvent>,
    ) -> Option<Exchange> {
        let (ours, ours_read) = watch::channel(ours);
        let members = config.peers.clone()?;
        let peers = Peers::start(members, config.name.clone(), identity.clone(), listener, ours_read, heard);
        Some(Exchange { identity, peers, ours })
    }

    /// One exchange with every peer, at most for `limit`.
    pub async fn first_round(&self, limit: Duration) -> bool {
        self.peers.first_round(limit).await
    }
}

/// The parts of a nameserver, once they are all there.
pub struct Parts {
    /// As it was started.
    pub args: DaemonArgs,
    /// What it knows.
    pub control: Control,
    /// Every listening socket.
    pub sockets: Sockets,
    /// The threads that answer.
    pub listening: Listening,
    /// The probes.
    pub checker: Checker,
    /// Where what the peers say goes.
    pub heard: mpsc::Sender<PeerEvent>,
    /// The state directory.
    pub keeping: Keeping,
}

impl Nameserver {
    /// Puts the parts together; nothing is served yet.
    pub fn new(parts: Parts) -> Rc<Nameserver> {
        Rc::new(Nameserver {
            args: parts.args,
            control: RefCell::new(parts.control),
            sockets: RefCell::new(parts.sockets),
            listening: RefCell::new(parts.listening),
            checker: parts.checker,
            exchange: RefCell::default(),
            heard: parts.heard,
            keeping: parts.keeping,
            admin: RefCell::default(),
            busy: Cell::new(Busy::Starting),
            stop_if_not_handed_over: Cell::new(false),
            end: watch::channel(None).0,
            status_line: RefCell::default(),
            limiting: LimitingLog::default(),
        })
    }

    /// Begins to answer the operator.
    pub fn serve_admin(self: &Rc<Self>, unix: UnixListener, tcp: Option<TcpListener>) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("the admin API cannot be served: {error}");
        let mut servers = vec![admin_api::serve_unix(unix, Rc::clone(self)).map_err(failed)?];
        if let Some(tcp) = tcp {
            let names = {
                let config = &self.control.borrow().document.config;
                admin_api::names(&config.name, &config.admin)
            };
            servers.push(admin_api::serve_tcp(tcp, names, Rc::clone(self)).map_err(failed)?);
        }
        self.admin.replace(servers);
        Ok(())
    }

    /// Accepts no operator any more, and lets answers under way end.
    pub async fn leave_admin(&self) {
        for server in self.admin.take() {
            server.stop(ADMIN_LIMIT).await;
        }
    }

    /// Begins to speak with the peers, if the document has any.
    pub fn start_exchange(&self, identity: Identity) -> Result<(), String> {
        let (config, ours) = {
            let control = self.control.borrow();
            (control.document.config.clone(), control.told_value())
        };
        let Some(peers) = &config.peers else { return Ok(()) };
        let listeners = self.sockets.borrow_mut().tcp(peers.listen, 1).map_err(|error| error.message)?;
        let listener = listeners.into_iter().next().ok_or("its listener is gone")?;
        drop(self.exchange.take());
        self.exchange.replace(Exchange::start(&config, identity, listener, ours, self.heard.clone()));
        Ok(())
    }

    /// One exchange with every peer, if there are any, at most for `limit`. What they say is then waiting to be heard.
    pub async fn meet_peers(&self, limit: Duration) {
        let Some(exchange) = self.exchange.take() else { return };
        if !exchange.first_round(limit).await {
            tracing::warn!("no peer answers; starting with the operator's words this nameserver knows itself");
        }
        self.exchange.replace(Some(exchange));
    }

    /// Before ready: takes in what the process taken over from knows.
    /// True if it was news.
    pub fn learn(&self, told: &Saved) -> bool {
        self.control.borrow_mut().merge_operator(&told.operator)
    }

    /// Waits until each member's address has been probed once: nothing is answered unchecked. Until then what checks say
    /// shows in the status alone.
    pub async fn check_all(&self) {
        let wanted = targets(&self.control.borrow().document);
        notify::status("checking the pools' members");
        let mut view = self.checker.subscribe();
        let mut said = Instant::now();
        loop {
            let health = view.borrow_and_update().clone();
            let left = unchecked(&health, &wanted);
            self.control.borrow_mut().note_health(health);
            if left == 0 {
                break self.control.borrow_mut().rebuild();
            }
            if timeout_at(said + STILL_CHECKING, view.changed()).await.is_err() {
                said = Instant::now();
                tracing::warn!("not ready yet: {left} of {} addresses are not checked", wanted.len());
            }
        }
    }

    /// What checks say.
    pub fn health(&self) -> watch::Receiver<std::sync::Arc<HealthView>> {
        self.checker.subscribe()
    }

    /// Checks said something.
    pub fn set_health(&self, health: std::sync::Arc<HealthView>) {
        self.control.borrow_mut().set_health(health);
        self.tell_status();
    }

    /// A peer told what it knows.
    pub fn hear(self: &Rc<Self>, heard: PeerEvent) {
        if !self.is_daemon() {
            // It tells the new process too.
            return;
        }
        if self.learn_from(heard) {
            let nameserver = Rc::clone(self);
            tokio::task::spawn_local(async move { nameserver.operator_changed().await });
        }
    }

    /// Takes in what a peer knows. True if it was news.
    pub fn learn_from(&self, heard: PeerEvent) -> bool {
        let PeerEvent { peer, value } = heard;
        let learned = self.control.borrow_mut().hear(&peer, value);
        match &learned {
            Ok(true) => tracing::info!("took over the operator's words from peer {peer}"),
            Ok(false) => {}
            Err(error) => tracing::warn!("what peer {peer} says cannot be understood: {error}"),
        }
        learned.unwrap_or(false)
    }

    /// What the peers are told follows the operator's words and the document.
    fn tell_peers(&self) {
        let value = self.control.borrow().told_value();
        if let Some(exchange) = &*self.exchange.borrow() {
            exchange.ours.send_replace(value);
        }
    }

    /// The operator's words are other ones: tells the peers and keeps them.
    pub async fn operator_changed(self: &Rc<Self>) {
        self.tell_peers();
        self.tell_status();
        self.keep_operator().await;
    }

    /// What the clock alone changes.
    pub fn keep_house(self: &Rc<Self>) {
        self.limiting.look(self.listening.borrow().counters().map(|(_, counters)| counters));
        if self.is_daemon() {
            self.control.borrow_mut().rebuild();
            self.save_what_is_due();
            self.tell_status();
        }
    }

    /// No other process is, or is about to be.
    fn is_daemon(&self) -> bool {
        self.busy.get() != Busy::Handing
    }

    /// The service manager's line, when it is another one.
    fn tell_status(&self) {
        let line = self.control.borrow().line();
        if *self.status_line.borrow() != line {
            notify::status(&line);
            *self.status_line.borrow_mut() = line;
        }
    }

    /// Serves these sockets.
    pub fn begin(&self, bound: Bound) -> std::io::Result<()> {
        let config = self.control.borrow().document.config.clone();
        self.listening.borrow_mut().serve(&config, bound)?;
        self.control.borrow_mut().ready = true;
        self.busy.set(Busy::Idle);
        Ok(())
    }

    /// Everything serves: the service manager is told, and keeps the sockets for a crash.
    pub fn announce(&self) {
        fd_store::keep(&self.sockets.borrow().as_fds());
        let line = self.line();
        tracing::info!("ready: {line}");
        notify::ready(&line);
    }

    /// The service manager's line as it is now.
    fn line(&self) -> String {
        self.control.borrow().line()
    }

    /// Ends the nameserver: [`Nameserver::ended`] tells. Between two processes it is decided within moments which of them
    /// is the daemon: then the new one is told, or this one stops after all.
    pub fn stop(&self) {
        match self.busy.get() {
            Busy::Handing => self.stop_if_not_handed_over.set(true),
            _ => self.finish(End::Stopped),
        }
    }

    fn finish(&self, end: End) {
        // The first reason stands: whoever is daemon after a takeover is not to be stopped twice.
        self.end.send_if_modified(|present| present.is_none() && present.replace(end).is_none());
    }

    /// Waits for the end.
    pub async fn ended(&self) -> End {
        let mut end = self.end.subscribe();
        match end.wait_for(Option::is_some).await.map(|end| *end) {
            Ok(Some(end)) => end,
            _ => End::Stopped,
        }
    }

    /// Probes nobody and speaks with no peer any more. What was last known stands.
    pub fn retire(&self) {
        drop(self.exchange.take());
        self.checker.set_targets(Targets::new());
    }

    /// Reads and accepts no more, closes the sockets, and answers on open connections, at most for the document's
    /// limit. State is saved unless another process keeps it now.
    pub async fn drain(&self, end: End) {
        let limit = self.control.borrow().document.config.drain;
        self.control.borrow_mut().draining = true;
        self.control.borrow_mut().ready = false;
        self.listening.borrow_mut().drain(limit);
        drop(self.sockets.take());
        if end == End::Stopped {
            self.save_last().await;
        }
        // A UDP worker sees that it is to stop within its receive time-out.
        let deadline = tokio::time::Instant::now() + limit + Duration::from_secs(1);
        while !self.listening.borrow().ended() && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn runtime_figures(&self) -> RuntimeFigures {
        let listening = self.listening.borrow();
        let queries = listening.counters().map(|(_, counters)| counters.answers().iter().sum::<u64>()).sum();
        let peers = self.exchange.borrow().as_ref().map(|exchange| exchange.peers.health()).unwrap_or_default();
        RuntimeFigures { queries, peers }
    }
}

/// Waits until every target has been probed once, at most for `limit`. Gives how many have not.
async fn first_round(checker: &Checker, targets: &Targets, limit: Duration) -> usize {
    let mut view = checker.subscribe();
    let all = view.wait_for(|view| unchecked(view, targets) == 0);
    drop(tokio::time::timeout(limit, all).await);
    unchecked(&view.borrow(), targets)
}

/// How many of these have not been probed yet.
fn unchecked(view: &HealthView, targets: &Targets) -> usize {
    let checked = |target| view.get(target).is_some_and(|health| health.verdict != Verdict::Unchecked);
    targets.keys().filter(|target| !checked(*target)).count()
}
