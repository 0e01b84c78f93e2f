//! The control thread: a pure state, and every handle that its effects need.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};

use super::super::admin::{AdminReply, AdminRequest};
use super::super::args::DaemonArgs;
use super::super::clock::Now;
use super::super::history::History;
use super::super::page;
use super::super::sockets::Sockets;
use super::super::state_lock::StateLock;
use super::super::takeover::Offered;
use super::super::ticks::Ticks;
use super::control_sockets::{AdminServers, ControlSockets};
use super::daemon::{Daemon, Document, Effect, Event, Figures, InputsOf, LastReload};
use super::document_file::DocumentFile;
use super::exchange::Exchange;
use super::input::Input;
use super::phase::Phase;
use super::state_files::StateFiles;
use crate::api::events::{EventsOf, Query};
use crate::health::checker::Checker;
use crate::health::{HealthView, Target};

/// Who is told the result of a reload; a signal has nobody.
pub(super) type Callers = Vec<oneshot::Sender<AdminReply>>;

/// Everything that changes in a daemon, and every handle.
pub struct Shell<D: Daemon> {
    /// The state and the threads that serve.
    pub daemon: D,
    /// The exchange with peers.
    pub exchange: Exchange,
    pub(super) args: DaemonArgs,
    pub(super) sockets: Sockets,
    /// Its path, which a reload cannot change.
    pub(super) admin_socket: PathBuf,
    pub(super) control_sockets: Option<ControlSockets>,
    pub(super) admin: AdminServers,
    pub(super) checker: Option<Checker>,
    pub(super) health: watch::Receiver<Arc<HealthView>>,
    /// None once another process has it.
    pub(super) lock: Option<StateLock>,
    pub(super) document_file: DocumentFile,
    pub(super) files: StateFiles,
    pub(super) ticks: Ticks,
    pub(super) history: History,
    pub(super) inputs: InputsOf<D>,
    pub(super) incoming: mpsc::UnboundedReceiver<Input<D::Document, D::Event>>,
    pub(super) phase: Phase,
    pub(super) stop_if_not_handed_over: bool,
    /// What [`Event::PeersAsked`] said last.
    pub(super) peers_asked: Duration,
    /// What happened while the final state was on its way: it counts if the new process goes away.
    pub(super) held_back: Vec<D::Event>,
    /// A peer has told something that is among them.
    pub(super) holds_news: bool,
    /// What the state wants done that is the daemon's alone, before this process is.
    pub(super) held_effects: Vec<D::Effect>,
    pub(super) reload: Option<Pending<D>>,
    /// A reload that was asked for and has not begun: one that is under way may have read an older document.
    pub(super) reload_wanted: Option<Callers>,
    /// One for each reload that the process which has taken over does for callers of this one; and one of our own.
    pub(super) passed_on: Rc<()>,
    pub(super) successor: Option<Successor>,
    /// A new process that is ready to take over, and how long it waits at most for commands to be answered.
    pub(super) accepted: Option<(Offered, Duration)>,
    pub(super) unanswered: Vec<Unanswered<D::Change>>,
    pub(super) figures: Figures,
    pub(super) health_saved: Option<Duration>,
    pub(super) summary: String,
}

/// A reload that is under way.
pub(super) struct Pending<D: Daemon> {
    pub(super) callers: Callers,
    /// Once the document has been read.
    pub(super) probing: Option<Probing<D::Document>>,
}

/// A document whose new targets are being probed for the first time.
pub(super) struct Probing<P> {
    pub(super) document: Arc<P>,
    pub(super) new_targets: Vec<Target>,
    pub(super) until: Duration,
}

/// A process that was started to take over from this one.
pub(super) struct Successor {
    /// Tells whoever watches the process that it has taken over.
    pub(super) taken: Option<oneshot::Sender<()>>,
    pub(super) callers: Callers,
}

/// The answer to a command, held back until what it changed is on disk.
pub(super) struct Unanswered<C> {
    pub(super) answer: AdminReply,
    pub(super) change: C,
    pub(super) to: oneshot::Sender<AdminReply>,
}

/// What a shell is made of, once it is all there.
pub struct Parts<D: Daemon> {
    /// The arguments of the process.
    pub args: DaemonArgs,
    /// The state and the threads that serve.
    pub daemon: D,
    /// Every listening socket.
    pub sockets: Sockets,
    /// The operator's and the peers', until they are served.
    pub control_sockets: ControlSockets,
    /// The probes.
    pub checker: Checker,
    /// The state directory, and that it is ours.
    pub lock: StateLock,
    /// The files in it.
    pub files: StateFiles,
    /// The exchange with peers.
    pub exchange: Exchange,
    /// The ticks that feed the watchdog.
    pub ticks: Ticks,
    /// What has happened here.
    pub history: History,
    /// The way into the loop.
    pub inputs: InputsOf<D>,
    /// Its other end.
    pub incoming: mpsc::UnboundedReceiver<Input<D::Document, D::Event>>,
}

impl<D: Daemon> Shell<D> {
    /// Puts the parts together; nothing is served yet.
    pub fn new(parts: Parts<D>) -> Shell<D> {
        let phase = if parts.args.takeover { Phase::Succeeding } else { Phase::Starting };
        let document = parts.daemon.document().clone();
        let settings = document.settings();
        // This process may write there: it has the directory's lock, or shares it with the one that it takes over from.
        parts.history.open(settings.state_dir);
        let admin_socket = settings.admin.socket.clone();
        let document_file = DocumentFile::just_read(parts.args.config.clone());
        Shell {
            daemon: parts.daemon,
            exchange: parts.exchange,
            args: parts.args,
            sockets: parts.sockets,
            admin_socket,
            control_sockets: Some(parts.control_sockets),
            admin: AdminServers::default(),
            health: parts.checker.subscribe(),
            checker: Some(parts.checker),
            lock: Some(parts.lock),
            document_file,
            files: parts.files,
            ticks: parts.ticks,
            history: parts.history,
            inputs: parts.inputs,
            incoming: parts.incoming,
            phase,
            stop_if_not_handed_over: false,
            peers_asked: Duration::ZERO,
            held_back: Vec::new(),
            holds_news: false,
            held_effects: Vec::new(),
            reload: None,
            reload_wanted: None,
            passed_on: Rc::default(),
            successor: None,
            accepted: None,
            unanswered: Vec::new(),
            figures: Figures::default(),
            health_saved: None,
            summary: String::new(),
        }
    }

    /// This moment.
    pub fn now(&self) -> Now {
        Now::read()
    }

    /// Takes an event in and performs what follows. While it is decided which of two processes is the daemon it is held back,
    /// and once another one is, it counts for nothing.
    pub fn take(&mut self, event: D::Event) {
        match self.phase {
            Phase::HandingOver => self.held_back.push(event),
            Phase::HandedOver { .. } => {}
            _ => self.take_at_once(event),
        }
    }

    /// Takes in what checks say now: for a start, whose first view nothing announces.
    pub fn take_health(&mut self) {
        let health = self.health.borrow_and_update().clone();
        self.take(Event::Health(health).into());
    }

    /// Takes in the messages of peers that wait.
    pub fn take_waiting_messages(&mut self) {
        let messages: Vec<_> = self.exchange.waiting().collect();
        self.holds_news = matches!(self.phase, Phase::HandingOver)
            && (self.holds_news || messages.iter().any(|message| message.is_news));
        messages.into_iter().for_each(|message| self.take(Event::Peer(message).into()));
    }

    /// Tells the state how recent is what it knows of its peers.
    pub(super) fn note_peers_asked(&mut self) {
        if let Some(asked) = self.exchange.asked().filter(|asked| *asked > self.peers_asked) {
            self.take_waiting_messages();
            self.peers_asked = asked;
            // Those who serve beside the new process go by what peers say, too; unless a peer has news that only the daemon may act on.
            match self.phase {
                Phase::HandingOver if !self.holds_news => self.take_at_once(Event::PeersAsked(asked).into()),
                _ => self.take(Event::PeersAsked(asked).into()),
            }
        }
    }

    /// Takes an event in, whatever the phase.
    pub(super) fn take_at_once(&mut self, event: D::Event) {
        let effects = self.daemon.on_event(event, self.now());
        self.perform(effects);
    }

    /// Performs effects in their order.
    pub fn perform(&mut self, effects: Vec<D::Effect>) {
        let is_daemon = self.phase.is_daemon();
        for effect in effects {
            if self.phase == Phase::Succeeding && !D::is_of_serving(&effect) {
                self.held_effects.push(effect);
                continue;
            }
            match self.daemon.perform(effect, is_daemon, &self.inputs) {
                None => {}
                Some(Effect::WriteOperator(_) | Effect::TellPeers(_)) if !is_daemon => {}
                Some(Effect::WriteOperator(value)) => self.write_operator(value),
                Some(Effect::TellPeers(value)) => self.exchange.send(value),
                Some(Effect::Probe(targets)) => self.checker.iter().for_each(|checker| checker.ask(targets.clone())),
                Some(Effect::Log(line)) => line.write(),
            }
        }
    }

    fn write_operator(&self, value: Value) {
        let inputs = self.inputs.clone();
        self.files.write_operator(value, move |ended| {
            inputs.send(Input::Event(Event::OperatorWritten(ended).into()));
        });
    }

    /// What status and metrics show besides the state.
    pub(super) fn figures(&self) -> Figures {
        let health = self.files.health_writes();
        Figures {
            peers: self.exchange.health(),
            document: self.document_file.alarm(self.now().running),
            last_reload: self.figures.last_reload.clone(),
            reloads: self.figures.reloads,
            reloads_refused: self.figures.reloads_refused,
            health_unwritten: health.failure,
            health_write_failures: health.failures,
            events: self.history.disk(),
            history: self.history.clone(),
            trends: Rc::clone(&self.figures.trends),
        }
    }

    /// Notes how a reload ended.
    pub(super) fn note_reload(&mut self, words: String, refused: bool) {
        let count = if refused { &mut self.figures.reloads_refused } else { &mut self.figures.reloads };
        *count += 1;
        self.figures.last_reload = Some(LastReload { when: self.now().unix_ms, words, refused });
    }

    /// Answers a request that reads.
    pub(super) fn show(&self, request: &AdminRequest) -> AdminReply {
        if request.path == "/sockets" {
            return AdminReply::json(&self.sockets.listing());
        }
        if let Some(file) = page::file(&request.path) {
            return file;
        }
        if request.path == "/events" {
            return match Query::read(&request.query) {
                Ok(query) => {
                    let daemon = self.daemon.document().settings().name.to_owned();
                    AdminReply::json(&EventsOf { daemon, events: self.history.find(&query) })
                }
                Err(error) => AdminReply::refuse(400, error.to_string()),
            };
        }
        self.daemon.show(request, self.figures(), self.now()).unwrap_or_else(|| unknown(request))
    }
}

/// The answer to a request for what is not there.
pub(super) fn unknown(request: &AdminRequest) -> AdminReply {
    AdminReply::refuse(404, format!("{:?} {} is not part of this API", request.method, request.path))
}
