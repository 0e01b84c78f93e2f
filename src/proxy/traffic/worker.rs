//! One worker thread a core: its own listeners, upstream pool and counters.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Release;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};

use super::counters::WorkerCounters;
use super::disk::THREADS;
use super::door::Door;
use super::eviction;
use super::listener;
use super::local::Local;
use super::shared::{Shared, Sibling, SlotRequest};
use crate::config::proxy::Protocol;
use crate::daemon::ticks::Tick;

/// A listener a worker accepts from.
#[derive(Debug)]
pub struct Listening {
    /// What is spoken there.
    pub door: Arc<Door>,
    /// The socket, non-blocking.
    pub socket: std::net::TcpListener,
}

/// A command to a worker.
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

/// How often a worker ticks and tidies up. The watchdog wants a tick each second.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// How long a connection on which nothing runs when a drain begins has to send one more request, which is answered with
/// `Connection: close`: a request already on its way would else cross the close, and one that is not safe would be lost.
const LAST_REQUEST: Duration = Duration::from_secs(1);

/// How long connections have to close when the drain's limit has passed.
const LAST_MOMENT: Duration = Duration::from_millis(200);

/// Starts worker number `index` (its slot in every backend's counters). It accepts nothing before its first
/// [`Command::Listen`].
pub fn spawn(index: usize, shared: Arc<Shared>, tick: Tick) -> std::io::Result<Worker> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(THREADS).build()?;
    let (commands, receiver) = mpsc::unbounded_channel();
    let counters = Arc::<WorkerCounters>::default();
    let own = Arc::clone(&counters);
    let (slot_requests, from_siblings) = mpsc::unbounded_channel();
    if let Some(sibling) = shared.siblings.get(index) {
        // Only a second worker of the same index would find it set.
        let _ = sibling.set(Sibling { slot_requests, counters: Arc::clone(&counters) });
    }
    let thread = std::thread::Builder::new().name(format!("worker-{index}")).spawn(move || {
        let tasks = LocalSet::new();
        let local = Rc::new(Local::new(index, shared, own));
        tasks.block_on(&runtime, run(local, receiver, from_siblings, tick));
        // Whoever waits for a disk holds up nobody's end.
        drop(tasks);
        runtime.shutdown_background();
    })?;
    Ok(Worker { commands, thread, counters })
}

/// A worker from its start until it has drained: commands, snapshots, heartbeats. A closed channel of commands means a
/// drain too.
async fn run(
    local: Rc<Local>,
    mut commands: mpsc::UnboundedReceiver<Command>,
    mut from_siblings: mpsc::UnboundedReceiver<SlotRequest>,
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
            Some(request) = from_siblings.recv() => eviction::answer_sibling(&local, request),
            _ = heartbeat.tick() => beat(&local, &tick),
        }
    }
    // A draining worker has no slot for the others.
    drop(from_siblings);
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
    let doors = listening.iter().map(|listening| &listening.door);
    let with_http2 = doors.filter(|door| door.http2 && door.protocol == Protocol::Https);
    local.speak_http2_at(with_http2.map(|door| Arc::clone(&door.name)));
    for Listening { door, socket } in listening {
        match tokio::net::TcpListener::from_std(socket) {
            Ok(socket) => {
                accepting.spawn_local(listener::accept(Rc::clone(local), socket, door));
            }
            Err(error) => {
                tracing::error!("listener {}: worker {} cannot use its socket: {error}", door.name, local.index);
            }
        }
    }
}

fn adopt(local: &Local) {
    let view = local.view();
    local.registry.adopt(&view);
    // Requests that choose from now on choose by this one.
    local.counters.generation.store(view.snapshot.generation, Release);
    local.shared.adopted.send_replace(());
    local.sweep_connections();
}

fn beat(local: &Local, tick: &Tick) {
    tick.tick();
    local.sweep_connections();
    local.sweep_reports();
    local.lines.flush(&local.shared.access_log);
}
