//! One attempt to have one backend serve a request: connect, send, pass the response on.
//!
//! Both directions run at once in the connection's own task: a response may come before the request's body ends. Decides
//! what an error means (may the request go elsewhere?); never chooses the next backend.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use tokio::net::TcpStream;
use tokio::time::Instant;

use super::connection::{After, Connection};
use super::http1::request;
use super::http1::vet::Request;
use super::inflight::Order;
use super::local::{Local, Workspace, add};
use super::relay::{self, Backside, RelayError, Relayed};
use super::sending::{self, Clientside, SendError};
use super::termination::End;
use super::trace::Trace;
use super::tunnel;
use super::upstream::{self, NotConnected};
use super::view::View;
use crate::proxy::snapshot::{Backend, BackendCounters, Service};

/// What is to be tried.
pub struct Plan<'p> {
    /// The snapshot that was chosen from.
    pub view: &'p Rc<View>,
    /// The service's index in it.
    pub service: usize,
    /// The backend's index in the service.
    pub backend: usize,
    /// The visitor gets a cookie.
    pub set_cookie: bool,
    /// Open a new connection even if there is an idle one.
    pub afresh: bool,
    /// What is asked.
    pub request: &'p Request,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempted {
    /// The response was passed on, whole or not.
    Finished(After),
    /// Nothing reached the visitor, and nothing speaks against another backend.
    Elsewhere(Failure),
    /// The idle connection was closed under us; the backend may be well.
    Stale,
    /// A new snapshot says that the backend is no good.
    Moved,
    /// Nothing reached the visitor, and the request may not be sent again.
    Failed(Failure),
}

/// Why a request has no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// What the visitor is told; none: it is gone.
    pub status: Option<u16>,
    /// What the log is told.
    pub end: End,
}

impl Failure {
    const fn new(status: u16, end: End) -> Failure {
        Failure { status: Some(status), end }
    }
}

/// How far an attempt has come; written by one direction, read by the other.
#[derive(Default)]
pub struct Progress {
    /// A byte was written to the backend: from here on only a replayable request may be sent again.
    pub touched: Cell<bool>,
    /// Bytes of the request's body were taken from the client: it cannot be sent again.
    pub body_taken: Cell<bool>,
    /// Since when the backend owes an answer.
    pub owed: Cell<Option<Instant>>,
    /// All of the request was sent.
    pub sent: Cell<bool>,
    /// The client waits for `100 Continue`.
    pub holding: Cell<bool>,
    /// A byte of a response was read.
    pub heard: Cell<bool>,
    /// The final response's head is on its way to the visitor.
    pub begun: Cell<bool>,
}

/// Counts a request as running for as long as it lives.
struct Running<'b>(Option<&'b BackendCounters>);

impl<'b> Running<'b> {
    fn new(counters: Option<&'b BackendCounters>) -> Running<'b> {
        if let Some(counters) = counters {
            add(&counters.running, 1);
        }
        Running(counters)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(counters) = self.0 {
            let running = counters.running.load(Ordering::Relaxed);
            counters.running.store(running.saturating_sub(1), Ordering::Relaxed);
        }
    }
}

/// Tries it.
pub async fn run(
    connection: &mut Connection,
    workspace: &mut Workspace,
    trace: &mut Trace,
    plan: Plan<'_>,
) -> Attempted {
    let local = Rc::clone(&connection.local);
    let service = &plan.view.snapshot.services[plan.service];
    let backend = &service.backends[plan.backend];
    let counters = local.counters_of(backend);
    let running = Running::new(counters);
    connection.entry.ask(plan.view, plan.service, plan.backend, true);
    let attempted = match open(connection, trace, &plan, backend, &local).await {
        Ok((stream, reused)) => talk(connection, workspace, trace, &plan, (stream, reused)).await,
        Err(attempted) => attempted,
    };
    drop(running);
    if let Some(counters) = counters
        && let Attempted::Elsewhere(failure) | Attempted::Failed(failure) = attempted
        && failure.end.is_backends()
    {
        add(&counters.failed_attempts, 1);
    }
    attempted
}

/// A connection to the backend, and whether it has been used before.
async fn open(
    connection: &mut Connection,
    trace: &mut Trace,
    plan: &Plan<'_>,
    backend: &Backend,
    local: &Local,
) -> Result<(TcpStream, bool), Attempted> {
    if !plan.afresh
        && let Some(stream) = local.pool.take(backend.address, !plan.request.replayable())
    {
        trace.connected = Some(Default::default());
        return Ok((stream, true));
    }
    let began = Instant::now();
    let limit = began + plan.view.snapshot.settings.timeouts.connect;
    let Connection { entry, backend_alarm, .. } = connection;
    let failure = tokio::select! { biased;
        order = entry.order() => return Err(obey(order, false)),
        opened = upstream::connect(backend.address) => match opened {
            Ok(stream) => {
                trace.connected = Some(began.elapsed());
                return Ok((stream, false));
            }
            Err(NotConnected::Ourselves) => return Err(Attempted::Elsewhere(Failure::new(503, End::OutOfResources))),
            Err(NotConnected::Refused) => Failure::new(503, End::NoBackend),
        },
        () = backend_alarm.wait(limit) => Failure::new(504, End::ConnectTimeout),
    };
    local.report_error(backend);
    Err(Attempted::Elsewhere(failure))
}

/// What an order means while the visitor has nothing of a response.
fn obey(order: Order, unmovable: bool) -> Attempted {
    match order {
        Order::Kill => Attempted::Failed(Failure::new(503, End::DrainTimeout)),
        Order::Abort => Attempted::Failed(Failure::new(502, End::FailedOverInWait)),
        Order::Move | Order::ChooseAgain | Order::Close if unmovable => {
            Attempted::Failed(Failure::new(502, End::FailedOverInWait))
        }
        Order::Move | Order::ChooseAgain | Order::Close | Order::Evict => Attempted::Moved,
    }
}

/// How the two directions ended.
enum Ended {
    Relayed(Result<Relayed, RelayError>),
    Client(SendError),
    Ordered(Order),
}

async fn talk(
    connection: &mut Connection,
    workspace: &mut Workspace,
    trace: &mut Trace,
    plan: &Plan<'_>,
    (mut upstream, reused): (TcpStream, bool),
) -> Attempted {
    let local = Rc::clone(&connection.local);
    let settings = &plan.view.snapshot.settings;
    let service = &plan.view.snapshot.services[plan.service];
    let backend = &service.backends[plan.backend];
    let counters = local.counters_of(backend);
    let set_cookie = service.cookie().filter(|_| plan.set_cookie).map(|cookie| cookie.set(backend.address, false));
    write_head(connection, workspace, plan, service);
    workspace.response.clear();
    workspace.to_client.clear();
    if let Some(counters) = counters {
        add(&counters.requests, 1);
    }

    let progress = Progress::default();
    let ended = {
        let Connection { stream, entry, client_alarm, backend_alarm, .. } = connection;
        let (client_source, client_sink) = stream.split();
        let (backend_source, backend_sink) = upstream.split();
        let Workspace { head: _, fields: _, input, to_backend, response, response_fields, to_client } = workspace;
        // From here on a request that cannot be replayed stays where it is.
        entry.ask(plan.view, plan.service, plan.backend, plan.request.replayable());
        let send = sending::send(
            Clientside { source: client_source, input, alarm: client_alarm },
            backend_sink,
            to_backend,
            sending::Task { request: plan.request, progress: &progress, idle: settings.timeouts.body_idle, counters },
        );
        let relay = relay::relay(
            Backside { source: backend_source, input: response, fields: response_fields, alarm: backend_alarm },
            client_sink,
            to_client,
            relay::Task {
                request: plan.request,
                progress: &progress,
                settings,
                counters,
                set_cookie: set_cookie.as_deref(),
                local: &local,
                entry,
                trace,
            },
        );
        let (mut send, mut relay) = (std::pin::pin!(send), std::pin::pin!(relay));
        let mut sending = true;
        loop {
            tokio::select! { biased;
                order = entry.order() => break Ended::Ordered(order),
                error = &mut send, if sending => match error {
                    // Its answer may be on its way all the same.
                    SendError::Backend => {
                        sending = false;
                        progress.owed.set(Some(Instant::now()));
                    }
                    error => break Ended::Client(error),
                },
                relayed = &mut relay => break Ended::Relayed(relayed),
            }
        }
    };
    match ended {
        Ended::Relayed(Ok(Relayed::Response(done))) => {
            let view = local.view();
            let wanted = Rc::ptr_eq(&view, plan.view) || view.wants(backend.address);
            if done.backend_keeps && progress.sent.get() && wanted {
                let until = Instant::now() + settings.timeouts.backend_keep_alive;
                local.pool.put(backend.address, upstream, until, settings.limits.idle_per_backend);
            }
            Attempted::Finished(if done.client_keeps && progress.sent.get() {
                After::Keep
            } else if progress.sent.get() {
                After::Close
            } else {
                After::Linger
            })
        }
        Ended::Relayed(Ok(Relayed::Switched)) => {
            add(&local.counters.tunnels, 1);
            trace.end = tunnel::run(connection, workspace, upstream, plan, backend).await;
            if matches!(trace.end, End::FailedOverInData | End::DrainTimeout) {
                count_aborted(counters);
            }
            Attempted::Finished(After::Close)
        }
        Ended::Relayed(Err(error)) => broken_relay(error, &progress, plan, reused, trace, backend, &local),
        Ended::Client(error) => client_failed(error, &progress, trace),
        Ended::Ordered(order) if progress.begun.get() => {
            trace.end = if order == Order::Kill { End::DrainTimeout } else { End::FailedOverInData };
            count_aborted(counters);
            Attempted::Finished(After::Reset)
        }
        Ended::Ordered(order) => obey(order, progress.touched.get() && !plan.request.replayable()),
    }
}

fn count_aborted(counters: Option<&BackendCounters>) {
    if let Some(counters) = counters {
        add(&counters.aborted, 1);
    }
}

fn write_head(connection: &Connection, workspace: &mut Workspace, plan: &Plan<'_>, service: &Service) {
    let Workspace { head, fields, to_backend, .. } = workspace;
    let cookie = service.cookie();
    let trusted = connection.client.is_trusted(&plan.view.snapshot.settings.trusted_proxies);
    let ours = request::Ours { client: &connection.client, trusted, passed: service.pass_fields, cookie };
    to_backend.clear();
    request::write(to_backend, head.filled(), plan.request, fields, ours);
}

/// What an error on the way back means.
fn broken_relay(
    error: RelayError,
    progress: &Progress,
    plan: &Plan<'_>,
    reused: bool,
    trace: &mut Trace,
    backend: &Backend,
    local: &Local,
) -> Attempted {
    let failure = match error {
        RelayError::NoResponse => Failure::new(502, End::BackendInHead),
        RelayError::Timeout => Failure::new(504, End::ResponseTimeout),
        RelayError::Malformed => Failure::new(502, End::MalformedResponse),
        RelayError::Client(end) => {
            trace.end = end;
            return Attempted::Finished(After::Close);
        }
        RelayError::Body { end, hide_end } => {
            trace.end = end;
            count_aborted(local.counters_of(backend));
            local.report_error(backend);
            return Attempted::Finished(if hide_end { After::Reset } else { After::Close });
        }
    };
    let unsent = !progress.touched.get() && !progress.body_taken.get();
    let again = error == RelayError::NoResponse && !progress.heard.get() && (unsent || plan.request.replayable());
    if again && reused {
        return Attempted::Stale;
    }
    local.report_error(backend);
    if again { Attempted::Elsewhere(failure) } else { Attempted::Failed(failure) }
}

/// What an error of the client's own means.
fn client_failed(error: SendError, progress: &Progress, trace: &mut Trace) -> Attempted {
    let (status, end) = match error {
        SendError::Gone if progress.sent.get() && !progress.begun.get() => (None, End::ClientInWait),
        SendError::Gone | SendError::Backend => (None, End::ClientInData),
        SendError::Idle => (Some(408), End::ClientBodyTimeout),
        SendError::BackendIdle => (Some(504), End::BackendBodyTimeout),
        SendError::Malformed => (Some(400), End::MalformedBody),
    };
    if progress.begun.get() {
        trace.end = end;
        return Attempted::Finished(After::Reset);
    }
    Attempted::Failed(Failure { status, end })
}
