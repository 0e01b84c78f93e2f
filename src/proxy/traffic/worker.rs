//! One worker thread a core: its own listeners, upstream pool and counters.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, LocalSet};

use super::access_log::AccessLog;
use super::admission::Admission;
use super::eviction::{self, Plea};
use super::listener;
use super::local::Local;
use crate::config::proxy::Protocol;
use crate::daemon::ticks::Tick;
use crate::health::Target;
use crate::proxy::snapshot::Snapshot;

/// What control and workers share.
pub struct Shared {
    /// What requests are answered from.
    pub snapshot: ArcSwap<Snapshot>,
    /// The generation of `snapshot`, sent after each swap: wakes the worker, which moves or aborts requests on backends
    /// that went down or were failed away from, and lets waiting ones choose again.
    pub changed: watch::Sender<u64>,
    /// What workers tell control.
    pub reports: mpsc::UnboundedSender<Report>,
    /// Clients' connections now, over all workers.
    pub admission: Arc<Admission>,
    /// Accept no more; finish what runs with `Connection: close`.
    pub stopping: AtomicBool,
    /// Where requests are logged.
    pub access_log: AccessLog,
    /// The workers as they see each other, by index; empty until a worker is spawned.
    pub siblings: Box<[OnceLock<Sibling>]>,
}

/// A worker as the others see it.
pub struct Sibling {
    /// Takes their pleas for a slot.
    pub pleas: mpsc::UnboundedSender<Plea>,
    /// Its counts.
    pub counters: Arc<WorkerCounters>,
}

impl Shared {
    /// For so many workers.
    pub fn new(
        snapshot: Snapshot,
        reports: mpsc::UnboundedSender<Report>,
        access_log: AccessLog,
        workers: usize,
    ) -> Shared {
        Shared {
            changed: watch::channel(snapshot.generation).0,
            snapshot: ArcSwap::from_pointee(snapshot),
            reports,
            admission: Arc::default(),
            stopping: AtomicBool::new(false),
            access_log,
            siblings: (0..workers).map(|_| OnceLock::new()).collect(),
        }
    }
}

/// What a worker tells control; at most one a second and target.
#[derive(Debug)]
pub enum Report {
    /// A live request had an error on this target: bring its next probe forward.
    LiveError(Arc<Target>),
}

/// A listener a worker accepts from.
#[derive(Debug)]
pub struct Listening {
    /// Its name in logs.
    pub name: Arc<str>,
    /// What is spoken there.
    pub protocol: Protocol,
    /// The socket, non-blocking.
    pub socket: std::net::TcpListener,
}

/// What a worker is told.
#[derive(Debug)]
pub enum Command {
    /// Accept from these and no others (start, reload).
    Listen(Vec<Listening>),
    /// Accept what is in the listeners' queues and nothing after it, answer what comes on open connections with
    /// `Connection: close`, close idle ones after a moment; the thread ends when nothing runs or at the drain limit.
    Drain,
}

/// A running worker.
pub struct Worker {
    /// Its commands.
    pub commands: mpsc::UnboundedSender<Command>,
    /// Its thread.
    pub thread: std::thread::JoinHandle<()>,
    /// Its counts.
    pub counters: Arc<WorkerCounters>,
}

/// One worker's counts, written by it alone.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct WorkerCounters {
    /// Connections accepted.
    pub accepted: AtomicU64,
    /// Connections refused at `limits.connections`, those told so with a 503 included.
    pub refused: AtomicU64,
    /// Connections refused at `limits.connections_per_address`.
    pub refused_by_address: AtomicU64,
    /// Connections closed for the sake of others.
    pub evicted: AtomicU64,
    /// Connections that could be closed for the sake of others now.
    pub evictable: AtomicU64,
    /// Requests read.
    pub requests: AtomicU64,
    /// Requests refused as malformed (400, 408, 413, 414, 431, 501, 505).
    pub malformed: AtomicU64,
    /// Requests for which no service is known (404).
    pub unrouted: AtomicU64,
    /// Requests for which no backend was usable (503).
    pub unavailable: AtomicU64,
    /// Attempts made again elsewhere.
    pub retries: AtomicU64,
    /// Requests that waited for a verdict.
    pub waited: AtomicU64,
    /// Tunnels opened.
    pub tunnels: AtomicU64,
}

/// How often a worker ticks and tidies up. The watchdog wants a tick each second.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// How long a connection on which nothing runs when a drain begins has to send one more request, which is answered with
/// `Connection: close`: a request already on its way would else cross the close, and one that is not safe would be lost.
const LAST_REQUEST: Duration = Duration::from_secs(1);

/// How long connections have to close after the drain's limit.
const LAST_MOMENT: Duration = Duration::from_millis(200);

/// Starts worker number `index` (its slot in every backend's counters). It accepts nothing before its first
/// [`Command::Listen`].
pub fn spawn(index: usize, shared: Arc<Shared>, tick: Tick) -> std::io::Result<Worker> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (commands, receiver) = mpsc::unbounded_channel();
    let counters = Arc::<WorkerCounters>::default();
    let kept = Arc::clone(&counters);
    let (pleas, heard) = mpsc::unbounded_channel();
    if let Some(sibling) = shared.siblings.get(index) {
        // Only a second worker of the same index would find it set.
        let _ = sibling.set(Sibling { pleas, counters: Arc::clone(&counters) });
    }
    let thread = std::thread::Builder::new().name(format!("worker-{index}")).spawn(move || {
        let tasks = LocalSet::new();
        let local = Rc::new(Local::new(index, shared, kept));
        tasks.block_on(&runtime, run(local, receiver, heard, tick));
    })?;
    Ok(Worker { commands, thread, counters })
}

/// A worker's life: commands, snapshots and its heartbeat, until it has drained. Dropped channels mean a drain too.
async fn run(
    local: Rc<Local>,
    mut commands: mpsc::UnboundedReceiver<Command>,
    mut pleas: mpsc::UnboundedReceiver<Plea>,
    tick: Tick,
) {
    let mut changed = local.shared.changed.subscribe();
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    let mut accepting = JoinSet::new();
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                Some(Command::Listen(listening)) => {
                    accepting = JoinSet::new();
                    listen(&local, &mut accepting, listening);
                }
                Some(Command::Drain) | None => break,
            },
            Ok(()) = changed.changed() => adopt(&local),
            Some(plea) = pleas.recv() => eviction::hear(&local, plea),
            _ = heartbeat.tick() => beat(&local, &tick),
        }
    }
    // Whoever asks a draining worker is told no.
    drop(pleas);
    local.begin_drain();
    local.closing.notify_waiters();
    while accepting.join_next().await.is_some() {}
    let began = tokio::time::Instant::now();
    let limit = began + local.view().snapshot.settings.timeouts.drain;
    while !local.registry.is_empty() {
        tokio::select! {
            () = local.emptied.notified() => {}
            Ok(()) = changed.changed() => adopt(&local),
            _ = heartbeat.tick() => {
                beat(&local, &tick);
                if began.elapsed() >= LAST_REQUEST {
                    local.registry.close_idle();
                }
            }
            () = tokio::time::sleep_until(limit) => {
                tracing::warn!(
                    "worker {}: {} connections are cut at the limit of timeouts.drain",
                    local.index,
                    local.registry.len()
                );
                local.registry.kill();
                tokio::time::sleep(LAST_MOMENT).await;
                break;
            }
        }
    }
    local.lines.flush(&local.shared.access_log);
}

fn listen(local: &Rc<Local>, accepting: &mut JoinSet<()>, listening: Vec<Listening>) {
    for Listening { name, protocol: Protocol::Http, socket } in listening {
        match tokio::net::TcpListener::from_std(socket) {
            Ok(socket) => {
                accepting.spawn_local(listener::accept(Rc::clone(local), socket, name));
            }
            Err(error) => tracing::error!("listener {name}: worker {} cannot use its socket: {error}", local.index),
        }
    }
}

fn adopt(local: &Local) {
    let view = local.view();
    local.registry.adopt(&view);
    local.pool.sweep(|address| view.wants(address));
}

fn beat(local: &Local, tick: &Tick) {
    tick.tick();
    let view = local.view();
    local.pool.sweep(|address| view.wants(address));
    local.sweep_reports();
    local.lines.flush(&local.shared.access_log);
}
