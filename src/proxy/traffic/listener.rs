//! Accepting: one task a listening socket.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use nix::libc::{EMFILE, ENFILE, ENOBUFS, ENOMEM};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use super::access_log::Record;
use super::counters::add;
use super::door::Door;
use super::eviction;
use super::http1::forwarded::Client;
use super::local::Local;
use super::opening::{self, Accepted};
use super::termination::End;
use super::throttle::Throttle;
use super::trace::Trace;
use crate::config::proxy::Protocol;

/// How long nothing is accepted when this machine has no descriptor left. Those who wait stay in the kernel's queue.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// Connections that a listener may still accept when it closes: more than the kernel queues (somaxconn) by default.
const MOST_QUEUED: usize = 4096;

/// Accepts until the listeners are to close. Dropping it closes our descriptor only: another process with the same socket
/// keeps its queue.
pub async fn accept(local: Rc<Local>, listener: TcpListener, door: Arc<Door>) {
    let exhausted = Throttle::default();
    let mut closing = std::pin::pin!(local.closing.notified());
    // It may have been notified before this task first ran.
    while !local.is_draining() {
        let accepted = tokio::select! { biased;
            () = &mut closing => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => begin(&local, stream, peer, &door),
            Err(error) if is_exhausted(&error) => {
                if exhausted.permits() {
                    tracing::error!(
                        "listener {}: cannot accept: {error}; raise LimitNOFILE or lower limits.connections \
                         (logged at most once a minute)",
                        door.name
                    );
                }
                sleep(EXHAUSTED_PAUSE).await;
            }
            // The client gave up before it was accepted; there is nobody to tell.
            Err(_) => {}
        }
    }
    empty_queue(&local, listener, &door);
}

/// Accepts the connections that the kernel has already established: closing the socket would reset them. The kernel is asked, since
/// the event loop may be a moment behind.
fn empty_queue(local: &Rc<Local>, listener: TcpListener, door: &Arc<Door>) {
    let Ok(listener) = listener.into_std() else { return };
    for _ in 0..MOST_QUEUED {
        let accepted = listener.accept().and_then(|(stream, peer)| {
            stream.set_nonblocking(true)?;
            Ok((TcpStream::from_std(stream)?, peer))
        });
        match accepted {
            Ok((stream, peer)) => begin(local, stream, peer, door),
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => return,
        }
    }
}

fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(EMFILE | ENFILE | ENOBUFS | ENOMEM))
}

/// Admits a newcomer, or closes its connection.
fn begin(local: &Rc<Local>, stream: TcpStream, peer: SocketAddr, door: &Arc<Door>) {
    let mut client = Client::new(peer);
    if let Some(proxies) = &door.proxies
        && !client.is_trusted(proxies)
    {
        add(&local.counters.proxy_headers_refused, 1);
        if local.proxy_refused.permits() {
            tracing::warn!(
                "listener {}: {} is closed out: it is none of the listener's trusted_proxies, from which alone connections are taken \
                 (logged at most once a minute, of whichever address)",
                door.name,
                client.address
            );
        }
        return log_end(local, &client, &door.name, End::UntrustedProxy);
    }
    if door.protocol == Protocol::Https {
        eviction::make_room_for_handshake(local);
    }
    let admitted = match &door.proxies {
        None => eviction::admit(local, &client),
        Some(_) => eviction::admit_uncounted(local),
    };
    let admitted = match admitted {
        Ok(admitted) => admitted,
        Err(end) => {
            local.count_refusal(end);
            return log_end(local, &client, &door.name, end);
        }
    };
    add(&local.counters.accepted, 1);
    // Fails only on a connection that is closed already, which the first read finds out.
    let _ = stream.set_nodelay(true);
    if local.view().snapshot.settings.names_visitors {
        client.destination = stream.local_addr().ok();
    }
    let accepted = Accepted { stream, client, door: Arc::clone(door) };
    tokio::task::spawn_local(opening::open(Rc::clone(local), accepted, admitted));
}

/// Logs a connection that is closed without an answer.
fn log_end(local: &Local, client: &Client, listener: &str, end: End) {
    let mut trace = Trace::new(Instant::now());
    trace.end = end;
    local.log(&Record { client, listener, request: None, trace: &trace });
}
