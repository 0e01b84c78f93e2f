//! One attempt to have one backend serve a request: connect, send, pass the response on.
//!
//! Both directions run at once in the connection's own task: a response may come before the request's body ends. What an
//! error means for the request is decided in [`super::outcome`]; the next backend is chosen by the caller.

use std::pin::pin;
use std::rc::Rc;

use tokio::time::Instant;

use super::counters::{Running, add, count_aborted};
use super::exchange::Exchange;
use super::http1::body::Framing;
use super::http1::request;
use super::http1_stream::Sink;
use super::inflight::Order;
use super::message::{CookieEdit, Length, TransportSecurity};
use super::outcome::{Failure, Outcome};
use super::progress::Progress;
use super::relay::{self, BackendSide, RelayError, Relayed};
use super::sending::{self, ClientSide, SendError};
use super::socket::IdleTimer;
use super::stream::ClientStream;
use super::termination::End;
use super::transport::Transport;
use super::upstream::{self, ConnectError, OwnConnection, Peer};
use super::view::View;
use crate::config::proxy::Reuse;
use crate::proxy::snapshot::{Backend, Service};

/// Which backend is to be tried, and how.
#[derive(Clone, Copy)]
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
}

impl<'p> Plan<'p> {
    fn service(&self) -> &'p Service {
        &self.view.snapshot.services[self.service]
    }

    fn backend(&self) -> &'p Backend {
        &self.service().backends[self.backend]
    }
}

/// A connection to a backend.
struct BackendConnection {
    stream: Transport,
    peer: Peer,
    /// It was idle before.
    is_reused: bool,
    /// The backend knows by it who the visitor is.
    is_authenticated: bool,
}

/// How the two directions ended.
enum Ended {
    Relayed(Result<Relayed, RelayError>),
    NotSent(SendError),
    Ordered(Order),
}

/// Tries one backend.
pub async fn run(exchange: &mut Exchange<'_>, client: &mut impl ClientStream, plan: Plan<'_>) -> Outcome {
    let counters = exchange.local.counters_of(plan.backend());
    let _running = Running::new(counters);
    exchange.entry.ask(plan.view, plan.service, plan.backend, true);
    let outcome = match open(exchange, plan).await {
        Ok(connection) => converse(exchange, client, plan, connection).await,
        Err(outcome) => outcome,
    };
    if let Some(counters) = counters
        && let Outcome::TryAnother(failure) | Outcome::Failed(failure) = outcome
        && failure.end.is_backends()
    {
        add(&counters.failed_attempts, 1);
    }
    outcome
}

/// Takes an idle connection to the backend, or opens one.
async fn open(exchange: &mut Exchange<'_>, plan: Plan<'_>) -> Result<BackendConnection, Outcome> {
    if !plan.afresh
        && let Some(connection) = take_idle(exchange, plan)
    {
        exchange.trace.connected = Some(Default::default());
        return Ok(connection);
    }
    let Exchange { local, entry, backend_alarm, trace, .. } = exchange;
    let (service, backend) = (plan.service(), plan.backend());
    let peer = Peer::of(service, backend);
    let began = Instant::now();
    let limit = began + plan.view.snapshot.settings.timeouts.connect;
    let failure = tokio::select! { biased;
        order = entry.order() => return Err(Outcome::of_order(order, &Progress::default(), true)),
        opened = upstream::connect(backend.address, service.backend_tls.as_deref()) => match opened {
            Ok(stream) => {
                trace.connected = Some(began.elapsed());
                return Ok(BackendConnection { stream, peer, is_reused: false, is_authenticated: false });
            }
            Err(ConnectError::OutOfResources) => {
                return Err(Outcome::TryAnother(Failure::new(503, End::OutOfResources)));
            }
            Err(ConnectError::Refused) => Failure::new(503, End::NoBackend),
            Err(ConnectError::Handshake(error)) => {
                local.warn_of_handshake(service, backend, &error);
                Failure::new(503, End::NoBackend)
            }
        },
        () = backend_alarm.wait(limit) => Failure::new(504, End::ConnectTimeout),
    };
    local.hasten_probe(backend);
    Err(Outcome::TryAnother(failure))
}

/// The visitor's own connection to the backend, or else one of the pool, if the service shares connections.
fn take_idle(exchange: &mut Exchange<'_>, plan: Plan<'_>) -> Option<BackendConnection> {
    let peer = Peer::of(plan.service(), plan.backend());
    let surely = !exchange.request.head.is_replayable();
    // One that nobody has to recognise him by is closed before he gets another one: he never holds more than two descriptors.
    exchange.own.take_if(|own| own.peer != peer && !(own.is_authenticated && plan.view.wants(own.peer)));
    let reuse = plan.service().connections.reuse;
    // What a service that shares no connection has opened never comes to the pool by way of one that does.
    let may_have = |own: &OwnConnection| own.peer == peer && (own.is_authenticated || reuse == Reuse::Never);
    if let Some(own) = exchange.own.take_if(|own| may_have(own))
        && upstream::is_open(&own.stream, surely)
    {
        let OwnConnection { stream, is_authenticated, .. } = own;
        return Some(BackendConnection { stream, peer, is_reused: true, is_authenticated });
    }
    let may_share = match reuse {
        Reuse::Never => false,
        Reuse::Safe => !exchange.is_first,
        Reuse::Always => true,
    };
    let stream = may_share.then(|| exchange.local.pool.take(peer, surely)).flatten()?;
    Some(BackendConnection { stream, peer, is_reused: true, is_authenticated: false })
}

/// Sends the request and passes the response on.
async fn converse(
    exchange: &mut Exchange<'_>,
    client: &mut impl ClientStream,
    plan: Plan<'_>,
    connection: BackendConnection,
) -> Outcome {
    let BackendConnection { mut stream, peer, is_reused, mut is_authenticated } = connection;
    let backend = plan.backend();
    let (local, request) = (exchange.local, exchange.request.head);
    let counters = local.counters_of(backend);
    if let Some(counters) = counters {
        add(&counters.requests, 1);
    }
    write_head(exchange, plan);
    let progress = Progress::default();
    let ended = pass_both_ways(exchange, client, plan, &mut stream, &progress).await;
    match ended {
        Ended::Relayed(Ok(Relayed::Response { backend_keeps, client_keeps })) => {
            if backend_keeps && progress.sent.get() {
                is_authenticated |= request.authenticates_connection || progress.authenticated.get();
                keep(exchange, plan, peer, stream, is_authenticated);
            }
            Outcome::of_response(client_keeps, &progress)
        }
        Ended::Relayed(Ok(Relayed::Switched)) => Outcome::Switched(stream),
        Ended::Relayed(Err(error)) => {
            let outcome = Outcome::of_relay_error(error, &progress, request.is_replayable(), is_reused);
            if matches!(error, RelayError::Body { .. }) {
                count_aborted(counters);
            }
            if !matches!(error, RelayError::Client(_)) && !matches!(outcome, Outcome::Stale) {
                local.hasten_probe(backend);
            }
            outcome
        }
        Ended::NotSent(error) => Outcome::of_send_error(error, &progress),
        Ended::Ordered(order) => {
            if progress.begun.get() {
                count_aborted(counters);
            }
            Outcome::of_order(order, &progress, request.is_replayable())
        }
    }
}

/// Gathers the request's head for the backend.
fn write_head(exchange: &mut Exchange<'_>, plan: Plan<'_>) {
    let Exchange { request, client, buffers, .. } = exchange;
    let trusted = client.is_trusted(&plan.view.snapshot.settings.trusted_proxies);
    let service = plan.service();
    let via = plan.view.snapshot.settings.via.as_deref();
    let edits = request::Edits { client, trusted, passed: service.pass_fields, cookie: service.cookie(), via };
    buffers.clear();
    request::write(&mut buffers.output, request.bytes, request.head, request.fields, edits);
}

/// Runs both directions until the response is over, one of them fails, or an order comes.
async fn pass_both_ways(
    exchange: &mut Exchange<'_>,
    client: &mut impl ClientStream,
    plan: Plan<'_>,
    stream: &mut Transport,
    progress: &Progress,
) -> Ended {
    let settings = &plan.view.snapshot.settings;
    let transport = match &plan.service().https.hsts {
        None => TransportSecurity::Backends,
        Some(hsts) if exchange.came_securely(settings) => TransportSecurity::Own(hsts),
        // RFC 6797, 7.2.
        Some(_) => TransportSecurity::None,
    };
    let Exchange { local, entry, request, buffers, client_alarm, backend_alarm, trace, .. } = exchange;
    let (whole, request) = (*request, request.head);
    let backend = plan.backend();
    let counters = local.counters_of(backend);
    let idle = settings.timeouts.body_idle;
    let own = plan.service().cookie();
    let set = own.filter(|_| plan.set_cookie).map(|own| own.set(backend.address, request.scheme.is_secure()));
    let cookie = CookieEdit { own, set: set.as_deref(), transport };
    let (body, response) = client.split();
    let (source, sink) = stream.split();
    // From here on a request that cannot be replayed stays where it is.
    entry.ask(plan.view, plan.service, plan.backend, request.is_replayable());
    let framing = if request.body == Length::Chunked { Framing::Chunked } else { Framing::Plain };
    let send = sending::send(
        ClientSide { body, timer: IdleTimer { alarm: client_alarm, idle } },
        Sink {
            socket: sink,
            gathered: &mut buffers.output,
            framing,
            touched: Some(&progress.touched),
            has_sent: false,
        },
        sending::Task { request, progress, counters, half_is_gone: plan.service().connections.abort_on_close },
    );
    let timer = IdleTimer { alarm: backend_alarm, idle };
    let relay = relay::relay(
        BackendSide { source, input: &mut buffers.input, fields: &mut buffers.fields, timer },
        response,
        relay::Task { request: whole, progress, settings, counters, cookie, local, entry, trace },
    );
    let (mut send, mut relay) = (pin!(send), pin!(relay));
    let mut is_sending = true;
    loop {
        tokio::select! { biased;
            order = entry.order() => return Ended::Ordered(order),
            error = &mut send, if is_sending => match error {
                // Its response may be on its way all the same.
                SendError::BackendClosed => {
                    is_sending = false;
                    progress.begin_to_owe();
                }
                error => return Ended::NotSent(error),
            },
            relayed = &mut relay => return Ended::Relayed(relayed),
        }
    }
}

/// Keeps the backend's connection for another request, unless the backend may get none any more: for this visitor's next one, or
/// for anybody's.
fn keep(exchange: &mut Exchange<'_>, plan: Plan<'_>, peer: Peer, stream: Transport, is_authenticated: bool) {
    let settings = &plan.view.snapshot.settings;
    let view = exchange.local.view();
    if !Rc::ptr_eq(&view, plan.view) && !view.wants(peer) {
        return;
    }
    if is_authenticated || plan.service().connections.reuse == Reuse::Never {
        *exchange.own = Some(OwnConnection { peer, stream, is_authenticated });
    } else {
        let until = Instant::now() + settings.timeouts.backend_keep_alive;
        exchange.local.pool.put(peer, stream, until, settings.capacity.idle_per_backend);
    }
}
