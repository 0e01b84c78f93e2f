//! An upgraded connection: bytes both ways until both sides have ended, one breaks, or nothing comes for too long.
//!
//! Holds a buffer only while there is something in it: a thousand silent WebSockets cost a thousand sockets.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::alarm::Alarm;
use super::counters::{Passed, Running, add, add_passed, count_aborted};
use super::http1::buffer::{Buffer, SIZE};
use super::inflight::{Entry, Order, Phase};
use super::local::Local;
use super::splice::{IN_A_ROW, Passage, Taken};
use super::termination::End;
use super::transport::{ReadHalf, Transport, WriteHalf};
use super::view::View;
use crate::proxy::queue::Slot;

/// When this much comes at once there is likely to be more: it is spliced.
const MUCH: usize = SIZE;

/// The backend's side of a tunnel.
pub struct Tunnel {
    /// The snapshot by which the request was served.
    pub view: Rc<View>,
    /// The service's index in it.
    pub service: usize,
    /// The backend's index in the service.
    pub backend: usize,
    /// The connection to the backend.
    pub upstream: Transport,
    /// What it takes of the backend, where that takes so many requests at once.
    pub slot: Option<Slot>,
}

/// The client's side of a tunnel.
pub struct ClientEnd<'c> {
    /// The client's socket.
    pub socket: &'c mut Transport,
    /// What the worker knows of the connection.
    pub entry: &'c Entry,
    /// The timer for silence.
    pub alarm: &'c mut Alarm,
}

/// What both sides sent behind their heads; it goes first.
pub struct Early {
    /// By the client.
    pub from_client: Buffer,
    /// By the backend.
    pub from_backend: Buffer,
}

impl Tunnel {
    /// Passes bytes on until the tunnel ends, and gives how it did.
    pub async fn run(self, local: &Local, client: ClientEnd<'_>, early: Early) -> End {
        let Tunnel { view, service, backend, mut upstream, slot: _slot } = self;
        let ClientEnd { socket, entry, alarm } = client;
        let counters = local.counters_of(&view.snapshot.services[service].backends[backend]);
        let _running = Running::new(counters);
        entry.ask(&view, service, backend, false);
        entry.enter(Phase::Answering);
        add(&local.counters.tunnels, 1);

        let (client_source, client_sink) = socket.split();
        let (backend_source, backend_sink) = upstream.split();
        let last_moved = Cell::new(Instant::now());
        let there = Direction { local, last_moved: &last_moved, count: counters.map(|counters| &counters.bytes_out) };
        let back = Direction { local, last_moved: &last_moved, count: counters.map(|counters| &counters.bytes_in) };
        let both = async {
            tokio::try_join!(
                there.pass(client_source, backend_sink, early.from_client),
                back.pass(backend_source, client_sink, early.from_backend),
            )
        };
        let end = tokio::select! { biased;
            end = ordered_to_end(entry) => end,
            ended = both => if ended.is_ok() { End::Done } else { End::ClientInData },
            () = silence(&last_moved, view.snapshot.settings.timeouts.tunnel_idle, alarm) => End::TunnelTimeout,
        };
        if matches!(end, End::FailedOverInData | End::DrainTimeout) {
            count_aborted(counters);
        }
        end
    }
}

/// Waits until no byte has moved for the time `idle`.
async fn silence(last_moved: &Cell<Instant>, idle: Duration, alarm: &mut Alarm) {
    loop {
        alarm.wait(last_moved.get() + idle).await;
        if last_moved.get() + idle <= Instant::now() {
            return;
        }
    }
}

async fn ordered_to_end(entry: &Entry) -> End {
    loop {
        match entry.order().await {
            Order::Kill => return End::DrainTimeout,
            Order::Abort => return End::FailedOverInData,
            Order::Move | Order::ChooseAgain | Order::Close | Order::Evict => {}
        }
    }
}

struct Direction<'t> {
    local: &'t Local,
    last_moved: &'t Cell<Instant>,
    count: Option<&'t AtomicU64>,
}

impl Direction<'_> {
    /// Until the source ends; that end is passed on too.
    async fn pass(&self, mut source: ReadHalf<'_>, mut sink: WriteHalf<'_>, early: Buffer) -> io::Result<()> {
        sink.write_all(early.filled()).await?;
        sink.flush().await?;
        self.note(Passed::Copied(early.len() as u64));
        drop(early);
        loop {
            let first = poll_fn(|context| self.local.poll_first_bytes(&mut source, context)).await?;
            let Some(workspace) = first else { return sink.shutdown().await };
            let count = workspace.client.input.len();
            let sent = sink.write_all(workspace.client.input.filled()).await;
            self.local.give_workspace(workspace);
            sent?;
            sink.flush().await?;
            self.note(Passed::Copied(count as u64));
            if count >= MUCH {
                self.splice(&source, &sink).await?;
            }
        }
    }

    /// Within the kernel, as long as much comes at a time.
    async fn splice(&self, source: &ReadHalf<'_>, sink: &WriteHalf<'_>) -> io::Result<()> {
        let (Some(from), Some(to)) = (source.tcp(), sink.tcp()) else { return Ok(()) };
        loop {
            for _ in 0..IN_A_ROW {
                let mut passage = Passage::new(from, to);
                let taken = poll_fn(|context| passage.poll_take(u64::MAX, context)).await?;
                let Taken::Bytes(bytes) = taken else { return Ok(()) };
                while !passage.is_empty() {
                    poll_fn(|context| passage.poll_give(context)).await?;
                    self.last_moved.set(Instant::now());
                }
                self.note(Passed::Spliced(bytes));
                if bytes < MUCH as u64 {
                    return Ok(());
                }
            }
            tokio::task::yield_now().await;
        }
    }

    fn note(&self, passed: Passed) {
        self.last_moved.set(Instant::now());
        add_passed(&self.local.counters, self.count, passed);
    }
}
