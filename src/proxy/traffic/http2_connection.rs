//! One visitor's connection of HTTP/2: its task drives the `h2` crate, has a request served for each stream, and knows when to leave.
//!
//! It leaves as RFC 9113, 6.8 wants it: whoever has begun a stream gets its response, and whoever asks for more is told that it was
//! not looked at. Owns the limits of the connection; those of a request are the path's.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::server::{Builder, Connection};
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use super::alarm::Alarm;
use super::counters::add;
use super::http1::forwarded::Client;
use super::http2_visit::{self, Visit};
use super::http2_wire::{Handle, Wire};
use super::inflight::{Entry, Order, Phase};
use super::local::Local;
use super::termination::End;
use crate::proxy::snapshot::Settings;
use crate::tls::TlsStream;

/// Streams that a client may have open at a time.
const STREAMS: u32 = 100;

/// What a client may send on a stream before the backend has taken it.
const STREAM_WINDOW: u32 = 64 * 1024;

/// The same on all streams of a connection: all may be stuck but one, and that one goes on.
const CONNECTION_WINDOW: u32 = STREAMS * STREAM_WINDOW;

/// What is kept of a stream's response until the connection takes it.
const STREAM_BUFFER: usize = 32 * 1024;

/// Streams that were reset because of what their client sent, in the whole life of a connection.
const BROKEN_STREAMS: usize = 200;

/// Streams that were reset by us and are remembered for a moment, since frames for them may be on their way.
const RESET_STREAMS: usize = 32;

/// How long a client has to take its leave when nothing runs any more.
const LEAVE: Duration = Duration::from_secs(2);

/// How much of what comes after the last word is read.
const MOST_FORGOTTEN: usize = 1024 * 1024;

/// A connection on which HTTP/2 is spoken.
pub struct Opened {
    /// What carries it.
    pub stream: TlsStream,
    /// Who has opened it.
    pub client: Client,
    /// The listener's name.
    pub listener: Arc<str>,
}

/// How far a connection is from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Streams may be begun.
    Open,
    /// The client has been told to begin no more.
    Leaving,
    /// The last word was said: it closes when it is out.
    Closing,
}

/// Serves a connection to its end.
pub async fn serve(local: Rc<Local>, entry: Rc<Entry>, opened: Opened) {
    let Opened { stream, client, listener } = opened;
    add(&local.counters.http2_connections, 1);
    let wire = Rc::new(Wire::new(stream));
    let visit = Rc::new(Visit::new(Rc::clone(&local), entry, wire, client, listener));
    let mut alarm = Alarm::default();
    let leaving = pin!(local.leaving.notified());
    match handshake(&visit, &mut alarm).await {
        Ok(connection) => {
            let (stage, waits_since) = (Stage::Open, None);
            let mut driver = Driver { local: &local, visit: &visit, connection, alarm, leaving, stage, waits_since };
            if let Some(end) = poll_fn(|context| driver.poll(context)).await {
                visit.log(end);
            }
            let Driver { mut alarm, .. } = driver;
            linger(&visit, &mut alarm).await;
        }
        Err(Some(end)) => visit.log(end),
        Err(None) => {}
    }
}

fn builder(settings: &Settings) -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(STREAMS)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(STREAM_BUFFER)
        .max_header_list_size(u32::try_from(settings.limits.request_head).unwrap_or(u32::MAX))
        .max_local_error_reset_streams(Some(BROKEN_STREAMS))
        .max_concurrent_reset_streams(RESET_STREAMS)
        .enable_connect_protocol();
    builder
}

/// Waits for the client's first words, as long as for a request's head. The error is for the log, if there is one.
async fn handshake(visit: &Visit, alarm: &mut Alarm) -> Result<Connection<Handle, Bytes>, Option<End>> {
    let view = visit.local.view();
    let settings = &view.snapshot.settings;
    let limit = Instant::now() + settings.timeouts.request_head;
    let mut handshake = pin!(builder(settings).handshake(Handle(Rc::clone(&visit.wire))));
    poll_fn(|context| {
        let shaken = handshake.as_mut().poll(context);
        // What cannot be sent now is sent later, or the next read says why not.
        let _ = visit.wire.poll_send(context);
        if let Poll::Ready(shaken) = shaken {
            return Poll::Ready(shaken.map_err(|error| end_of(&error)));
        }
        match visit.entry.poll_order(context) {
            Poll::Ready(Order::Evict) => return Poll::Ready(Err(Some(evicted(visit)))),
            Poll::Ready(Order::Kill | Order::Close) => return Poll::Ready(Err(None)),
            _ => {}
        }
        alarm.poll(limit, context).map(|()| Err(Some(End::HeadTimeout)))
    })
    .await
}

/// Reads what still comes, so that no reset overtakes the last word (as RFC 9112, 9.6, for HTTP/1.1).
async fn linger(visit: &Visit, alarm: &mut Alarm) {
    visit.entry.enter(Phase::Lingering);
    let limit = Instant::now() + LEAVE;
    let mut most = MOST_FORGOTTEN;
    poll_fn(|context| {
        if let Poll::Ready(Order::Kill | Order::Evict) = visit.entry.poll_order(context) {
            return Poll::Ready(());
        }
        if visit.wire.poll_forget(&mut most, context).is_ready() { Poll::Ready(()) } else { alarm.poll(limit, context) }
    })
    .await;
}

/// What an error of the `h2` crate says in the log; a client that is gone between two requests says nothing.
fn end_of(error: &h2::Error) -> Option<End> {
    match error.reason() {
        Some(Reason::ENHANCE_YOUR_CALM) if error.is_library() => Some(End::Flooded),
        Some(_) if error.is_library() => Some(End::MalformedFrames),
        _ => None,
    }
}

fn evicted(visit: &Visit) -> End {
    add(&visit.local.counters.evicted, 1);
    End::EvictedIdle
}

/// A connection's task.
struct Driver<'d, 'l> {
    local: &'l Local,
    visit: &'d Rc<Visit>,
    connection: Connection<Handle, Bytes>,
    alarm: Alarm,
    /// Ready when there may be a reason to leave.
    leaving: Pin<&'d mut Notified<'l>>,
    stage: Stage,
    /// Since when nothing has run and all has been sent, or its end has been under way.
    waits_since: Option<Instant>,
}

/// What follows when a limit has passed.
enum Step {
    /// The connection has something to say.
    Drive,
    /// It is cut.
    End,
}

impl Driver<'_, '_> {
    /// Does what can be done now; ready at the connection's end, with its word for the log if there is one.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<End>> {
        self.visit.watch(context);
        self.obey(context);
        loop {
            let ended = self.drive(context);
            let sent = self.visit.wire.poll_send(context);
            for _ in 0..self.visit.wire.take_refused() {
                self.visit.count_refused();
            }
            match (ended, sent) {
                (Poll::Ready(end), _) => return Poll::Ready(end),
                (_, Poll::Ready(Err(_))) => return Poll::Ready(None),
                _ => {}
            }
            if self.visit.wire.is_flooded() && self.stage != Stage::Closing {
                add(&self.visit.local.counters.http2_floods, 1);
                self.visit.log(End::Flooded);
                self.close(Reason::ENHANCE_YOUR_CALM);
                continue;
            }
            match std::task::ready!(self.poll_limit(context)) {
                Step::Drive => {}
                Step::End => return Poll::Ready(None),
            }
        }
    }

    /// No request is under way, and what was said to the others has left.
    fn is_idle(&self) -> bool {
        self.visit.is_idle() && self.visit.wire.stuck_since().is_none()
    }

    /// Takes orders, and notices when it is time to leave.
    fn obey(&mut self, context: &mut Context<'_>) {
        let visit = self.visit;
        match visit.entry.poll_order(context) {
            Poll::Ready(Order::Evict) => self.leave(Some(evicted(visit))),
            Poll::Ready(Order::Close | Order::Kill) if self.is_idle() => self.close(Reason::NO_ERROR),
            Poll::Ready(Order::Kill) => self.leave(None),
            _ => {}
        }
        while self.leaving.as_mut().poll(context).is_ready() {
            self.leaving.set(self.local.leaving.notified());
        }
        if visit.is_over() {
            self.leave(None);
        }
    }

    /// Has the `h2` crate do what it can, and begins what was asked for.
    fn drive(&mut self, context: &mut Context<'_>) -> Poll<Option<End>> {
        loop {
            match std::task::ready!(self.connection.poll_accept(context)) {
                Some(Ok((asked, respond))) => {
                    if self.visit.is_idle() {
                        self.visit.entry.enter(Phase::Busy);
                    }
                    http2_visit::begin(self.visit, asked, respond);
                }
                Some(Err(error)) => {
                    let end = end_of(&error).filter(|_| self.stage != Stage::Closing);
                    if end == Some(End::Flooded) {
                        add(&self.visit.local.counters.http2_floods, 1);
                    }
                    return Poll::Ready(end);
                }
                None => return Poll::Ready(None),
            }
        }
    }

    /// Waits for the limit of what is waited for, if anything is, and acts when it has passed.
    fn poll_limit(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        let visit = self.visit;
        let timeouts = &visit.local.view().snapshot.settings.timeouts;
        let is_idle = self.is_idle();
        if is_idle && visit.entry.phase() == Phase::Busy {
            visit.entry.enter(Phase::Idle);
            visit.rest();
        }
        if is_idle || self.stage == Stage::Closing {
            self.waits_since.get_or_insert_with(Instant::now);
        } else {
            self.waits_since = None;
        }
        let quiet = match self.stage {
            Stage::Open => timeouts.keep_alive,
            Stage::Leaving | Stage::Closing => LEAVE,
        };
        let until = self.waits_since.map(|since| since + quiet);
        let head_until = visit.wire.head_since().map(|since| since + timeouts.request_head);
        // While a request is under way its own limits hold.
        let stuck = visit.wire.stuck_since().filter(|_| visit.is_idle() && self.stage != Stage::Closing);
        let stuck_until = stuck.map(|since| since + timeouts.body_idle);
        let Some(limit) = [until, head_until, stuck_until].into_iter().flatten().min() else { return Poll::Pending };
        std::task::ready!(self.alarm.poll(limit, context));
        match self.stage {
            Stage::Closing => return Poll::Ready(Step::End),
            _ if stuck_until == Some(limit) => return Poll::Ready(Step::End),
            _ if head_until == Some(limit) => {
                visit.log(End::HeadTimeout);
                self.close(Reason::NO_ERROR);
            }
            Stage::Open => self.leave(Some(End::KeepAliveTimeout)),
            Stage::Leaving => self.close(Reason::NO_ERROR),
        }
        Poll::Ready(Step::Drive)
    }

    /// Begins no more streams, and lets those that were begun end.
    fn leave(&mut self, end: Option<End>) {
        if self.stage != Stage::Open {
            return;
        }
        if let Some(end) = end {
            self.visit.log(end);
        }
        (self.stage, self.waits_since) = (Stage::Leaving, None);
        self.connection.graceful_shutdown();
    }

    /// Ends what is left, with a last word.
    fn close(&mut self, reason: Reason) {
        if self.stage == Stage::Closing {
            return;
        }
        (self.stage, self.waits_since) = (Stage::Closing, None);
        self.connection.abrupt_shutdown(reason);
    }
}
