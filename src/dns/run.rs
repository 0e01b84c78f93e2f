//! A nameserver's life, in order: read, inherit, bind, check, be ready, serve, end (DESIGN 9).

use std::io::Write;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::LocalSet;

use super::control::{Alarms, Control, Saved, targets};
use super::document::{self, Document};
use super::listening::{Bound, Listening};
use super::nameserver::{End, HOUSEKEEPING, Keeping, Nameserver, PROGRAM, Parts};
use super::protection::Protection;
use crate::config::DnsConfig;
use crate::daemon::args::DaemonArgs;
use crate::daemon::peers::{Identity, PeerEvent};
use crate::daemon::signals::{Signal, Signals};
use crate::daemon::sockets::{self, Listing, Sockets};
use crate::daemon::startup::{self, Inheritance};
use crate::daemon::takeover::{self, Takeover};
use crate::daemon::ticks::{Tick, Ticks};
use crate::daemon::{fd_store, logs, notify};
use crate::health::checker::Checker;

/// The document is not valid.
const NOT_VALID: u8 = 1;

/// The daemon could not run.
const COULD_NOT_RUN: u8 = 3;

/// How long the peers' first words are waited for.
const PEERS_LIMIT: Duration = Duration::from_secs(2);

/// The whole daemon: reads the document and its zones, serves until it is told to stop, and returns the exit code (0
/// done, 1 the document is not valid, 3 could not run).
pub fn run(args: DaemonArgs) -> ExitCode {
    logs::init();
    // Before anything else is opened: descriptors that were passed in are numbers until somebody owns them.
    let passed = fd_store::receive();
    startup::raise_open_files();
    let document = match document::load(&args.config) {
        Ok(document) => document,
        Err(findings) => {
            report(&findings.to_string());
            return ExitCode::from(NOT_VALID);
        }
    };
    if args.check_config {
        return check(&args, &document);
    }
    match live(args, document, passed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            tracing::error!("{message}");
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}

/// `--check-config` of a document without findings; with `--live` its keys and sockets are tried too.
fn check(args: &DaemonArgs, document: &Document) -> ExitCode {
    if args.live
        && let Err(message) = try_live(&document.config)
    {
        report(&message);
        return ExitCode::from(NOT_VALID);
    }
    let (zones, pools) = (document.config.zones.len(), document.config.pools.len());
    // Whoever closed our output does not want to read it.
    let _ = writeln!(std::io::stdout(), "{}: valid: zones {zones}, pools {pools}", args.config.display());
    ExitCode::SUCCESS
}

fn try_live(config: &DnsConfig) -> Result<(), String> {
    let mut wrong = Vec::new();
    wrong.extend(identity(config).err());
    let peers = config.peers.iter().map(|peers| peers.listen);
    wrong.extend(Protection::of(config, None).err().map(String::from));
    let tcp = config.listeners.iter().copied().chain(config.admin.address).chain(peers).collect();
    wrong.extend(sockets::try_all(&config.admin.socket, &Listing { tcp, udp: config.listeners.clone() }));
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

fn report(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn live(args: DaemonArgs, document: Document, passed: Vec<OwnedFd>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the control thread's runtime cannot be started: {error}"))?;
    let served = LocalSet::new().block_on(&runtime, serve(args, document, passed));
    // A probe that still waits for a dead member must not hold up the end.
    runtime.shutdown_background();
    served
}

/// The operator's sockets. The peers' is bound with them and asked for again when it is used.
struct AdminSockets {
    unix: std::os::unix::net::UnixListener,
    tcp: Option<TcpListener>,
}

impl AdminSockets {
    fn bind(config: &DnsConfig, sockets: &mut Sockets) -> Result<AdminSockets, String> {
        let mut one = |address| match sockets.tcp(address, 1) {
            Ok(mut listeners) => Ok(listeners.pop()),
            Err(error) => Err(error.message),
        };
        let tcp = config.admin.address.map_or(Ok(None), &mut one)?;
        config.peers.as_ref().map_or(Ok(None), |peers| one(peers.listen))?;
        let unix = sockets.unix(&config.admin.socket).map_err(|error| error.message)?;
        Ok(AdminSockets { unix, tcp })
    }
}

async fn serve(args: DaemonArgs, document: Document, passed: Vec<OwnedFd>) -> Result<(), String> {
    let mut signals = Signals::install().map_err(|error| format!("signals cannot be received: {error}"))?;
    let ticks = Ticks::default();
    let control_tick = ticks.worker("control");
    let started = tokio::select! {
        biased;
        () = signals.told_to_stop() => None,
        started = start(args, document, passed, &ticks) => Some(started?),
    };
    let Some((nameserver, heard)) = started else {
        tracing::info!("told to stop before it was ready");
        notify::stopping("told to stop before it was ready");
        return Ok(());
    };
    tokio::task::spawn_local(ticks.feed());
    let end = obey(&nameserver, heard, signals, control_tick).await;
    nameserver.retire();
    if end == End::Stopped {
        notify::stopping("answering what has been received");
    }
    if end == End::HandedOver {
        nameserver.leave_admin().await;
    }
    nameserver.drain(end).await;
    nameserver.leave_admin().await;
    Ok(())
}

/// Everything up to "ready". The operator is answered from the beginning on, unless another process still does that.
async fn start(
    args: DaemonArgs,
    document: Document,
    passed: Vec<OwnedFd>,
    ticks: &Ticks,
) -> Result<(Rc<Nameserver>, mpsc::Receiver<PeerEvent>), String> {
    let config = document.config.clone();
    let identity = identity(&config)?;
    let protection = Protection::of(&config, None)?;
    let Inheritance { mut sockets, takeover } =
        startup::inherit(&args, passed, PROGRAM, &config.admin.socket).await.map_err(|error| error.0)?;
    let keeping = Keeping::new(&config.state_dir);
    let (saved, alarms) = known_before(&keeping, takeover.as_ref())?;
    let bound = Bound::bind(&config, &mut sockets).map_err(|error| error.message)?;
    let admin = AdminSockets::bind(&config, &mut sockets)?;
    sockets.settle();

    let mut control = Control::new(document, &saved);
    control.alarms.extend(alarms);
    let checker = Checker::start(targets(&control.document), saved.health.clone());
    let snapshot = Arc::clone(&control.snapshot);
    let listening = Listening::new(&config, snapshot, protection, ticks.clone()).map_err(no_thread)?;
    let (heard_in, mut heard) = mpsc::channel(16);
    let nameserver = Nameserver::new(Parts { args, control, sockets, listening, checker, heard: heard_in, keeping });
    let mut admin = Some(admin);
    if takeover.is_none() {
        serve_admin(&nameserver, admin.take())?;
    }
    nameserver.check_all().await;
    if let Some(identity) = identity {
        nameserver.start_exchange(identity)?;
        nameserver.meet_peers(PEERS_LIMIT).await;
    }
    // What the peers said in the first round counts before the first answer.
    let mut learned = takeover.is_some();
    while let Ok(told) = heard.try_recv() {
        learned |= nameserver.learn_from(told);
    }
    if let Some(takeover) = takeover {
        let state = takeover.ready().await.map_err(|error| error.0)?.into_state();
        // From here on this process is the daemon, whatever is wrong with the last words.
        let mut last = Saved::default();
        match last.read_handover(state) {
            Ok(()) => drop(nameserver.learn(&last)),
            Err(error) => tracing::error!("the last state of the process taken over from is lost: {error}"),
        }
    }
    nameserver.begin(bound).map_err(no_thread)?;
    serve_admin(&nameserver, admin)?;
    if learned {
        nameserver.operator_changed().await;
    }
    nameserver.announce();
    Ok((nameserver, heard))
}

fn serve_admin(nameserver: &Rc<Nameserver>, sockets: Option<AdminSockets>) -> Result<(), String> {
    sockets.map_or(Ok(()), |AdminSockets { unix, tcp }| nameserver.serve_admin(unix, tcp))
}

/// The key by which the peers know this nameserver, if it has peers.
fn identity(config: &DnsConfig) -> Result<Option<Identity>, String> {
    config.peers.as_ref().map(|peers| Identity::of_daemon(&config.name, peers)).transpose().map_err(String::from)
}

fn no_thread(error: std::io::Error) -> String {
    format!("no thread can be started: {error}")
}

/// What the running daemon hands over, or else what the state directory holds.
fn known_before(keeping: &Keeping, takeover: Option<&Takeover>) -> Result<(Saved, Alarms), String> {
    match takeover {
        None => Ok(keeping.read()),
        Some(takeover) => {
            let mut saved = Saved::default();
            saved.read_handover(takeover.state.clone()).map_err(|why| takeover::not_understood(&why))?;
            Ok((saved, Alarms::new()))
        }
    }
}

/// The control loop: health, peers, signals and the clock, until the end.
async fn obey(
    nameserver: &Rc<Nameserver>,
    mut heard: mpsc::Receiver<PeerEvent>,
    mut signals: Signals,
    tick: Tick,
) -> End {
    let mut health = nameserver.health();
    let mut clock = tokio::time::interval(HOUSEKEEPING);
    loop {
        tokio::select! {
            end = nameserver.ended() => return end,
            Ok(()) = health.changed() => {
                let view = health.borrow_and_update().clone();
                nameserver.set_health(view);
            }
            Some(told) = heard.recv() => nameserver.hear(told),
            signal = signals.next() => match signal {
                Signal::Stop => {
                    tracing::info!("told to stop");
                    nameserver.stop();
                }
                Signal::Reload => {
                    let nameserver = Rc::clone(nameserver);
                    // How it ended is in the log and the status.
                    tokio::task::spawn_local(async move { drop(nameserver.reload().await) });
                }
            },
            _ = clock.tick() => {
                tick.tick();
                nameserver.keep_house();
            }
        }
    }
}
