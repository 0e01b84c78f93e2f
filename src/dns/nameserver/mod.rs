//! The running nameserver: [`Control`] with its sockets, threads, probes, peers and state files around it.
//!
//! Lives on the control thread, in `Rc`s: no lock, and no borrow is held across an await. Called by the admin API
//! ([`admin`]), by signals and by the clock ([`super::run`](mod@super::run)).

mod admin;
mod keeping;
mod reload;
mod succession;

use std::cell::{Cell, RefCell};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::control::{Control, Saved, Surroundings};
use super::listening::Listening;
use crate::config::DnsConfig;
use crate::daemon::admin::{self as admin_api, AdminServer};
use crate::daemon::args::DaemonArgs;
use crate::daemon::peers::{Heard, Keys, Peers};
use crate::daemon::sockets::Sockets;
use crate::daemon::{fd_store, notify};
use crate::health::checker::{Checker, Targets};
use crate::health::{HealthView, Verdict};

pub use keeping::Keeping;

/// The name by which a takeover knows its own kind.
pub const PROGRAM: &str = "polder-dns";

/// How often the clock alone may change something: a word that ends, a write to be tried again, the status line.
pub const HOUSEKEEPING: Duration = Duration::from_millis(250);

/// How long the operator's requests under way are waited for at the end.
const ADMIN_LIMIT: Duration = Duration::from_secs(2);

/// Everything of a nameserver that serves.
pub struct Nameserver {
    args: DaemonArgs,
    control: RefCell<Control>,
    sockets: RefCell<Sockets>,
    listening: RefCell<Listening>,
    checker: Checker,
    exchange: RefCell<Option<Exchange>>,
    keeping: RefCell<Keeping>,
    admin: RefCell<Vec<AdminServer>>,
    busy: Cell<Busy>,
    end: watch::Sender<Option<End>>,
    status_line: RefCell<String>,
}

/// What excludes another of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Busy {
    Idle,
    /// A reload in place.
    Reloading,
    /// A successor was started; its takeover is welcome.
    HandingOver,
    /// A successor has our sockets and is not ready yet.
    TakenOver,
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
    keys: Keys,
    peers: Peers,
    ours: watch::Sender<Value>,
}

impl Exchange {
    /// Starts telling the peers what [`Control::operator_value`] says; what they say arrives through `heard`.
    pub fn start(
        config: &DnsConfig,
        keys: Keys,
        listener: std::net::TcpListener,
        ours: Value,
        heard: mpsc::Sender<Heard>,
    ) -> Option<Exchange> {
        let (ours, ours_read) = watch::channel(ours);
        let peers = Peers::start(config.peers.clone()?, config.name.clone(), keys.clone(), listener, ours_read, heard);
        Some(Exchange { keys, peers, ours })
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
    /// The peers, where there are any.
    pub exchange: Option<Exchange>,
    /// The state directory.
    pub keeping: Keeping,
}

impl Nameserver {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Rc<Nameserver> {
        Rc::new(Nameserver {
            args: parts.args,
            control: RefCell::new(parts.control),
            sockets: RefCell::new(parts.sockets),
            listening: RefCell::new(parts.listening),
            checker: parts.checker,
            exchange: RefCell::new(parts.exchange),
            keeping: RefCell::new(parts.keeping),
            admin: RefCell::default(),
            busy: Cell::new(Busy::Idle),
            end: watch::channel(None).0,
            status_line: RefCell::default(),
        })
    }

    /// Begins to answer the operator.
    pub fn serve_admin(self: &Rc<Self>, unix: UnixListener, tcp: Option<TcpListener>) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("the admin API cannot be served: {error}");
        let mut servers = vec![admin_api::serve_unix(unix, Rc::clone(self)).map_err(failed)?];
        if let Some(tcp) = tcp {
            servers.push(admin_api::serve_tcp(tcp, Rc::clone(self)).map_err(failed)?);
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

    /// Checks said something.
    pub fn set_health(&self, health: std::sync::Arc<HealthView>) {
        self.control.borrow_mut().set_health(health);
        self.tell_status();
    }

    /// A peer told what it knows.
    pub fn hear(&self, heard: Heard) {
        let mut told = Saved::default();
        if let Err(error) = told.read_operator(heard.value) {
            tracing::warn!("what peer {} says cannot be understood: {error}", heard.peer);
            return;
        }
        if self.control.borrow_mut().merge_operator(&told.operator) {
            tracing::info!("took over the operator's words from peer {}", heard.peer);
            self.operator_changed();
        }
    }

    /// The operator's words are other ones: keeps them and tells the peers.
    fn operator_changed(&self) {
        let value = self.control.borrow().operator_value();
        if let Some(exchange) = &*self.exchange.borrow() {
            exchange.ours.send_replace(value);
        }
        self.keeping.borrow_mut().operator_changed(&mut self.control.borrow_mut());
        self.tell_status();
    }

    /// What the clock alone changes.
    pub fn keep_house(&self) {
        let mut control = self.control.borrow_mut();
        control.rebuild();
        self.keeping.borrow_mut().save_what_is_due(&mut control);
        drop(control);
        self.tell_status();
    }

    /// The service manager's line, when it is another one.
    fn tell_status(&self) {
        let line = self.control.borrow().line();
        if *self.status_line.borrow() != line {
            notify::status(&line);
            *self.status_line.borrow_mut() = line;
        }
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

    /// Ends the nameserver: [`Nameserver::ended`] tells.
    pub fn stop(&self) {
        self.finish(End::Stopped);
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

    /// Reads and accepts no more, closes the sockets, and answers on open connections, at most for the document's
    /// limit. State is saved unless another process keeps it now.
    pub async fn drain(&self, end: End) {
        let limit = self.control.borrow().document.config.drain;
        self.control.borrow_mut().draining = true;
        self.control.borrow_mut().ready = false;
        self.listening.borrow_mut().drain(limit);
        drop(self.sockets.take());
        if end == End::Stopped {
            self.keeping.borrow_mut().save_all(&mut self.control.borrow_mut());
        }
        // A UDP worker sees that it is to stop within its receive time-out.
        let deadline = tokio::time::Instant::now() + limit + Duration::from_secs(1);
        while !self.listening.borrow().ended() && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn surroundings(&self) -> Surroundings {
        let listening = self.listening.borrow();
        let queries = listening.counters().map(|(_, counters)| counters.answers().iter().sum::<u64>()).sum();
        let peers = self.exchange.borrow().as_ref().map(|exchange| exchange.peers.health()).unwrap_or_default();
        Surroundings { queries, peers }
    }
}

/// Waits until every target has been probed once, at most for `limit`. Gives how many have not.
pub async fn first_round(checker: &Checker, targets: &Targets, limit: Option<Duration>) -> usize {
    let unchecked = |view: &HealthView| {
        let checked = |target| view.get(target).is_some_and(|health| health.verdict != Verdict::Unchecked);
        targets.keys().filter(|target| !checked(*target)).count()
    };
    let mut view = checker.subscribe();
    let all = view.wait_for(|view| unchecked(view) == 0);
    match limit {
        Some(limit) => drop(tokio::time::timeout(limit, all).await),
        None => drop(all.await),
    }
    unchecked(&view.borrow())
}
