//! Connections of HTTP/2 to backends: each carries many requests at a time. A few a worker and backend.
//!
//! A request goes over a connection that has room for one more stream, as far as the backend allows them and as far as the window of
//! the connection holds those of all its streams: visitors who do not take their responses stop no others. Else another connection
//! is opened, one at a time for all who wait. A new one carries the request that it was opened for, and others once the backend has said
//! how many it takes. A connection on which nothing runs ends after `timeouts.backend_keep_alive`; one that answers no PING while
//! something runs is broken, so that a backend that has vanished is noticed.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use fnv::FnvHashMap;
use h2::client::{self, ResponseFuture, SendRequest};
use h2::{Ping, PingPong, SendStream};
use http::Request;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::transport::Transport;
use super::upstream::{ConnectError, Peer};
use crate::tls::session::LastAlert;

/// Streams that run on a connection at a time, if the backend allows as many.
const MOST_STREAMS: u32 = 100;

/// What a connection allows before the backend's SETTINGS have come: a number that they cannot say (RFC 9113, 6.5.2), by which it is
/// known that they have not.
const NOT_SAID: usize = usize::MAX - 1;

/// How much of a response a backend may send before we have passed it on.
const STREAM_WINDOW: u32 = 64 * 1024;

/// The same of all responses on a connection: all may be stuck but one, and that one goes on.
const CONNECTION_WINDOW: u32 = MOST_STREAMS * STREAM_WINDOW;

/// How much of a request is kept by the connection before it is sent.
const SEND_BUFFER: usize = 64 * 1024;

/// Bytes that the fields of a head may have: as much as `limits.response_head` can allow.
const MOST_FIELDS: u32 = 1024 * 1024;

/// How often a connection on which requests run is asked whether it is there, and how long it may take to answer.
const PING_EVERY: Duration = Duration::from_secs(10);

/// The connections of a worker.
#[derive(Default)]
pub struct Connections {
    open: RefCell<FnvHashMap<Peer, Vec<Rc<Connection>>>>,
    opening: RefCell<HashSet<Peer>>,
    /// Notified when an attempt to open one has ended, and when a backend has said how many streams it takes.
    opened: Rc<Notify>,
}

/// One connection. It ends when nobody holds its sender and no stream runs on it.
struct Connection {
    sender: SendRequest<Bytes>,
    last_alert: Option<LastAlert>,
    standing: Rc<Standing>,
}

impl Connection {
    /// How many streams the backend takes at a time, once it has said so.
    fn most_streams(&self) -> Option<usize> {
        Some(self.sender.current_max_send_streams()).filter(|most| *most != NOT_SAID)
    }
}

/// How a connection stands.
struct Standing {
    /// Requests that run on it.
    streams: Cell<usize>,
    /// Since when none does.
    idle_since: Cell<Instant>,
    /// It takes no more requests: the backend leaves, or it is broken.
    is_over: Cell<bool>,
}

/// A place for one stream.
pub struct Place {
    connection: Rc<Connection>,
    /// Requests have been sent on it before.
    pub is_reused: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        let Standing { streams, idle_since, .. } = &*self.connection.standing;
        streams.set(streams.get() - 1);
        idle_since.set(Instant::now());
    }
}

impl Place {
    fn take(connection: &Rc<Connection>, is_reused: bool) -> Place {
        let streams = &connection.standing.streams;
        streams.set(streams.get() + 1);
        Place { connection: Rc::clone(connection), is_reused }
    }

    /// Sends a request's head; `is_end`: nothing follows.
    ///
    /// # Errors
    ///
    /// The connection takes no more requests: nothing was sent.
    pub fn send(&self, request: Request<()>, is_end: bool) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
        self.connection.sender.clone().send_request(request, is_end).inspect_err(|_| self.abandon())
    }

    /// The alert by which the backend has ended the connection, if it has; none in clear text.
    pub fn last_alert(&self) -> Option<LastAlert> {
        self.connection.last_alert.clone()
    }

    /// No more requests go over this connection.
    pub fn abandon(&self) {
        self.connection.standing.is_over.set(true);
    }
}

impl Connections {
    /// A place on a connection to this peer, which `open` opens if none has room.
    ///
    /// # Errors
    ///
    /// None could be opened.
    pub async fn place(
        &self,
        peer: Peer,
        open: impl AsyncFn() -> Result<Transport, ConnectError>,
    ) -> Result<Place, ConnectError> {
        loop {
            if let Some(place) = self.find(peer) {
                return Ok(place);
            }
            if !self.will_know_more(peer) {
                break;
            }
            self.opened.notified().await;
        }
        let _opening = Opening::begin(self, peer);
        let connection = Rc::new(handshake(open().await?, &self.opened).await?);
        let place = Place::take(&connection, false);
        self.open.borrow_mut().entry(peer).or_default().push(connection);
        Ok(place)
    }

    /// On the connection with the most streams that has room for another one, so that the others may end.
    fn find(&self, peer: Peer) -> Option<Place> {
        let open = self.open.borrow();
        let has_room = |connection: &&Rc<Connection>| {
            let Standing { streams, is_over, .. } = &*connection.standing;
            let most = connection.most_streams().map_or(0, |most| most.min(MOST_STREAMS as usize));
            !is_over.get() && streams.get() < most
        };
        let best =
            open.get(&peer)?.iter().filter(has_room).max_by_key(|connection| connection.standing.streams.get())?;
        Some(Place::take(best, true))
    }

    /// A connection is being opened, or its backend has not said yet how many streams it takes.
    fn will_know_more(&self, peer: Peer) -> bool {
        let is_new =
            |connection: &Rc<Connection>| connection.most_streams().is_none() && !connection.standing.is_over.get();
        self.opening.borrow().contains(&peer)
            || self.open.borrow().get(&peer).is_some_and(|open| open.iter().any(is_new))
    }

    /// Lets go of connections that are over, to peers that are not wanted any more, or on which nothing has run for `idle`. What runs
    /// on one ends first.
    pub fn sweep(&self, idle: Duration, wanted: impl Fn(Peer) -> bool) {
        self.open.borrow_mut().retain(|peer, connections| {
            let is_wanted = wanted(*peer);
            connections.retain(|connection| {
                let Standing { streams, idle_since, is_over } = &*connection.standing;
                let is_idle = streams.get() == 0 && idle_since.get().elapsed() >= idle;
                is_wanted && !is_idle && !is_over.get()
            });
            !connections.is_empty()
        });
    }
}

/// While a connection to a peer is being opened.
struct Opening<'c> {
    connections: &'c Connections,
    peer: Peer,
}

impl<'c> Opening<'c> {
    fn begin(connections: &'c Connections, peer: Peer) -> Opening<'c> {
        connections.opening.borrow_mut().insert(peer);
        Opening { connections, peer }
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.connections.opening.borrow_mut().remove(&self.peer);
        self.connections.opened.notify_waiters();
    }
}

/// Begins HTTP/2. Nothing is waited for: what the backend says first, it says while the first request is on its way.
async fn handshake(stream: Transport, known: &Rc<Notify>) -> Result<Connection, ConnectError> {
    let last_alert = stream.last_alert();
    let (sender, connection) = client::Builder::new()
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_max_send_streams(NOT_SAID)
        .max_send_buffer_size(SEND_BUFFER)
        .max_header_list_size(MOST_FIELDS)
        .enable_push(false)
        .handshake(stream)
        .await
        .map_err(|_| ConnectError::Refused)?;
    let (streams, is_over) = Default::default();
    let standing = Rc::new(Standing { streams, idle_since: Cell::new(Instant::now()), is_over });
    tokio::task::spawn_local(drive(connection, Rc::clone(&standing), Rc::clone(known)));
    Ok(Connection { sender, last_alert, standing })
}

/// Moves the frames of a connection until it ends. Notifies `known` when the backend has said how many streams it takes, or will not.
async fn drive(mut connection: client::Connection<Transport, Bytes>, standing: Rc<Standing>, known: Rc<Notify>) {
    let mut silence = pin!(silence(connection.ping_pong(), &standing));
    let mut is_known = false;
    poll_fn(|task| {
        // Each stream is told how it ended.
        let ended = Pin::new(&mut connection).poll(task).is_ready() || silence.as_mut().poll(task).is_ready();
        if !is_known && connection.max_concurrent_send_streams() != NOT_SAID {
            is_known = true;
            known.notify_waiters();
        }
        if ended { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    standing.is_over.set(true);
    known.notify_waiters();
}

/// Until the backend does not answer while requests run.
async fn silence(pings: Option<PingPong>, standing: &Standing) {
    let Some(mut pings) = pings else { return std::future::pending().await };
    loop {
        sleep(PING_EVERY).await;
        if standing.streams.get() > 0 && !matches!(timeout(PING_EVERY, pings.ping(Ping::opaque())).await, Ok(Ok(_))) {
            return;
        }
    }
}
