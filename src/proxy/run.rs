//! The proxy's start, in order: sockets, one round of checks and of peers, the state and its first snapshot, workers.
//!
//! What follows is [`daemon::lifecycle`](crate::daemon::lifecycle)'s. Must never: accept a visitor before the first snapshot
//! is there, nor write state while another process is the daemon. Called by the `polder-proxy` binary.

mod acme;
mod admin;
mod agreement;
mod certificates;
mod daemon;
mod document;
mod handed;
mod members;
mod nameservers;
mod network;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;

use crate::acme::challenges::Challenges;
use crate::acme::store;
use crate::config::proxy::ProxyConfig;
use crate::daemon::args::DaemonArgs;
use crate::daemon::clock::{Now, boot_id};
use crate::daemon::lifecycle::reload::{PROBE_SLACK, is_checked};
use crate::daemon::lifecycle::state_files::StoredOperator;
use crate::daemon::lifecycle::{
    self, ControlSockets, Daemon, Document, Exchange, Input, Inputs, Parts, RunError, Shell, Start, StateFiles,
};
use crate::daemon::startup::{self, Inheritance};
use crate::daemon::state_lock::StateLock;
use crate::daemon::takeover::Succession;
use crate::daemon::ticks::Ticks;
use crate::health::{Checker, HealthView, Proof, Target, Verdict, saved};
use crate::proxy::agreement::Predecessor;
use crate::proxy::control::peer_state::{PeerMessage, PeerState};
use crate::proxy::control::prepared::Prepared;
use crate::proxy::control::{Event, InitialState, State};
use crate::proxy::latch::latches::{Latches, StoredLatches};
use crate::proxy::latch::store::LatchStore;
use crate::proxy::ordered;
use crate::proxy::route::Router;
use crate::proxy::snapshot::Snapshot;
use crate::proxy::traffic::access_log::AccessLog;
use crate::proxy::traffic::shared::{Report, Shared};
use crate::proxy::traffic::worker::{self, Worker};
use acme::Acme;
use agreement::Link;
use daemon::ProxyDaemon;
use handed::Handed;
use members::Members;
use network::Network;

/// How long a start waits for its peers.
const PEERS_LIMIT: Duration = Duration::from_secs(2);

/// How long a start waits for its first latches to be on disk.
const FIRST_WRITE_LIMIT: Duration = Duration::from_millis(1_500);

/// How long a process that was taken over from may take to notice it.
const LAST_RENEWAL: Duration = Duration::from_secs(1);

/// The whole daemon: reads the document, serves until it is told to stop, and returns the exit code (0 done, 1 the
/// document is not valid, 3 could not run).
pub fn run(args: DaemonArgs) -> ExitCode {
    lifecycle::run::<ProxyDaemon>(args, start)
}

/// Everything from the document to "ready".
async fn start(start: Start<Prepared>) -> Result<Shell<ProxyDaemon>, RunError> {
    let Start { args, document: prepared, passed, history } = start;
    let (document, settings) = (&prepared.document, prepared.settings());
    let Inheritance { mut sockets, folders, takeover } =
        startup::inherit(&args, passed, ProxyDaemon::PROGRAM, (&settings.admin.socket, settings.state_dir)).await?;
    let lock = StateLock::hold(settings.state_dir, folders)?;
    let handed = startup::read_offer(takeover.as_ref(), Handed::read)?;
    let count = prepared.workers();
    let network = Network::bind(document, count, &mut sockets)?;
    let mut control_sockets = ControlSockets::bind(&settings, &mut sockets)?;
    sockets.settle();

    let files = StateFiles::new(settings.state_dir);
    let health = handed.map_or_else(|| saved_health(&files), |handed| handed.health);
    let checker = Checker::start(prepared.targets(), health.clone());
    let (inputs, incoming) = Inputs::open();
    let ticks = Ticks::default();
    let agreement = Link::default();
    agreement.follow(document.agreement.as_ref(), daemon::report_agreement(&inputs));
    let members = Members::default();
    members.follow(document.agreement.as_ref());
    let (shared, workers) = spawn_workers(&prepared, count, &ticks, &inputs)?;

    // In a takeover the files and the exchange with peers are the running daemon's, until it has handed over.
    let stored = if takeover.is_none() { Some(Stored::read(&files, &prepared)?.doubted(&prepared)) } else { None };
    let message = |stored: &Stored| {
        json!(PeerMessage::new(&prepared, &stored.latches, &stored.operator.states, Default::default()))
    };
    let mut exchange = Exchange::new(stored.as_ref().map(message).unwrap_or_default());
    let mut peers = control_sockets.peers.take();
    let mut meet = |exchange: &mut Exchange| exchange.start(&settings, prepared.identity(), peers.take());
    if takeover.is_none() {
        meet(&mut exchange);
    }
    let known_enough =
        async { tokio::join!(checked(&checker, prepared.targets().into_keys()), exchange.first_round(PEERS_LIMIT)) };
    tokio::select! {
        _ = known_enough => {}
        () = startup::interrupted(takeover.as_ref()) => {}
    }

    // From here on the running daemon decides nothing more.
    let succession = match takeover {
        Some(takeover) => Some(takeover.ready().await?),
        None => None,
    };
    let inherited = succession.as_ref().and_then(inherited);
    let predecessor = succession.as_ref().map(|_| Predecessor {
        settled: settled(document),
        waits: inherited.as_ref().is_some_and(|handed| handed.waits),
        seen: inherited.as_ref().and_then(|handed| handed.seen),
    });
    let inherited = inherited.map(|handed| Event::Inherited(handed.words));
    let stored = match stored {
        Some(stored) => stored,
        None => Stored::read(&files, &prepared)?,
    };
    let heard = exchange.waiting().map(Event::PeerMessage);
    let known = InitialState {
        health: checker.subscribe().borrow().clone(),
        operator: stored.operator.states,
        operator_lost: stored.operator.lost,
        latches: stored.latches,
        damaged: stored.slots.damage().map(str::to_owned),
        remembered: health,
        acme: store::read(&prepared.document.state_dir, &ordered::terms(&prepared.document).desired),
        predecessor,
        words: heard.chain(inherited).collect(),
    };
    let (state, effects) = State::new(prepared.clone(), known, count, Now::read());
    let daemon = ProxyDaemon {
        state,
        shared,
        workers,
        network: Network::default(),
        latches: stored.slots,
        acme: Acme::default(),
        agreement,
        members,
        looks: Arc::default(),
        inputs: inputs.clone(),
    };
    let mut shell = Shell::new(Parts {
        args,
        daemon,
        sockets,
        control_sockets,
        checker,
        lock,
        files,
        exchange,
        ticks,
        history,
        inputs,
        incoming,
    });
    tokio::task::spawn_local(certificates::watch(Arc::clone(&shell.daemon.shared), Arc::clone(&shell.daemon.looks)));
    shell.perform(effects);
    let network = match succession {
        None => Some(network),
        Some(succession) => {
            shell.succeed(network, succession).await?;
            meet(&mut shell.exchange);
            None
        }
    };
    settle_first_writes(&mut shell).await;
    shell.begin(network)?;
    Ok(shell)
}

/// Before ready: the first writes of latches, and of certificates that peers had. A disk that does not answer ends the wait.
async fn settle_first_writes(shell: &mut Shell<ProxyDaemon>) {
    let written = async {
        while shell.daemon.state.is_writing() {
            shell.next().await;
        }
    };
    let _ = tokio::time::timeout(FIRST_WRITE_LIMIT, written).await;
}

/// Until when the process that was taken over from may serve what it served: its lease is renewed no more.
fn settled(document: &ProxyConfig) -> Duration {
    let lease = document.agreement.as_ref().map(|agreement| agreement.lease + LAST_RENEWAL);
    lease.map_or(Duration::ZERO, |lease| Now::read().running + lease)
}

/// The words of the process taken over from. This one becomes the daemon, whatever is wrong with them.
fn inherited(succession: &Succession) -> Option<Handed> {
    let handed = Handed::read(&succession.state);
    let handed = handed.inspect_err(|why| {
        tracing::error!("the final state of the process taken over from cannot be used: {why}");
    });
    handed.ok()
}

fn spawn_workers(
    prepared: &Prepared,
    count: usize,
    ticks: &Ticks,
    inputs: &Inputs<Prepared, Event>,
) -> Result<(Arc<Shared>, Vec<Worker>), RunError> {
    let access_log = AccessLog::open(prepared.document.access_log.as_ref(), Some(&prepared.document.state_dir));
    let access_log = access_log.map_err(RunError::io("the access log cannot be opened"))?;
    let (reports, mut reported) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared::new(Snapshot::nothing(prepared), reports, access_log, count));
    let spawn = |index| worker::spawn(index, shared.clone(), ticks.worker(&format!("worker {index}")));
    let workers = (0..count).map(spawn).collect::<std::io::Result<Vec<_>>>();
    let workers = workers.map_err(RunError::io("a worker thread cannot be started"))?;
    let inputs = inputs.clone();
    tokio::task::spawn_local(async move {
        while let Some(Report::LiveError(target)) = reported.recv().await {
            if !inputs.send(Input::LiveError(target)) {
                return;
            }
        }
    });
    Ok((shared, workers))
}

/// Waits until each of these targets has been checked once, at most as long as their slowest check can take.
async fn checked(checker: &Checker, targets: impl Iterator<Item = Target>) {
    let targets: Vec<Target> = targets.collect();
    let slowest = targets.iter().map(|target| target.check.timeout).max().unwrap_or_default();
    let mut view = checker.subscribe();
    let all = view.wait_for(|view| targets.iter().all(|target| is_checked(view, target)));
    // The checker lives as long as its handle, which the caller holds.
    let _ = tokio::time::timeout(slowest + PROBE_SLACK, all).await;
}

/// Health that a process killed less than 30 s ago left behind: of what was up. What was down then may have come back
/// since, and a latch must not move on old news: it is checked anew before this daemon is ready.
fn saved_health(files: &StateFiles) -> HealthView {
    let mut health: HealthView =
        files.read_health(|value| saved::from_file(value, std::time::SystemTime::now(), boot_id()));
    health.retain(|_, known| known.lasting().verdict == Verdict::Up);
    health
}

/// What lay in the state directory at the start.
struct Stored {
    slots: LatchStore,
    latches: Latches,
    operator: StoredOperator,
}

impl Stored {
    fn read(files: &StateFiles, prepared: &Prepared) -> Result<Stored, RunError> {
        let cannot = RunError::io("the latches cannot be read");
        let (slots, found) = LatchStore::open(&prepared.document.state_dir).map_err(cannot)?;
        if let StoredLatches::Broken(why) = &found {
            tracing::error!(
                "the stored latches cannot be believed ({why}): taken from the peers, or decided by the operator"
            );
        }
        let operator = files.read_operator("backend", |value| PeerState::read(value, None).map(|words| words.operator));
        Ok(Stored { slots, latches: Latches::restore(found), operator })
    }

    /// Where no process hands over what it knows, and peers may know more.
    fn doubted(mut self, prepared: &Prepared) -> Stored {
        if prepared.document.peers.is_some() {
            self.latches.doubt(prepared, self.slots.damage().is_some());
        }
        self
    }
}

impl Snapshot {
    /// What is there before the first: nothing.
    pub fn nothing(prepared: &Prepared) -> Snapshot {
        Snapshot {
            generation: 0,
            ready: false,
            draining: false,
            peers: Proof::default(),
            router: Router::default(),
            counted: Arc::default(),
            fronts: Arc::new([]),
            services: Vec::new(),
            challenges: Challenges::default(),
            settings: prepared.settings.clone(),
        }
    }
}
