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

/// What is spoken at a listener.
pub struct Door {
    /// The listener's name in logs.
    pub name: Arc<str>,
    /// The protocol.
    pub protocol: Protocol,
    /// Over TLS it may be HTTP/2.
    pub http2: bool,
}

/// Accepts until the listeners are to close. Dropping it closes our descriptor only: another process with the same socket
/// keeps its queue.
pub async fn accept(local: Rc<Local>, listener: TcpListener, door: Door) {
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
fn empty_queue(local: &Rc<Local>, listener: TcpListener, door: &Door) {
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
fn begin(local: &Rc<Local>, stream: TcpStream, peer: SocketAddr, door: &Door) {
    let client = Client::new(peer);
    if door.protocol == Protocol::Https {
        eviction::make_room_for_handshake(local);
    }
    let admitted = match eviction::admit(local, &client) {
        Ok(admitted) => admitted,
        Err(end) => return refuse(local, peer, &door.name, end),
    };
    add(&local.counters.accepted, 1);
    // Fails only on a connection that is closed already, which the first read finds out.
    let _ = stream.set_nodelay(true);
    let Door { name, protocol, http2 } = door;
    let accepted = Accepted { stream, peer, client, listener: Arc::clone(name), protocol: *protocol, http2: *http2 };
    tokio::task::spawn_local(opening::open(Rc::clone(local), accepted, admitted));
}

/// Counts and logs a connection that is closed without an answer.
fn refuse(local: &Local, peer: SocketAddr, name: &str, end: End) {
    local.count_refusal(end);
    let mut trace = Trace::new(Instant::now());
    trace.end = end;
    local.log(&Record { peer, listener: name, request: None, trace: &trace });
}
