//! A request to one backend and its response back, whichever version of HTTP the backend speaks.
//!
//! Both directions run at once in the connection's own task: a response may come before the request's body ends. What an
//! error means for the request is decided in [`super::outcome`].

use std::pin::pin;

use super::bounded::Bounded;
use super::counters::{add, count_aborted};
use super::exchange::Exchange;
use super::http1::request::{self, Vouched};
use super::inflight::Order;
use super::message::{ContentEdit, ResponseEdit};
use super::outcome::Outcome;
use super::plan::Plan;
use super::progress::Progress;
use super::relay::{self, RelayError, Relayed, ResponseSource};
use super::sending::{self, ClientSide, SendError};
use super::socket::IdleTimer;
use super::stream::{BodySink, Duplex};
use super::trace::CookieSeen;
use super::workspace::BackendBuffers;
use crate::config::proxy::RetryOn;
use crate::proxy::edge::headers::RequestEdit;

/// How the two directions ended.
pub enum Ended {
    /// The response did.
    Relayed(Result<Relayed, RelayError>),
    /// The request cannot go on.
    NotSent(SendError),
    /// The backend may not have it any more.
    Ordered(Order),
}

impl Ended {
    /// What follows, where nothing is left to be done with the connection. `is_reused`: it had carried requests before.
    pub fn outcome(self, exchange: &Exchange<'_>, plan: Plan<'_>, progress: &Progress, is_reused: bool) -> Outcome {
        let (local, request, backend) = (exchange.local, exchange.request.head, plan.backend());
        let counters = local.counters_of(backend);
        let retry = plan.service().connections.retry;
        match self {
            Ended::Relayed(Ok(Relayed::Response { client_keeps, .. })) => Outcome::of_response(client_keeps, progress),
            // Whoever lets a backend switch takes the connection before.
            Ended::Relayed(Ok(Relayed::Switched)) => Outcome::of_response(false, progress),
            Ended::Relayed(Err(error)) => {
                let outcome = Outcome::of_relay_error(error, progress, request.is_replayable(), is_reused, retry);
                if matches!(error, RelayError::Body { .. }) {
                    count_aborted(counters);
                }
                if !matches!(error, RelayError::Client(_)) && !matches!(outcome, Outcome::Stale) {
                    local.hasten_probe(backend);
                }
                outcome
            }
            Ended::NotSent(error) => Outcome::of_send_error(error, progress),
            Ended::Ordered(order) => {
                if progress.begun.get() {
                    count_aborted(counters);
                }
                Outcome::of_order(order, progress, request.is_replayable())
            }
        }
    }
}

/// Gathers the request's head for the backend, as HTTP/1.1 writes it, and counts the request.
pub fn write_head(exchange: &mut Exchange<'_>, plan: Plan<'_>) {
    let settings = &plan.view.snapshot.settings;
    let edge = plan.front().edge.as_ref().and_then(|edge| edge.request_headers.as_ref());
    let headers = edge.map(|edits| RequestEdit { edits, facts: exchange.facts(edits, plan.front(), settings) });
    let Exchange { local, request, client, buffers, granted, trace, .. } = exchange;
    if let Some(counters) = local.counters_of(plan.backend()) {
        add(&counters.requests, 1);
        if trace.cookie == CookieSeen::Valid {
            add(&counters.by_cookie, 1);
        }
    }
    let trusted = client.is_trusted(&settings.trusted_proxies);
    let service = plan.service();
    let via = settings.via.as_deref();
    let vouched = plan.front().edge.as_deref().map_or_else(Vouched::default, |edge| Vouched {
        user: trace.user.as_deref(),
        keeps_password: edge.keeps_password(),
        copied: edge.forward_auth.as_ref().map(|auth| &auth.copied),
        granted,
    });
    let passed = service.pass_fields;
    let (cookie, own_fields) = (service.cookie(), plan.backend().own_fields.as_deref());
    let edits = request::Edits { client, trusted, passed, own_fields, cookie, via, headers, vouched };
    buffers.clear();
    request::write(&mut buffers.output, request.bytes, request.head, request.fields, edits);
}

/// Runs both directions until the response is over, one of them fails, or an order comes. `backend`: its side of both, with this
/// memory.
pub async fn pass_both_ways<'x, S: BodySink, R: ResponseSource>(
    exchange: &'x mut Exchange<'_>,
    client: &mut impl Duplex,
    plan: Plan<'_>,
    progress: &Progress,
    backend: impl FnOnce(&'x mut BackendBuffers) -> (S, R),
) -> Ended {
    let settings = &plan.view.snapshot.settings;
    let transport = exchange.transport_security(plan.front(), settings);
    let scheme = exchange.client.scheme(exchange.request.head);
    let edits = plan.front().edge.as_ref().and_then(|edge| edge.response_headers.as_ref());
    let facts = edits.map(|edits| exchange.facts(edits, plan.front(), settings));
    let Exchange { local, entry, request, buffers, values, client_alarm, backend_alarm, trace, .. } = exchange;
    let headers = edits.zip(facts).map(|(edits, facts)| edits.applied(&facts, values));
    let (whole, request) = (*request, request.head);
    let address = plan.backend().address;
    let counters = local.counters_of(plan.backend());
    let idle = settings.timeouts.body_idle;
    let cookie = plan.service().cookie();
    let set_cookie = cookie.filter(|_| plan.set_cookie).map(|own| own.set(address, scheme.is_secure()));
    let content = ContentEdit::default();
    let edit = ResponseEdit { cookie, set_cookie: set_cookie.as_deref(), transport, headers, content };
    let compression = plan.front().edge.as_deref().and_then(|edge| edge.compression.as_ref());
    let (body, response) = client.split();
    let body = Bounded::new(body, plan.front().edge.as_deref(), plan.backend());
    let (sink, source) = backend(buffers);
    // From here on a request that cannot be replayed stays where it is.
    entry.ask(plan.view, plan.service, plan.backend, request.is_replayable());
    let send = sending::send(
        ClientSide { body, timer: IdleTimer { alarm: client_alarm, idle } },
        sink,
        sending::Task { request, progress, local, counters, half_is_gone: plan.service().connections.abort_on_close },
    );
    let mut task = relay::Task {
        request: whole,
        progress,
        settings,
        try_timeout: plan.service().connections.retry.try_timeout,
        retried: if plan.may_try_another { plan.service().connections.retry.on } else { RetryOn::NONE },
        counters,
        edit,
        compression,
        local,
        entry,
        trace,
    };
    let relay = relay::relay(source, IdleTimer { alarm: backend_alarm, idle }, response, &mut task);
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
