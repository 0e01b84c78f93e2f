//! One visitor's connection: one task, one request after the other, in order.
//!
//! Owns the client's socket. Reads heads, has each request served by the exchange, decides whether the connection goes
//! on. An idle connection holds no buffer.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::access_log::Seen;
use super::admission::{Admitted, SlotKind};
use super::alarm::Alarm;
use super::exchange;
use super::http1::answer::Answer;
use super::http1::buffer::SIZE;
use super::http1::forwarded::Client;
use super::http1::head::{Scan, Scanned};
use super::http1::vet::{Method, Refusal, Request, Version, vet};
use super::inflight::{Entry, Order, Phase};
use super::local::{Local, Workspace, add};
use super::termination::End;
use super::trace::Trace;
use super::transfer::{self, fill};

/// How long a client may go on sending what nobody reads any more, after an answer that closes.
const LINGER: Duration = Duration::from_secs(2);

/// How much of that is read.
const LINGER_BYTES: usize = 1024 * 1024;

/// A connection as it comes from a listener.
pub struct Accepted {
    /// The client's socket.
    pub stream: TcpStream,
    /// Where the client is.
    pub peer: SocketAddr,
    /// The listener's name.
    pub listener: Arc<str>,
}

/// One visitor's connection.
pub struct Connection {
    /// The worker.
    pub local: Rc<Local>,
    /// The client's socket.
    pub stream: TcpStream,
    /// Where the client is.
    pub peer: SocketAddr,
    /// The same, in the words of the forwarded fields.
    pub client: Client,
    /// The listener's name.
    pub listener: Arc<str>,
    /// What the worker knows of this connection.
    pub entry: Rc<Entry>,
    /// Limits of what comes from the client.
    pub client_alarm: Alarm,
    /// Limits of what comes from the backend.
    pub backend_alarm: Alarm,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.local.registry.remove(&self.entry);
        if self.local.registry.is_empty() {
            self.local.emptied.notify_one();
        }
    }
}

/// What becomes of the connection after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// The next request.
    Keep,
    /// All was said and read.
    Close,
    /// The client may still be sending: let it finish reading before the connection goes.
    Linger,
    /// The client must not take what it got for whole.
    Reset,
}

/// What came of waiting for a head.
enum Arrival {
    /// This many bytes at the front of the input.
    Head(usize),
    /// A head that is refused.
    Refused(Answer, End),
    /// None, for this reason.
    Ended(End),
}

impl Connection {
    /// A connection just accepted, and admitted.
    pub fn new(local: Rc<Local>, accepted: Accepted, client: Client, admitted: Admitted) -> Connection {
        let entry = local.registry.add(admitted);
        let Accepted { stream, peer, listener } = accepted;
        let (client_alarm, backend_alarm) = Default::default();
        Connection { local, stream, peer, client, listener, entry, client_alarm, backend_alarm }
    }

    /// Serves it to its end.
    pub async fn serve(mut self) {
        let mut workspace = None;
        let after = loop {
            let mut held = match self.next_workspace(workspace.take()).await {
                Ok(held) => held,
                Err(end) => {
                    if let Some(end) = end {
                        if end == End::EvictedIdle {
                            add(&self.local.counters.evicted, 1);
                        }
                        self.log(&Workspace::default(), None, &mut Trace::new(Instant::now()), end);
                    }
                    return;
                }
            };
            let after = self.one_request(&mut held).await;
            let unread = !held.input.is_empty();
            if after != After::Keep || self.local.is_draining() && !unread {
                self.local.give_workspace(held);
                break if after == After::Close && unread { After::Linger } else { after };
            }
            workspace = Some(held);
        };
        self.finish(after).await;
    }

    /// Memory with the first bytes of the next request: at once if they are here already, else when the client sends
    /// some. The error is for the log, if there is one.
    async fn next_workspace(&mut self, last: Option<Box<Workspace>>) -> Result<Box<Workspace>, Option<End>> {
        match last {
            Some(workspace) if !workspace.input.is_empty() => return Ok(workspace),
            Some(workspace) => {
                self.local.give_workspace(workspace);
                self.entry.enter(Phase::Idle);
            }
            // Fresh since it was accepted: it may have been told to close already.
            None => {}
        }
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

    async fn one_request(&mut self, workspace: &mut Workspace) -> After {
        let mut trace = Trace::new(Instant::now());
        let arrival = self.read_head(workspace).await;
        self.entry.enter(Phase::Busy);
        let length = match arrival {
            Arrival::Head(length) => length,
            Arrival::Ended(end) => {
                if end == End::EvictedInHead {
                    add(&self.local.counters.evicted, 1);
                }
                self.log(workspace, None, &mut trace, end);
                return After::Close;
            }
            Arrival::Refused(answer, end) => return self.refuse(workspace, &mut trace, answer, end).await,
        };
        trace.head = Some(trace.began.elapsed());
        set_head_apart(workspace, length);
        let view = self.local.view();
        let settings = &view.snapshot.settings;
        let request = match vet(workspace.head.filled(), settings.limits.request_headers, &mut workspace.fields) {
            Ok(request) => request,
            Err(Refusal { status, why }) => {
                let answer = Answer { status, why: Some(why) };
                return self.refuse(workspace, &mut trace, answer, End::Refused).await;
            }
        };
        add(&self.local.counters.requests, 1);
        let after = exchange::serve(self, workspace, &request, &mut trace).await;
        self.entry.leave();
        let end = trace.end;
        self.log(workspace, Some(&request), &mut trace, end);
        after
    }

    /// Reads until a head is whole. `request_head` counts from its first byte.
    async fn read_head(&mut self, workspace: &mut Workspace) -> Arrival {
        let view = self.local.view();
        let settings = &view.snapshot.settings;
        let most = settings.limits.request_head;
        let until = Instant::now() + settings.timeouts.request_head;
        let mut scan = Scan::default();
        let input = &mut workspace.input;
        let mut first_line_seen = false;
        loop {
            if !first_line_seen && input.filled().starts_with(b"\r\n") {
                // One empty line before a request line is forgiven (RFC 9112, 2.2).
                input.consume(2);
                first_line_seen = true;
            }
            let only_cr = !first_line_seen && input.filled() == b"\r";
            match scan_unless(only_cr, &mut scan, input.filled()) {
                Scanned::Complete(length) if length <= most => return Arrival::Head(length),
                Scanned::BareLf => return Arrival::Refused(Answer::new(400), End::Refused),
                Scanned::Complete(_) => return Arrival::Refused(Answer::new(431), End::Refused),
                Scanned::Incomplete if input.len() >= most => {
                    let status = if scan.in_first_line() { 414 } else { 431 };
                    return Arrival::Refused(Answer::new(status), End::Refused);
                }
                Scanned::Incomplete => {}
            }
            if input.len() >= SIZE {
                input.hold((input.len() * 2).min(most.max(SIZE)));
            }
            if self.entry.slot().is_none() {
                // Evicted at the moment its first bytes came: a part of a head is no request.
                return Arrival::Ended(End::EvictedInHead);
            }
            if self.entry.phase() != Phase::Head {
                self.entry.enter(Phase::Head);
            }
            let Connection { stream, entry, client_alarm, .. } = self;
            let read = tokio::select! { biased;
                read = fill(stream, input, client_alarm, || Some(until)) => read,
                order @ (Order::Kill | Order::Evict) = entry.order() => {
                    let evicted = order == Order::Evict;
                    return Arrival::Ended(if evicted { End::EvictedInHead } else { End::DrainTimeout });
                }
            };
            match read {
                Ok(0) => return Arrival::Ended(End::ClientInHead),
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                    return Arrival::Refused(Answer::new(408), End::HeadTimeout);
                }
                Err(_) => return Arrival::Ended(End::ClientInHead),
            }
        }
    }

    async fn refuse(&mut self, workspace: &mut Workspace, trace: &mut Trace, answer: Answer, end: End) -> After {
        add(&self.local.counters.malformed, 1);
        trace.status = answer.status;
        workspace.to_client.clear();
        answer.write(&mut workspace.to_client, Version::Http11, false, true);
        let sent = self.send(workspace).await;
        self.log(workspace, None, trace, end);
        if sent { After::Linger } else { After::Close }
    }

    /// Answers a request without a backend. The connection goes on if nothing of the request is left unread.
    pub async fn answer(
        &mut self,
        workspace: &mut Workspace,
        request: &Request,
        trace: &mut Trace,
        answer: Answer,
        end: End,
    ) -> After {
        (trace.status, trace.end) = (answer.status, end);
        let may_stay = self.entry.slot() == Some(SlotKind::Regular) && !self.local.is_draining();
        let keep = request.has_no_body() && request.keeps_alive() && may_stay;
        workspace.to_client.clear();
        answer.write(&mut workspace.to_client, request.version, keep, request.class != Method::Head);
        match self.send(workspace).await {
            true if keep => After::Keep,
            true => After::Linger,
            false => After::Close,
        }
    }

    async fn send(&mut self, workspace: &mut Workspace) -> bool {
        let idle = self.local.view().snapshot.settings.timeouts.body_idle;
        let Connection { stream, client_alarm, .. } = self;
        transfer::send(stream, &mut workspace.to_client, &[], client_alarm, idle, || {}).await.is_ok()
    }

    fn log(&mut self, workspace: &Workspace, request: Option<&Request>, trace: &mut Trace, end: End) {
        trace.end = end;
        self.local.log(&Seen { peer: self.peer, listener: &self.listener, workspace, request, trace });
    }

    /// Closes the connection so that the client gets all that was written to it.
    async fn finish(mut self, after: After) {
        match after {
            After::Keep | After::Close => {}
            // Evicted: it is counted nowhere any more.
            After::Linger if self.entry.slot().is_none() => {}
            After::Reset => {
                // Without it the close would look like the end of the body; a socket that refuses it is gone already.
                let _ = self.stream.set_zero_linger();
            }
            After::Linger => {
                let limit = Instant::now() + LINGER;
                self.entry.enter(Phase::Lingering);
                let Connection { stream, client_alarm, entry, .. } = &mut self;
                tokio::select! {
                    () = drain_input(stream) => {}
                    () = client_alarm.wait(limit) => {}
                    Order::Kill | Order::Evict = entry.order() => {}
                }
            }
        }
    }
}

/// A single CR may be the first half of the empty line that is forgiven.
fn scan_unless(only_cr: bool, scan: &mut Scan, input: &[u8]) -> Scanned {
    if only_cr { Scanned::Incomplete } else { scan.next(input) }
}

/// Moves the head, the first `length` bytes of the input, to where it stays until the request is over.
fn set_head_apart(workspace: &mut Workspace, length: usize) {
    std::mem::swap(&mut workspace.head, &mut workspace.input);
    workspace.input.clear();
    workspace.input.append(&workspace.head.filled()[length..]);
    workspace.head.truncate(length);
}

/// Ends our half and reads what still comes, so that no reset overtakes the answer (RFC 9112, 9.6).
async fn drain_input(stream: &mut TcpStream) {
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
