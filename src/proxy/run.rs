//! The whole daemon: from the arguments to the exit code.
//!
//! Owns the order of a start (DESIGN 9): document, keys, sockets, one round of checks and of peers, the first snapshot,
//! workers, admin, ready. Must never: accept a visitor before the first snapshot is there, nor write state while another
//! process is the daemon. Called by the `polder-proxy` binary.

mod admin;
mod event_loop;
mod handover;
mod network;
mod reload;

use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use crate::config::ProxyConfig;
use crate::daemon::args::DaemonArgs;
use crate::daemon::operator::OperatorStates;
use crate::daemon::signals::Signals;
use crate::daemon::sockets::{self, Listing};
use crate::daemon::startup::{self, Inheritance};
use crate::daemon::state_file::{StateFile, Stored};
use crate::daemon::takeover::{self, Takeover};
use crate::daemon::ticks::Ticks;
use crate::daemon::{VERSION as PROGRAM_VERSION, fd_store, logs, notify};
use crate::health::{Checker, HealthView, Target, Verdict, saved};
use crate::proxy::control::peer_words::PeerWords;
use crate::proxy::control::prepared::{PrepareError, Prepared};
use crate::proxy::control::{Event, Known, State, VERSION};
use crate::proxy::latch::latches::Found;
use crate::proxy::latch::store::LatchStore;
use crate::proxy::snapshot::Snapshot;
use crate::proxy::traffic::access_log::AccessLog;
use crate::proxy::traffic::shared::{Report, Shared};
use crate::proxy::traffic::worker::{self, Worker};
use event_loop::{Channels, Clock, EventLoop, Files, Phase};
use handover::Handed;
use network::Network;

/// The name at takeovers.
pub(super) const PROGRAM: &str = "polder-proxy";

/// How long a start waits for its peers.
const PEERS_LIMIT: Duration = Duration::from_secs(2);

/// How long a start waits for its first latches to be on disk.
const FIRST_WRITE_LIMIT: Duration = Duration::from_millis(1_500);

/// On top of the slowest check's time-out, for the first round.
pub(super) const PROBE_SLACK: Duration = Duration::from_secs(1);

/// Why the daemon did not run, or does not go on.
pub(super) struct Failure {
    /// 1: the document is not valid; 3: could not run.
    code: u8,
    message: String,
}

impl Failure {
    pub(super) fn could_not(message: impl ToString) -> Failure {
        Failure { code: 3, message: message.to_string() }
    }
}

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Failure {
        let code = if matches!(error, PrepareError::Findings(_)) { 1 } else { 3 };
        Failure { code, message: error.to_string() }
    }
}

/// The whole daemon: reads the document, serves until it is told to stop, and returns the exit code (0 done, 1 the
/// document is not valid, 3 could not run).
pub fn run(args: DaemonArgs) -> ExitCode {
    let ended = if args.check_config {
        check(&args)
    } else {
        logs::init();
        // Before any other file is opened: descriptors passed in are numbers until somebody owns them.
        let passed = fd_store::receive();
        startup::raise_open_files();
        serve(args, passed)
    };
    let Err(failure) = ended else { return ExitCode::SUCCESS };
    // Nothing is left to be done if standard error is closed.
    let _ = writeln!(std::io::stderr(), "{}", failure.message);
    ExitCode::from(failure.code)
}

fn check(args: &DaemonArgs) -> Result<(), Failure> {
    let document = crate::config::proxy::load(&args.config).map_err(PrepareError::Findings)?;
    let (file, services) = (args.config.display(), document.services.len());
    if args.live {
        let findings = check_live(document);
        if !findings.is_empty() {
            return Err(Failure { code: 1, message: findings.join("\n") });
        }
    }
    // Nothing is left to be done if standard output is closed.
    let _ = writeln!(std::io::stdout(), "{file}: valid, {services} services");
    Ok(())
}

/// What this machine has against a valid document: keys and sockets.
fn check_live(document: ProxyConfig) -> Vec<String> {
    let traffic = document.listeners.iter().map(|listener| listener.address);
    let peers = document.peers.iter().map(|peers| peers.listen);
    let tcp = traffic.chain(document.admin.address).chain(peers).collect();
    let mut findings = sockets::try_all(&document.admin.socket, &Listing { tcp, udp: Vec::new() });
    findings.extend(Prepared::with_keys(document).err());
    findings
}

fn serve(args: DaemonArgs, passed: Vec<OwnedFd>) -> Result<(), Failure> {
    let prepared = Arc::new(Prepared::read(&args.config)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::could_not)?;
    LocalSet::new().block_on(&runtime, async move {
        let mut signals = Signals::install().map_err(Failure::could_not)?;
        let started = tokio::select! {
            biased;
            () = signals.told_to_stop() => None,
            started = start(args, passed, prepared) => Some(started?),
        };
        let Some(started) = started else {
            tracing::info!("told to stop before it was ready");
            notify::stopping("told to stop before it was ready");
            return Ok(());
        };
        started.serve(signals).await
    })
}

/// Everything up to "ready".
async fn start(args: DaemonArgs, passed: Vec<OwnedFd>, prepared: Arc<Prepared>) -> Result<EventLoop, Failure> {
    let document = &prepared.document;
    tracing::info!("{PROGRAM} {PROGRAM_VERSION}, {}: starting", document.name);
    let clock = Clock::start();
    let Inheritance { mut sockets, takeover } =
        startup::inherit(&args, passed, PROGRAM, &document.admin.socket).await.map_err(Failure::could_not)?;
    let handed = offered(takeover.as_ref()).map_err(Failure::could_not)?;
    let workers = document.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let mut network =
        Network::bind(document, &document.admin.socket, workers, &mut sockets).map_err(Failure::could_not)?;
    sockets.settle();

    let health = match &handed {
        Some(handed) => handed.health.clone(),
        None => saved_health(&document.state_dir),
    };
    let checker = Checker::start(prepared.targets(), health.clone());
    let ticks = Ticks::default();
    let (shared, threads, reports) = spawn_workers(&prepared, workers, &ticks)?;

    // In a takeover the files and the exchange with peers are the running daemon's, until it has handed over.
    let mut files = if takeover.is_none() { Some(Files::open(&document.state_dir)?) } else { None };
    let mut channels = Channels::open(files.as_ref().map(Files::told).unwrap_or_default(), reports, &checker);
    let exchange = |network: &mut Network| {
        let (told, heard) = (channels.tell.subscribe(), channels.heard.clone());
        network.start_peers(&prepared, &document.name, told, heard)
    };
    let mut peers = if takeover.is_none() { exchange(&mut network) } else { None };
    let first_words = async {
        if let Some(peers) = &peers {
            peers.first_round(PEERS_LIMIT).await;
        }
    };
    tokio::join!(checked(&checker, prepared.targets().into_keys()), first_words);

    // From here on this process is the daemon.
    let inherited = hand_in(takeover).await?;
    let inherited = inherited.and_then(|state| match Handed::read(&state) {
        Ok(Handed { words, .. }) => Some(Event::Inherited(words)),
        Err(why) => {
            // This process is the daemon, whatever is wrong with the last words.
            tracing::error!("the last state of the process taken over from is lost: {why}");
            None
        }
    });
    if peers.is_none() {
        peers = exchange(&mut network);
    }
    let files = match files.take() {
        Some(files) => files,
        None => Files::open(&document.state_dir)?,
    };
    let known = Known {
        health: checker.subscribe().borrow().clone(),
        operator: files.words.clone(),
        operator_lost: files.words_lost.clone(),
        latches: files.found.clone(),
        remembered: health,
        words: channels.heard_so_far().chain(inherited).collect(),
    };
    let (state, effects) = State::new(prepared.clone(), known, workers, clock.now());
    let mut control = EventLoop {
        admin_socket: document.admin.socket.clone(),
        args,
        state,
        clock,
        shared,
        workers: threads,
        network,
        sockets,
        checker: Some(checker),
        files,
        peers,
        ticks,
        channels,
        phase: Phase::Serving,
        stop_if_not_handed_over: false,
        held_back: Vec::new(),
        admin: None,
        admin_tcp: None,
        admin_leaving: Vec::new(),
        reload: None,
        successor: None,
        successor_reply: None,
        last_reload: None,
        counts: Default::default(),
        health_saved: Duration::ZERO,
        summary: String::new(),
    };
    control.carry_out(effects);
    control.settle_first_writes(FIRST_WRITE_LIMIT).await;
    Ok(control)
}

/// What the running daemon hands over, if there is one. What cannot be read now could not be read when it has stopped
/// either.
fn offered(takeover: Option<&Takeover>) -> Result<Option<Handed>, String> {
    let handed = takeover.map(|takeover| Handed::read(&takeover.state)).transpose();
    handed.map_err(|why| takeover::not_understood(&why))
}

/// Says ready to the running daemon, if there is one, and takes its final state.
async fn hand_in(takeover: Option<Takeover>) -> Result<Option<Value>, Failure> {
    match takeover {
        None => Ok(None),
        Some(takeover) => Ok(Some(takeover.ready().await.map_err(Failure::could_not)?.into_state())),
    }
}

type Reports = mpsc::UnboundedReceiver<Report>;

fn spawn_workers(
    prepared: &Prepared,
    count: usize,
    ticks: &Ticks,
) -> Result<(Arc<Shared>, Vec<Worker>, Reports), Failure> {
    let access_log = AccessLog::open(prepared.document.access_log.as_ref())
        .map_err(|error| Failure::could_not(format!("the access log cannot be opened: {error}")))?;
    let (reports, reported) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared::new(Snapshot::nothing(prepared), reports, access_log, count));
    let spawn = |index| worker::spawn(index, shared.clone(), ticks.worker(&format!("worker {index}")));
    let workers = (0..count).map(spawn).collect::<std::io::Result<Vec<_>>>();
    let workers = workers.map_err(|error| Failure::could_not(format!("a worker thread cannot be started: {error}")))?;
    Ok((shared, workers, reported))
}

/// Waits until each of these targets has been checked once, at most as long as their slowest check can take.
async fn checked(checker: &Checker, targets: impl Iterator<Item = Target>) {
    let targets: Vec<Target> = targets.collect();
    let slowest = targets.iter().map(|target| target.check.timeout).max().unwrap_or_default();
    let mut view = checker.subscribe();
    let all = view.wait_for(|view| all_checked(view, &targets));
    // The checker lives as long as its handle, which the caller holds.
    let _ = tokio::time::timeout(slowest + PROBE_SLACK, all).await;
}

/// Whether no target is unchecked.
pub(super) fn all_checked(view: &HealthView, targets: &[Target]) -> bool {
    targets.iter().all(|target| view.get(target).is_some_and(|health| health.verdict != Verdict::Unchecked))
}

/// Health that a process killed less than 30 s ago left behind: of what was up. What was down then may have come back
/// since, and a latch must not move on old news: it is checked anew before this daemon is ready.
fn saved_health(state_dir: &Path) -> HealthView {
    let read = match StateFile::new(state_dir, "health").read() {
        Stored::Missing => Ok(HealthView::new()),
        Stored::Whole(value) => saved::from_json(&value, SystemTime::now()).map_err(String::from),
        Stored::Broken(why) => Err(why),
    };
    let mut health = read.unwrap_or_else(|why| {
        tracing::warn!("the saved health is not used: {why}; every backend is probed anew");
        HealthView::new()
    });
    health.retain(|_, known| known.verdict == Verdict::Up);
    health
}

impl Clock {
    fn start() -> Clock {
        Clock { started: Instant::now() }
    }
}

impl Files {
    fn open(state_dir: &Path) -> Result<Files, Failure> {
        let (latches, found) = LatchStore::open(state_dir).map_err(Failure::could_not)?;
        if let Found::Broken(why) = &found {
            tracing::error!(
                "the stored latches cannot be believed ({why}): taken from the peers, or decided by the operator"
            );
        }
        let operator = StateFile::new(state_dir, "operator");
        let (words, words_lost) = match stored_words(&operator) {
            Ok(words) => (words, None),
            Err(why) => {
                let lost = format!(
                    "the operator's words cannot be read ({why}): every backend is ready unless a peer knows better; say \
                     drain and maint again where they are meant"
                );
                tracing::error!("{lost}");
                (OperatorStates::default(), Some(lost))
            }
        };
        let health = StateFile::new(state_dir, "health");
        Ok(Files { latches, found, operator, words, words_lost, health, health_unsaved: Default::default() })
    }

    /// What peers are told before the first snapshot is there.
    fn told(&self) -> Value {
        let latches = match &self.found {
            Found::Whole(record) => record.latches.clone(),
            Found::Missing | Found::Broken(_) => Default::default(),
        };
        json!({ "version": VERSION, "latches": latches, "operator": self.words })
    }
}

/// The words of `operator.json`, or why they are lost.
fn stored_words(file: &StateFile) -> Result<OperatorStates, String> {
    match file.read() {
        Stored::Missing => Ok(OperatorStates::default()),
        Stored::Whole(value) => PeerWords::read(&value, None)
            .map(|words| words.operator)
            .map_err(|why| format!("{}: {why}", file.path.display())),
        Stored::Broken(why) => Err(why),
    }
}

impl Snapshot {
    /// What is there before the first: nothing.
    pub fn nothing(prepared: &Prepared) -> Snapshot {
        Snapshot {
            generation: 0,
            ready: false,
            draining: false,
            router: prepared.router.clone(),
            services: Vec::new(),
            settings: prepared.settings.clone(),
        }
    }
}
