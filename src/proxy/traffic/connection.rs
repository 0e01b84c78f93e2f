//! One visitor's HTTP/1.1 connection: one task, one request after the other, in order.
//!
//! Owns the client's socket. Reads heads, has each request served by the exchange, decides whether the connection goes
//! on. A connection that waits holds no buffer, and nothing else that serving takes.

use std::borrow::Cow;
use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::access_log::Record;
use super::alarm::Alarm;
use super::answering::Served;
use super::arrival::{Arrival, read_head};
use super::counters::add;
use super::dispatch;
use super::exchange::Exchange;
use super::http1::answer::{Answer, MoreFields};
use super::http1::forwarded::Client;
use super::http1::vet::{RequestError, vet};
use super::http1_stream::Http1Stream;
use super::inflight::{Entry, Order, Phase};
use super::local::Local;
use super::message::{Request, RequestHead, Scheme, Version};
use super::outcome::AfterResponse;
use super::room::Room;
use super::socket::{IdleTimer, send};
use super::termination::End;
use super::trace::Trace;
use super::transport::Transport;
use super::tunnel::{ClientEnd, Early};
use super::upstream::OwnConnection;
use super::workspace::{ClientBuffers, Workspace};

/// How long a client may go on sending what nobody reads any more, after an answer that closes.
const LINGER: Duration = Duration::from_secs(2);

/// How much of that is read.
const LINGER_BYTES: usize = 1024 * 1024;

/// A connection that carries requests.
pub struct Opened {
    /// What carries it.
    pub stream: Transport,
    /// Who has opened it.
    pub client: Client,
    /// The listener's name.
    pub listener: Arc<str>,
}

/// One visitor's connection.
pub struct Connection {
    local: Rc<Local>,
    stream: Transport,
    /// Who has opened it.
    client: Client,
    listener: Arc<str>,
    entry: Rc<Entry>,
    /// No request has come yet.
    is_first: bool,
    /// The connection to a backend that is its alone.
    own: Option<OwnConnection>,
    /// Time limits of what comes from the client.
    client_alarm: Alarm,
    /// Time limits of what comes from the backend.
    backend_alarm: Alarm,
}

impl Connection {
    /// A connection that can carry requests.
    pub fn new(local: Rc<Local>, entry: Rc<Entry>, opened: Opened) -> Box<Connection> {
        let Opened { stream, client, listener } = opened;
        let (own, client_alarm, backend_alarm) = Default::default();
        let is_first = true;
        Box::new(Connection { local, stream, client, listener, entry, is_first, own, client_alarm, backend_alarm })
    }

    /// Serves it to its end.
    pub async fn serve(mut self: Box<Self>) {
        loop {
            let workspace = match self.first_bytes().await {
                Ok(workspace) => workspace,
                Err(end) => return self.log_end_between_requests(end),
            };
            let mut room = take_room();
            room.enter(Guest { connection: self, workspace });
            let (connection, after) = room.left().await;
            give_room(room);
            match after {
                None => self = connection,
                Some(after) => return connection.finish(after).await,
            }
        }
    }

    /// Serves requests until the client has sent none that is not answered (none: the connection goes on), or to the last one.
    async fn serve_requests(mut self: Box<Self>, mut workspace: Box<Workspace>) -> Left {
        let after = loop {
            let after = self.serve_request(&mut workspace).await;
            let unread = !workspace.client.input.is_empty();
            if after != AfterResponse::Keep || self.local.is_draining() && !unread {
                break Some(if after == AfterResponse::Close && unread { AfterResponse::Linger } else { after });
            }
            if !unread {
                self.entry.enter(Phase::Idle);
                break None;
            }
        };
        self.local.give_workspace(workspace);
        (self, after)
    }

    /// Waits for the first bytes of the next request, without memory for them, and gives them. The error is for the log, if there
    /// is one.
    async fn first_bytes(&mut self) -> Result<Box<Workspace>, Option<End>> {
        let limit = Instant::now() + self.local.view().snapshot.settings.timeouts.keep_alive;
        let Connection { local, stream, entry, client_alarm, .. } = self;
        let mut source = stream.split().0;
        let woken = poll_fn(|context| {
            if let Poll::Ready(read) = local.poll_first_bytes(&mut source, context) {
                return Poll::Ready(read.ok().flatten().ok_or(None));
            }
            match entry.poll_order(context) {
                Poll::Ready(Order::Evict) => return Poll::Ready(Err(Some(End::EvictedIdle))),
                Poll::Ready(Order::Kill | Order::Close) => return Poll::Ready(Err(None)),
                _ => {}
            }
            client_alarm.poll(limit, context).map(|()| Err(Some(End::KeepAliveTimeout)))
        })
        .await;
        self.entry.enter(Phase::Busy);
        woken
    }

    fn log_end_between_requests(&self, end: Option<End>) {
        let Some(end) = end else { return };
        if end == End::EvictedIdle {
            add(&self.local.counters.evicted, 1);
        }
        self.log(None, &mut Trace::new(Instant::now()), end);
    }

    /// Reads a request, serves and logs it.
    async fn serve_request(&mut self, workspace: &mut Workspace) -> AfterResponse {
        let mut trace = Trace::new(Instant::now());
        let Connection { local, stream, entry, client_alarm, .. } = self;
        let arrival = read_head(local, entry, stream, &mut workspace.client.input, client_alarm).await;
        self.entry.enter(Phase::Busy);
        let length = match arrival {
            Arrival::Head(length) => length,
            Arrival::Ended(end) => {
                if end == End::EvictedInHead {
                    add(&self.local.counters.evicted, 1);
                }
                self.log(None, &mut trace, end);
                return AfterResponse::Close;
            }
            Arrival::Refused(answer, end) => {
                return self.refuse(&mut workspace.client.output, &mut trace, answer, end).await;
            }
        };
        trace.head = Some(trace.began.elapsed());
        workspace.set_head_apart(length);
        let most = self.local.view().snapshot.settings.limits.request_headers;
        match vet(&workspace.head, self.scheme(), most, &mut workspace.fields) {
            Ok(head) if self.is_misdirected(&workspace.head, &head) => {
                let answer = Answer { status: 421, why: Some("this connection is for another host") };
                self.refuse(&mut workspace.client.output, &mut trace, answer, End::Refused).await
            }
            Ok(head) => self.exchange(workspace, &head, &mut trace).await,
            Err(RequestError { status, why }) => {
                let answer = Answer { status, why: Some(why) };
                self.refuse(&mut workspace.client.output, &mut trace, answer, End::Refused).await
            }
        }
    }

    fn scheme(&self) -> Scheme {
        match self.stream {
            Transport::Tcp(_) => Scheme::Http,
            Transport::Tls(_) | Transport::Stream(_) => Scheme::Https,
        }
    }

    /// Whether the connection was opened for another host than this request's (RFC 9110, 15.5.20). The host that was named in the
    /// handshake chose the certificate, and a client that trusts it for other hosts may ask for those too.
    fn is_misdirected(&self, bytes: &[u8], head: &RequestHead) -> bool {
        let Transport::Tls(stream) = &self.stream else { return false };
        // HTTP/1.0 need not name a host: such a request is for whatever is for no host.
        let Some(host) = head.authority.map(|authority| authority.of_head(bytes)) else { return false };
        !stream.may_serve(host)
    }

    /// Serves a vetted request, tunnel included, and logs it.
    async fn exchange(&mut self, workspace: &mut Workspace, head: &RequestHead, trace: &mut Trace) -> AfterResponse {
        let Workspace { head: bytes, fields, client: ClientBuffers { input, output }, backend, values, .. } = workspace;
        let request = Request { head, bytes, fields };
        self.local.count_request(&request);
        let is_first = std::mem::replace(&mut self.is_first, false);
        let Connection { local, stream, entry, client, own, client_alarm, backend_alarm, .. } = self;
        let buffers = &mut *backend;
        let granted = Cow::default();
        let exchange = Exchange {
            local,
            entry,
            client,
            request,
            is_first,
            own,
            buffers,
            values,
            client_alarm,
            backend_alarm,
            granted,
            trace,
        };
        let mut client = Http1Stream { socket: stream, input: &mut *input, output, request: head };
        let after = match dispatch::serve(exchange, &mut client).await {
            Served::Done(after) => after,
            Served::Switched(tunnel) => {
                let client = ClientEnd { socket: stream, entry, alarm: client_alarm };
                let early =
                    Early { from_client: std::mem::take(input), from_backend: std::mem::take(&mut backend.input) };
                // Apart: most requests have no room for it.
                trace.end = Box::pin(tunnel.run(local, client, early)).await;
                AfterResponse::Close
            }
        };
        self.entry.leave();
        self.local.count_visit(trace);
        let end = trace.end;
        self.log(Some(request), trace, end);
        after
    }

    /// Answers what is no request, and closes.
    async fn refuse(&mut self, output: &mut Vec<u8>, trace: &mut Trace, answer: Answer<'_>, end: End) -> AfterResponse {
        add(&self.local.counters.malformed, 1);
        trace.status = answer.status;
        output.clear();
        answer.write(MoreFields::default(), output, Version::Http11, false, true);
        let idle = self.local.view().snapshot.settings.timeouts.body_idle;
        let mut timer = IdleTimer { alarm: &mut self.client_alarm, idle };
        let sent = send(&mut self.stream, output, &[], &mut timer, || {}).await;
        self.log(None, trace, end);
        if sent.is_ok() { AfterResponse::Linger } else { AfterResponse::Close }
    }

    fn log(&self, request: Option<Request<'_>>, trace: &mut Trace, end: End) {
        trace.end = end;
        self.local.log(&Record { client: &self.client, listener: &self.listener, request, trace });
    }

    /// Closes the connection so that the client gets all that was written to it.
    async fn finish(self: Box<Self>, after: AfterResponse) {
        match after {
            AfterResponse::Keep | AfterResponse::Close => {}
            // Evicted: it is counted nowhere any more.
            AfterResponse::Linger if self.entry.slot().is_none() => {}
            AfterResponse::Reset => {
                // Without it the close would look like the end of the body.
                self.stream.reset_on_close();
            }
            // Apart, so that connections that do not linger have no room for it.
            AfterResponse::Linger => Box::pin(self.linger()).await,
        }
    }

    async fn linger(mut self: Box<Self>) {
        let limit = Instant::now() + LINGER;
        self.entry.enter(Phase::Lingering);
        let Connection { stream, client_alarm, entry, .. } = &mut *self;
        tokio::select! {
            () = drain_input(stream) => {}
            () = client_alarm.wait(limit) => {}
            Order::Kill | Order::Evict = entry.order() => {}
        }
    }
}

/// A connection with the first bytes of a request.
struct Guest {
    connection: Box<Connection>,
    workspace: Box<Workspace>,
}

/// A connection whose request, or row of requests, has been served, and how it ends if it does.
type Left = (Box<Connection>, Option<AfterResponse>);

/// Rooms that a thread keeps for connections to come.
const SPARE_ROOMS: usize = 64;

thread_local! {
    static SPARE: RefCell<Vec<Room<Guest, Left>>> = const { RefCell::new(Vec::new()) };
}

fn take_room() -> Room<Guest, Left> {
    let serve = |Guest { connection, workspace }: Guest| connection.serve_requests(workspace);
    SPARE.with_borrow_mut(Vec::pop).unwrap_or_else(|| Room::new(serve))
}

fn give_room(room: Room<Guest, Left>) {
    SPARE.with_borrow_mut(|spare| {
        if spare.len() < SPARE_ROOMS {
            spare.push(room);
        }
    });
}

/// Ends our half and reads what still comes, so that no reset overtakes the answer (RFC 9112, 9.6).
async fn drain_input(stream: &mut Transport) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut scrap = [0; 4096];
    let mut left = LINGER_BYTES;
    while let Ok(count) = stream.read(&mut scrap).await {
        if count == 0 || count > left {
            return;
        }
        left -= count;
    }
}
