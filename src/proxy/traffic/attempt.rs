//! One attempt to have one backend serve a request: connect, send, pass the response on.
//!
//! Owns which connection of HTTP/1.1 a request goes over, and what becomes of it. The next backend is chosen by the caller.

use std::rc::Rc;

use tokio::time::Instant;

use super::connecting::connected;
use super::conversation::{Ended, pass_both_ways, write_head};
use super::counters::{Running, add};
use super::exchange::Exchange;
use super::http1::body::Framing;
use super::http1_backend::ResponseReader;
use super::http1_stream::Sink;
use super::http2_attempt;
use super::message::Length;
use super::outcome::Outcome;
use super::plan::Plan;
use super::progress::Progress;
use super::relay::Relayed;
use super::stream::Duplex;
use super::transport::Transport;
use super::upstream::{self, OwnConnection, Peer};
use super::workspace::BackendBuffers;
use crate::config::HttpVersion;
use crate::config::proxy::Reuse;

/// A connection to a backend.
struct BackendConnection {
    stream: Transport,
    peer: Peer,
    /// It was idle before.
    is_reused: bool,
    /// The backend knows by it who the visitor is.
    is_authenticated: bool,
}

/// Tries one backend.
pub async fn run(exchange: &mut Exchange<'_>, client: &mut impl Duplex, plan: Plan<'_>) -> Outcome {
    let counters = exchange.local.counters_of(plan.backend());
    let _running = Running::new(counters);
    exchange.entry.ask(plan.view, plan.service, plan.backend, true);
    let outcome = match plan.service().backend_version {
        HttpVersion::Http1 => match open(exchange, plan).await {
            Ok(connection) => converse(exchange, client, plan, connection).await,
            Err(outcome) => outcome,
        },
        // On the heap: an attempt over HTTP/1.1 has no room for it.
        HttpVersion::Http2 => Box::pin(http2_attempt::converse(exchange, client, plan)).await,
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
    let (service, backend) = (plan.service(), plan.backend());
    let peer = Peer::of(service, backend);
    let introduction = service.send_proxy.map(|version| upstream::introduction(version, exchange.client));
    let opening = upstream::connect(backend.address, introduction.as_deref(), service.backend_tls.as_deref());
    let stream = connected(exchange, plan, opening).await?;
    Ok(BackendConnection { stream, peer, is_reused: false, is_authenticated: false })
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
    client: &mut impl Duplex,
    plan: Plan<'_>,
    connection: BackendConnection,
) -> Outcome {
    let BackendConnection { mut stream, peer, is_reused, mut is_authenticated } = connection;
    let request = exchange.request.head;
    write_head(exchange, plan);
    let progress = Progress::default();
    let framing = if request.body == Length::Chunked { Framing::Chunked } else { Framing::Plain };
    let (source, socket) = stream.split();
    let ended = pass_both_ways(exchange, client, plan, &progress, |buffers| {
        let BackendBuffers { input, fields, output: gathered } = buffers;
        let touched = Some(&progress.touched);
        (Sink { socket, gathered, framing, touched, has_sent: false }, ResponseReader::new(source, input, fields))
    })
    .await;
    match ended {
        Ended::Relayed(Ok(Relayed::Response { backend_keeps: true, client_keeps })) if progress.sent.get() => {
            is_authenticated |= request.authenticates_connection || progress.authenticated.get();
            keep(exchange, plan, peer, stream, is_authenticated);
            Outcome::of_response(client_keeps, &progress)
        }
        Ended::Relayed(Ok(Relayed::Switched)) => Outcome::Switched(stream),
        ended => {
            exchange.local.warn_of_alert(plan.service(), plan.backend(), stream.last_alert().as_ref());
            ended.outcome(exchange, plan, &progress, is_reused)
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
