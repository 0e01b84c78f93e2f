//! An upgraded connection: bytes both ways until both sides have ended, one breaks, or nothing comes for too long.
//!
//! Holds a buffer only while there is something in it: a thousand silent WebSockets cost a thousand sockets.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::sync::atomic::AtomicU64;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::Instant;

use super::attempt::Plan;
use super::connection::Connection;
use super::http1::buffer::Buffer;
use super::inflight::Order;
use super::local::{Local, Workspace, add};
use super::termination::End;
use crate::proxy::snapshot::Backend;

/// Passes bytes on until the tunnel ends, and tells how it did. What both sides sent with their heads goes first.
pub async fn run(
    connection: &mut Connection,
    workspace: &mut Workspace,
    mut upstream: TcpStream,
    plan: &Plan<'_>,
    backend: &Backend,
) -> End {
    let idle = plan.view.snapshot.settings.timeouts.tunnel_idle;
    let Connection { local, stream, entry, client_alarm, .. } = connection;
    let counters = local.counters_of(backend);
    let (client_source, client_sink) = stream.split();
    let (backend_source, backend_sink) = upstream.split();
    let moved = Cell::new(Instant::now());
    let there = Direction { local, moved: &moved, count: counters.map(|counters| &counters.bytes_out) };
    let back = Direction { local, moved: &moved, count: counters.map(|counters| &counters.bytes_in) };
    let (early_there, early_back) = (std::mem::take(&mut workspace.input), std::mem::take(&mut workspace.response));
    let both = async {
        tokio::try_join!(
            there.pass(client_source, backend_sink, early_there),
            back.pass(backend_source, client_sink, early_back),
        )
    };
    let silence = async {
        loop {
            let limit = moved.get() + idle;
            client_alarm.wait(limit).await;
            if moved.get() + idle <= Instant::now() {
                return;
            }
        }
    };
    let ordered = async {
        loop {
            match entry.order().await {
                Order::Kill => return End::DrainTimeout,
                Order::Abort => return End::FailedOverInData,
                Order::Move | Order::ChooseAgain | Order::Close | Order::Evict => {}
            }
        }
    };
    tokio::select! { biased;
        end = ordered => end,
        ended = both => if ended.is_ok() { End::Done } else { End::ClientInData },
        () = silence => End::TunnelTimeout,
    }
}

struct Direction<'t> {
    local: &'t Local,
    moved: &'t Cell<Instant>,
    count: Option<&'t AtomicU64>,
}

impl Direction<'_> {
    /// Until the source ends; that end is passed on too.
    async fn pass(&self, mut source: ReadHalf<'_>, mut sink: WriteHalf<'_>, early: Buffer) -> io::Result<()> {
        sink.write_all(early.filled()).await?;
        self.note(early.len());
        drop(early);
        loop {
            let first = poll_fn(|context| self.local.poll_first_bytes(&mut source, context)).await?;
            let Some(workspace) = first else { return sink.shutdown().await };
            let count = workspace.input.len();
            let sent = sink.write_all(workspace.input.filled()).await;
            self.local.give_workspace(workspace);
            sent?;
            self.note(count);
        }
    }

    fn note(&self, bytes: usize) {
        self.moved.set(Instant::now());
        if let Some(count) = self.count {
            add(count, bytes as u64);
        }
    }
}
