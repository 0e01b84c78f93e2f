//! Requests on the streams of one connection of HTTP/2, each in a task of its own.
//!
//! A request goes the way of every request; this is what it has to itself, and what it shares with its neighbours. What serving takes
//! is kept from one stream to the next: a seat on its connection, and the room of its future on the thread.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::Request as Asked;
use tokio::time::Instant;

use super::access_log::Record;
use super::alarm::Alarms;
use super::answering::Served;
use super::counters::add;
use super::dispatch;
use super::exchange::Exchange;
use super::http1::answer::{Answer, MoreFields};
use super::http1::buffer::Buffer;
use super::http1::forwarded::Client;
use super::http1::vet::RequestError;
use super::http2::request::{Surroundings, read};
use super::http2_stream::{Http2Stream, Incoming};
use super::http2_wire::Wire;
use super::inflight::{Entry, Phase};
use super::local::Local;
use super::message::{Length, Method, Request, RequestHead, Scheme, Version};
use super::room::Room;
use super::socket::IdleTimer;
use super::stream::ClientStream;
use super::termination::End;
use super::trace::Trace;
use super::transport::Transport;
use super::tunnel::{ClientEnd, Early};
use super::upstream::OwnConnection;
use super::workspace::{ClientBuffers, Workspace};

/// Seats that a connection keeps while requests are under way: one for each stream that there may be.
const SPARE_SEATS: usize = 100;

/// Seats that it keeps while none is.
const IDLE_SEATS: usize = 8;

/// A longer authority is looked up for each request.
const LONGEST_KNOWN: usize = 255;

/// One visitor's connection, as its streams see it.
pub struct Visit {
    /// The worker.
    pub local: Rc<Local>,
    /// What the worker knows of the connection.
    pub entry: Rc<Entry>,
    /// What carries it.
    pub wire: Rc<Wire>,
    client: Client,
    listener: Arc<str>,
    /// Streams whose requests are under way.
    open: Cell<usize>,
    /// The connection's task.
    waker: RefCell<Option<Waker>>,
    seats: RefCell<Vec<Seat>>,
    own: RefCell<Option<OwnConnection>>,
    /// The last authority that the certificate was found to be for: nearly all requests of a connection have the same.
    known: RefCell<Vec<u8>>,
    is_first: Cell<bool>,
}

/// What one stream after the other is served with.
struct Seat {
    local: Rc<Local>,
    entry: Rc<Entry>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.local.unregister(&self.entry);
    }
}

impl Visit {
    /// Before its first stream.
    pub fn new(local: Rc<Local>, entry: Rc<Entry>, wire: Rc<Wire>, client: Client, listener: Arc<str>) -> Visit {
        let (open, waker, seats, own, known) = Default::default();
        Visit { local, entry, wire, client, listener, open, waker, seats, own, known, is_first: Cell::new(true) }
    }

    /// No request is under way.
    pub fn is_idle(&self) -> bool {
        self.open.get() == 0
    }

    /// Nothing may come for long: lets go of memory beyond what a few requests take.
    pub fn rest(&self) {
        let mut seats = self.seats.borrow_mut();
        seats.truncate(IDLE_SEATS);
        seats.shrink_to_fit();
    }

    /// The listener that it came by speaks HTTP/2 no more, or everybody is to leave.
    pub fn is_over(&self) -> bool {
        self.local.is_draining() || !self.local.speaks_http2_at(&self.listener)
    }

    /// Has the connection's task told when the last stream is over.
    pub fn watch(&self, context: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
    }

    /// Logs what is no request.
    pub fn log(&self, end: End) {
        let mut trace = Trace::new(Instant::now());
        trace.end = end;
        self.record(None, &trace);
    }

    /// Counts and logs a request that was refused before it was one.
    pub fn count_refused(&self) {
        add(&self.local.counters.malformed, 1);
        self.log(End::Refused);
    }

    fn record(&self, request: Option<Request<'_>>, trace: &Trace) {
        self.local.log(&Record { client: &self.client, listener: &self.listener, request, trace });
    }

    fn take_seat(&self) -> Seat {
        let spare = self.seats.borrow_mut().pop();
        let seat = spare.unwrap_or_else(|| Seat {
            local: Rc::clone(&self.local),
            entry: self.local.registry.add_stream(&self.entry),
        });
        // Orders for the stream before it are void.
        seat.entry.enter(Phase::Busy);
        seat
    }

    fn give_seat(&self, seat: Seat) {
        let mut seats = self.seats.borrow_mut();
        if seats.len() < SPARE_SEATS {
            seats.push(seat);
        }
    }
}

/// A request that has come.
pub struct Arrived {
    visit: Rc<Visit>,
    asked: Asked<RecvStream>,
    respond: SendResponse<Bytes>,
    _open: Open,
}

/// Counts a stream while it is there.
struct Open(Rc<Visit>);

impl Drop for Open {
    fn drop(&mut self) {
        let Open(visit) = self;
        visit.open.set(visit.open.get() - 1);
        if visit.is_idle()
            && let Some(waker) = visit.waker.borrow().as_ref()
        {
            waker.wake_by_ref();
        }
    }
}

/// Has a request served, beside all others.
pub fn begin(visit: &Rc<Visit>, asked: Asked<RecvStream>, respond: SendResponse<Bytes>) {
    visit.open.set(visit.open.get() + 1);
    let _open = Open(Rc::clone(visit));
    let arrived = Arrived { visit: Rc::clone(visit), asked, respond, _open };
    tokio::task::spawn_local(async move {
        let mut room = take_room();
        room.enter(arrived);
        room.left().await;
        give_room(room);
    });
}

/// Serves a request and logs it.
async fn serve(arrived: Arrived) {
    let Arrived { visit, asked, respond, _open } = arrived;
    let mut seat = visit.take_seat();
    let mut workspace = visit.local.take_workspace();
    visit.serve(&mut seat, &mut workspace, asked, respond).await;
    visit.local.give_workspace(workspace);
    visit.give_seat(seat);
}

impl Visit {
    async fn serve(
        &self,
        seat: &mut Seat,
        workspace: &mut Workspace,
        asked: Asked<RecvStream>,
        respond: SendResponse<Bytes>,
    ) {
        let mut trace = Trace::new(Instant::now());
        trace.head = Some(trace.began.elapsed());
        let surroundings = Surroundings {
            scheme: Scheme::Https,
            is_over: asked.body().is_end_stream(),
            most: self.local.view().snapshot.settings.limits.request_headers,
            websocket_key,
        };
        let vetted = read(&asked, surroundings, &mut workspace.head, &mut workspace.fields);
        let incoming = Incoming::new(asked.into_body());
        let error = match vetted {
            Ok(head) if self.is_misdirected(&workspace.head, &head) => {
                RequestError { status: 421, why: "this connection is for another host" }
            }
            Ok(head) => return self.exchange(seat, workspace, &head, incoming, respond, &mut trace).await,
            Err(error) => error,
        };
        add(&self.local.counters.malformed, 1);
        (trace.status, trace.end) = (error.status, End::Refused);
        let head = refused_head();
        let mut client = Http2Stream::new(&head, incoming, respond, &mut workspace.client.output);
        let idle = self.local.view().snapshot.settings.timeouts.body_idle;
        let mut timer = IdleTimer { alarm: &mut workspace.alarms.client, idle };
        // Whoever has gone needs no answer.
        let answer = Answer { status: error.status, why: Some(error.why) };
        let _ = client.answer(answer, MoreFields::default(), false, &mut timer).await;
        client.finish();
        self.record(None, &trace);
    }

    /// Whether the connection was opened for another host than this request's (RFC 9113, 9.1.1).
    fn is_misdirected(&self, bytes: &[u8], head: &RequestHead) -> bool {
        let Some(authority) = head.authority.map(|authority| authority.of_head(bytes)) else { return false };
        if !authority.is_empty() && *self.known.borrow() == authority {
            return false;
        }
        let may_serve = self.wire.tls().may_serve(authority);
        if may_serve && authority.len() <= LONGEST_KNOWN {
            authority.clone_into(&mut self.known.borrow_mut());
        }
        !may_serve
    }

    /// Serves a vetted request, tunnel included, and logs it.
    async fn exchange(
        &self,
        seat: &mut Seat,
        workspace: &mut Workspace,
        head: &RequestHead,
        incoming: Incoming,
        respond: SendResponse<Bytes>,
        trace: &mut Trace,
    ) {
        let Workspace { head: bytes, fields, client: ClientBuffers { output, .. }, backend, values, alarms } =
            workspace;
        let Alarms { client: client_alarm, backend: backend_alarm } = alarms;
        let request = Request { head, bytes, fields };
        if self.local.count_request(&request) {
            add(&self.local.counters.http2_requests, 1);
        }
        let mut own = self.own.borrow_mut().take();
        let exchange = Exchange {
            local: &self.local,
            entry: &seat.entry,
            client: &self.client,
            request,
            is_first: self.is_first.replace(false),
            own: &mut own,
            buffers: backend,
            values,
            client_alarm: &mut *client_alarm,
            backend_alarm,
            granted: Cow::default(),
            trace,
        };
        let mut client = Http2Stream::new(head, incoming, respond, output);
        match dispatch::serve(exchange, &mut client).await {
            Served::Done(_) => client.finish(),
            Served::Switched(tunnel) => {
                if let Some(pipe) = client.into_pipe() {
                    let mut socket = Transport::Stream(Box::new(pipe));
                    let client = ClientEnd { socket: &mut socket, entry: &seat.entry, alarm: client_alarm };
                    let from_backend = std::mem::take(&mut backend.input);
                    let early = Early { from_client: Buffer::default(), from_backend };
                    // Apart: most requests have no room for it.
                    trace.end = Box::pin(tunnel.run(&self.local, client, early)).await;
                }
            }
        }
        if own.is_some() {
            *self.own.borrow_mut() = own;
        }
        seat.entry.leave();
        self.local.count_visit(trace);
        self.record(Some(request), trace);
    }
}

/// Of a request that was refused: its answer goes out as to any other.
fn refused_head() -> RequestHead {
    RequestHead {
        method: Default::default(),
        class: Method::Other,
        scheme: Scheme::Https,
        authority: None,
        target: super::message::Target::Asterisk,
        version: Version::Http2,
        body: Length::None,
        options: Default::default(),
        expects_continue: false,
        upgrade: false,
        te_trailers: false,
        has_via: false,
        max_forwards: None,
        authenticates_connection: false,
    }
}

/// Any key will do, as long as it is another one each time: it keeps caches from answering (RFC 6455, 10.3).
fn websocket_key() -> [u8; 24] {
    let mut key = [0; 24];
    let random = fastrand::u128(..).to_le_bytes();
    // 16 bytes are 24 characters.
    let _ = STANDARD.encode_slice(random, &mut key);
    key
}

/// Rooms that a thread keeps for streams to come.
const SPARE_ROOMS: usize = 512;

thread_local! {
    static SPARE: RefCell<Vec<Room<Arrived, ()>>> = const { RefCell::new(Vec::new()) };
}

fn take_room() -> Room<Arrived, ()> {
    SPARE.with_borrow_mut(Vec::pop).unwrap_or_else(|| Room::new(serve))
}

fn give_room(room: Room<Arrived, ()>) {
    SPARE.with_borrow_mut(|spare| {
        if spare.len() < SPARE_ROOMS {
            spare.push(room);
        }
    });
}
