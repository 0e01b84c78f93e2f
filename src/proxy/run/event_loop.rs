//! The control thread's loop: events in, effects out (the thin shell around [`State`]).
//!
//! Owns everything that changes and every handle: state, checker, files, peers, sockets, workers' commands. Must never:
//! decide what `control` decides, or block (files are written elsewhere). Started by `run`, told by `admin` through
//! [`Input`]s.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::Failure;
use super::network::Network;
use super::reload::Pending;
use crate::api::proxy::Status;
use crate::daemon::admin::{self, AdminReply, AdminRequest, AdminServer, serve_tcp, serve_unix};
use crate::daemon::args::DaemonArgs;
use crate::daemon::operator::{OperatorStates, unix_ms};
use crate::daemon::peers::{PeerEvent, Peers};
use crate::daemon::reload::HandOverError;
use crate::daemon::signals::{Signal, Signals};
use crate::daemon::sockets::Sockets;
use crate::daemon::state_file::StateFile;
use crate::daemon::takeover::{Offered, TakeoverError};
use crate::daemon::ticks::Ticks;
use crate::daemon::{fd_store, notify};
use crate::health::{Checker, HealthView, saved};
use crate::proxy::control::{Effect, Event, State};
use crate::proxy::latch::Now;
use crate::proxy::latch::latches::Found;
use crate::proxy::latch::store::LatchStore;
use crate::proxy::report::metrics::ControlCounts;
use crate::proxy::report::status::Live;
use crate::proxy::traffic::shared::{Report, Shared};
use crate::proxy::traffic::worker::{Command, Worker};

/// Between two savings of health.
const HEALTH_SAVE: Duration = Duration::from_secs(5);

/// The loop comes round at least this often: ticks, and what no event announces.
const ROUND: Duration = Duration::from_millis(250);

/// On top of the drain limit, for workers to end.
const DRAIN_SLACK: Duration = Duration::from_secs(1);

/// While draining, whether the workers have ended is looked at this often.
const DRAIN_ROUND: Duration = Duration::from_millis(20);

/// Words of peers that may wait to be taken in.
const HEARD: usize = 64;

/// For answers under way when the daemon ends.
const ADMIN_LIMIT: Duration = Duration::from_secs(1);

/// What reaches the loop from tasks of its own.
pub(super) enum Input {
    /// For the state.
    Event(Event),
    /// The operator asks.
    Admin(AdminRequest, oneshot::Sender<AdminReply>),
    /// A new process asks to take over.
    Takeover(UnixStream),
    /// It is ready, or gone.
    Offered(Result<Offered, TakeoverError>),
    /// It is the daemon now, or gone.
    Finished(Result<(), TakeoverError>),
    /// What the daemon that took over says of itself.
    Followed(Box<Status>),
    /// A reload's successor has taken over (its process id), or not.
    Succeeded(Result<u32, HandOverError>),
}

/// Where time comes from.
pub(super) struct Clock {
    pub(super) started: Instant,
}

impl Clock {
    pub(super) fn now(&self) -> Now {
        Now { running: self.started.elapsed(), unix_ms: unix_ms() }
    }
}

/// What is kept in the state directory.
pub(super) struct Files {
    pub(super) latches: LatchStore,
    pub(super) found: Found,
    pub(super) operator: StateFile,
    /// What the operator's file held at the start.
    pub(super) words: OperatorStates,
    /// Why it could not be read; for the operator.
    pub(super) words_lost: Option<String>,
    pub(super) health: StateFile,
    /// The last try to save health failed.
    pub(super) health_unsaved: Arc<AtomicBool>,
}

/// The loop's ends of its channels.
pub(super) struct Channels {
    pub(super) inputs: mpsc::UnboundedSender<Input>,
    pub(super) incoming: mpsc::UnboundedReceiver<Input>,
    pub(super) reports: mpsc::UnboundedReceiver<Report>,
    pub(super) tell: watch::Sender<Value>,
    pub(super) heard: mpsc::Sender<PeerEvent>,
    pub(super) hearing: mpsc::Receiver<PeerEvent>,
    pub(super) health: watch::Receiver<Arc<HealthView>>,
}

impl Channels {
    /// Opens them; `told` is what peers are told until the state says more.
    pub(super) fn open(told: Value, reports: mpsc::UnboundedReceiver<Report>, checker: &Checker) -> Channels {
        let (inputs, incoming) = mpsc::unbounded_channel();
        let (heard, hearing) = mpsc::channel(HEARD);
        Channels {
            inputs,
            incoming,
            reports,
            tell: watch::Sender::new(told),
            heard,
            hearing,
            health: checker.subscribe(),
        }
    }

    /// What peers have said and nobody has taken in yet.
    pub(super) fn heard_so_far(&mut self) -> impl Iterator<Item = Event> {
        std::iter::from_fn(|| self.hearing.try_recv().ok())
            .map(|PeerEvent { peer, value }| Event::Heard { peer, value })
    }
}

/// What can be done now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Serving.
    Serving,
    /// Serving, and a new process prepares to take over.
    Offering,
    /// Accepting no more, the new process gets the final state: nothing may change.
    Handing,
    /// The new process is the daemon; connections drain.
    HandedOver { until: Duration },
    /// Told to stop; connections drain.
    Stopping { until: Duration },
}

/// All of it.
pub(super) struct EventLoop {
    pub(super) args: DaemonArgs,
    pub(super) state: State,
    pub(super) clock: Clock,
    pub(super) shared: Arc<Shared>,
    pub(super) workers: Vec<Worker>,
    pub(super) network: Network,
    pub(super) sockets: Sockets,
    pub(super) admin_socket: PathBuf,
    pub(super) checker: Option<Checker>,
    pub(super) files: Files,
    pub(super) peers: Option<Peers>,
    pub(super) ticks: Ticks,
    pub(super) channels: Channels,
    pub(super) phase: Phase,
    pub(super) stop_if_not_handed_over: bool,
    /// What happened while the final state was on its way: counts if the new process goes away.
    pub(super) held_back: Vec<Event>,
    pub(super) admin: Option<AdminServer>,
    pub(super) admin_tcp: Option<AdminServer>,
    pub(super) admin_leaving: Vec<JoinHandle<()>>,
    pub(super) reload: Option<Pending>,
    pub(super) successor: Option<oneshot::Sender<()>>,
    pub(super) successor_reply: Option<oneshot::Sender<AdminReply>>,
    pub(super) last_reload: Option<(String, bool)>,
    pub(super) counts: ControlCounts,
    pub(super) health_saved: Duration,
    pub(super) summary: String,
}

impl EventLoop {
    /// Accepts, answers, and goes on until the daemon is told to stop or has handed over.
    pub(super) async fn serve(mut self, mut signals: Signals) -> Result<(), Failure> {
        self.listen();
        self.serve_admin().map_err(Failure::could_not)?;
        fd_store::keep(&self.sockets.as_fds());
        self.summary = self.state.summary();
        notify::ready(&self.summary);
        tracing::info!("ready: {}", self.summary);
        let tick = self.ticks.worker("control");
        tokio::task::spawn_local(self.ticks.clone().feed());
        loop {
            tick.tick();
            self.next(&mut signals).await;
            if self.has_ended() {
                break;
            }
            self.keep_up();
        }
        self.leave_operator();
        for leaving in self.admin_leaving {
            // It cannot be cancelled, and what it would panic with has been logged.
            let _ = leaving.await;
        }
        tracing::info!("ended");
        Ok(())
    }

    /// Accepts no more of the operator's requests; those under way get their answers before the process ends.
    pub(super) fn leave_operator(&mut self) {
        for server in self.admin.take().into_iter().chain(self.admin_tcp.take()) {
            self.admin_leaving.push(tokio::task::spawn_local(server.stop(ADMIN_LIMIT)));
        }
    }

    /// Waits for the next thing to happen, and does it.
    async fn next(&mut self, signals: &mut Signals) {
        let round = if self.is_draining() { DRAIN_ROUND } else { ROUND };
        let now = self.clock.now();
        let wait = self.state.wakes(now).map_or(round, |at| at.saturating_sub(now.running).min(round));
        let channels = &mut self.channels;
        tokio::select! {
            Some(input) = channels.incoming.recv() => self.on_input(input),
            Ok(()) = channels.health.changed() => {
                let health = channels.health.borrow_and_update().clone();
                self.take(Event::Health(health));
                self.go_on_reloading();
            }
            Some(PeerEvent { peer, value }) = channels.hearing.recv() => self.take(Event::Heard { peer, value }),
            Some(Report::LiveError(target)) = channels.reports.recv() => {
                self.checker.iter().for_each(|checker| checker.hasten(&target));
            }
            signal = signals.next() => self.on_signal(signal),
            () = tokio::time::sleep(wait) => {
                self.take(Event::Time);
                self.go_on_reloading();
            }
        }
    }

    fn on_input(&mut self, input: Input) {
        match input {
            Input::Event(event) => self.take(event),
            Input::Admin(request, reply) => self.answer(request, reply),
            Input::Takeover(stream) => self.offer(stream),
            Input::Offered(offered) => self.on_offered(offered),
            Input::Finished(finished) => self.on_finished(finished),
            Input::Followed(daemon) => self.follow(&daemon),
            Input::Succeeded(ended) => self.on_succeeded(ended),
        }
    }

    fn on_signal(&mut self, signal: Signal) {
        match signal {
            Signal::Reload => self.reload(None),
            Signal::Stop if self.is_draining() => {
                tracing::warn!("told to stop again: connections are cut");
                let now = self.clock.now().running;
                match &mut self.phase {
                    Phase::Stopping { until } | Phase::HandedOver { until } => *until = now,
                    Phase::Serving | Phase::Offering | Phase::Handing => {}
                }
            }
            // Decided within moments: either the new process is the daemon, or this one stops after all.
            Signal::Stop if self.phase == Phase::Handing => self.stop_if_not_handed_over = true,
            Signal::Stop => self.stop(),
        }
    }

    /// Not ready, accept no more, drain to the limit.
    pub(super) fn stop(&mut self) {
        self.reload = None;
        notify::stopping("draining");
        tracing::info!("told to stop: draining");
        save_health(&self.files.health, &self.health_value(), &self.files.health_unsaved);
        self.drain();
        self.phase = Phase::Stopping { until: self.drain_until() };
    }

    /// Accepts no more for good.
    pub(super) fn drain(&mut self) {
        self.take(Event::Draining(true));
        self.shared.stopping.store(true, Relaxed);
        for worker in &self.workers {
            // A worker that has ended has nothing to drain.
            let _ = worker.commands.send(Command::Drain);
        }
        self.sockets = Sockets::default();
        self.network = Network::default();
    }

    pub(super) fn drain_until(&self) -> Duration {
        self.clock.now().running + self.state.prepared.document.timeouts.drain + DRAIN_SLACK
    }

    fn is_draining(&self) -> bool {
        matches!(self.phase, Phase::Stopping { .. } | Phase::HandedOver { .. })
    }

    fn has_ended(&self) -> bool {
        let (Phase::Stopping { until } | Phase::HandedOver { until }) = self.phase else { return false };
        // Who asked for the reload that ends this process is told how it went, even if there is nobody to drain.
        let told = self.successor_reply.is_none();
        self.clock.now().running >= until || (told && self.workers.iter().all(|worker| worker.thread.is_finished()))
    }

    /// Takes an event in and carries out what follows. Once another process is, or is about to be, the daemon, nothing
    /// changes here any more but the end of this one; if that process goes away, what was held back counts.
    pub(super) fn take(&mut self, event: Event) {
        match self.phase {
            Phase::Handing => self.held_back.push(event),
            Phase::HandedOver { .. } if !matches!(event, Event::Draining(_)) => {}
            _ => {
                let effects = self.state.on_event(event, self.clock.now());
                self.carry_out(effects);
            }
        }
    }

    pub(super) fn carry_out(&mut self, effects: Vec<Effect>) {
        let is_daemon = !matches!(self.phase, Phase::HandedOver { .. });
        for effect in effects {
            match effect {
                Effect::Publish(snapshot) => {
                    let generation = snapshot.generation;
                    self.shared.snapshot.store(snapshot);
                    self.shared.changed.send_replace(generation);
                }
                Effect::WriteLatches { .. } | Effect::WriteOperator(_) | Effect::Tell(_) if !is_daemon => {}
                Effect::WriteLatches { ticket, record } => {
                    let inputs = self.channels.inputs.clone();
                    let report = move |ended| drop(inputs.send(Input::Event(Event::LatchesWritten { ticket, ended })));
                    tokio::task::spawn_local(self.files.latches.write(&record, report));
                }
                Effect::WriteOperator(value) => self.write_operator(value),
                Effect::Tell(value) => drop(self.channels.tell.send_replace(value)),
                Effect::Log(line) => tracing::info!("{line}"),
            }
        }
    }

    fn write_operator(&self, value: Value) {
        let (file, inputs) = (self.files.operator.clone(), self.channels.inputs.clone());
        tokio::task::spawn_blocking(move || {
            let written = file.write(&value).map_err(|error| error.to_string());
            drop(inputs.send(Input::Event(Event::OperatorWritten(written))));
        });
    }

    /// Before ready: the first writes of latches. A disk that does not answer ends the wait.
    pub(super) async fn settle_first_writes(&mut self, limit: Duration) {
        let deadline = tokio::time::Instant::now() + limit;
        while self.state.is_writing_latches() {
            match tokio::time::timeout_at(deadline, self.channels.incoming.recv()).await {
                Ok(Some(Input::Event(event))) => self.take(event),
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// What is done once a round: health on disk, the status line.
    fn keep_up(&mut self) {
        let now = self.clock.now().running;
        if now.saturating_sub(self.health_saved) >= HEALTH_SAVE
            && matches!(self.phase, Phase::Serving | Phase::Offering)
        {
            self.health_saved = now;
            let (file, value, unsaved) =
                (self.files.health.clone(), self.health_value(), self.files.health_unsaved.clone());
            tokio::task::spawn_blocking(move || save_health(&file, &value, &unsaved));
        }
        let summary = self.state.summary();
        if summary != self.summary && !self.is_draining() {
            notify::status(&summary);
            self.summary = summary;
        }
    }

    pub(super) fn health_value(&self) -> Value {
        saved::to_json(&self.state.health, SystemTime::now())
    }

    /// Every worker accepts from its share of the sockets, and no others.
    pub(super) fn listen(&mut self) {
        for (worker, listening) in self.workers.iter().zip(self.network.deal(self.workers.len())) {
            // A worker that has ended is the watchdog's to notice.
            let _ = worker.commands.send(Command::Listen(listening));
        }
    }

    fn serve_admin(&mut self) -> std::io::Result<()> {
        let handler = self.handler();
        self.admin = self.network.admin.take().map(|listener| serve_unix(listener, handler.clone())).transpose()?;
        let names = self.admin_names();
        self.admin_tcp =
            self.network.admin_tcp.take().map(|listener| serve_tcp(listener, names, handler)).transpose()?;
        Ok(())
    }

    pub(super) fn admin_names(&self) -> Vec<String> {
        let document = &self.state.prepared.document;
        admin::names(&document.name, &document.admin)
    }

    /// What status and metrics show besides the state.
    pub(super) fn live(&self) -> Live {
        Live {
            workers: self.workers.iter().map(|worker| worker.counters.clone()).collect(),
            connections: self.shared.admission.connections(),
            listeners: self
                .state
                .prepared
                .document
                .listeners
                .iter()
                .map(|listener| listener.address.to_string())
                .collect(),
            peers: self.peers.as_ref().map(Peers::health).unwrap_or_default(),
            log_lines_dropped: self.shared.access_log.dropped(),
            last_reload: self.last_reload.clone(),
        }
    }
}

/// Writes health. A disk that stays full is one line of the log, and so is its end.
fn save_health(file: &StateFile, value: &Value, unsaved: &AtomicBool) {
    match file.write(value) {
        Ok(()) if unsaved.swap(false, Relaxed) => tracing::info!("health is saved again"),
        Ok(()) => {}
        Err(error) if !unsaved.swap(true, Relaxed) => {
            tracing::warn!("health cannot be saved: {error}; a start after a crash would probe every backend anew");
        }
        Err(_) => {}
    }
}
