//! Who is asked: the server of its own, or the backends of a service, one after the other until one has answered.
//!
//! A question does nothing, so that it may be asked twice: unlike a request it goes on to the next backend after any failure.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::asking::{self, Answered, AskError};
use crate::config::proxy::AuthServer;
use crate::proxy::choose::{Choice, RequestFacts, choose};
use crate::proxy::edge::drops::Drops;
use crate::proxy::edge::own_fields::normal;
use crate::proxy::snapshot::{Backend, Service};
use crate::proxy::traffic::alarm::Alarm;
use crate::proxy::traffic::counters::{Running, add};
use crate::proxy::traffic::http1::question::Question;
use crate::proxy::traffic::local::Local;
use crate::proxy::traffic::queueing::Queued;
use crate::proxy::traffic::upstream::{self, ConnectError, Peer};
use crate::proxy::traffic::view::View;
use crate::running_time::running;

/// Asks. Whoever waits for it has a time limit.
pub async fn ask(local: &Local, view: &View, question: Question<'_>) -> Result<Answered, AskError> {
    match &question.auth.server {
        AuthServer::Address(address) => {
            let open = upstream::connect(*address, None, None);
            let question = question.written(own_fields(view, *address));
            asking::ask(local, &view.snapshot.settings, Peer::in_clear(*address), open, &question).await
        }
        AuthServer::Service(name) => match view.snapshot.place_of(name) {
            Some(place) => ask_service(local, view, place, question).await,
            // The document's reader has seen to it that there is one.
            None => Err(AskError::Unreachable),
        },
    }
}

/// By what a backend at this address is told who visitors are, if there is one.
fn own_fields(view: &View, address: SocketAddr) -> Option<&Drops> {
    let mut backends = view.snapshot.services.iter().flat_map(|service| &service.backends);
    let backend = backends.find(|backend| normal(backend.address) == normal(address))?;
    backend.own_fields.as_deref()
}

/// Asks the backends that the service would choose for a new visitor, until one has answered.
async fn ask_service(local: &Local, view: &View, place: usize, question: Question<'_>) -> Result<Answered, AskError> {
    let service = &view.snapshot.services[place];
    let (mut tried, mut failure) = (0_u128, AskError::Unreachable);
    loop {
        let now = if service.slow_start.is_some() { running() } else { Duration::ZERO };
        let facts = RequestFacts { tried, now, ..RequestFacts::default() };
        let choice = choose(service, facts, &mut view.balances[place].borrow_mut(), fastrand::u64(..));
        // Nobody waits for a verdict or for a slot: the visitor may come again.
        let Choice::Use { backend: index, .. } = choice else { return Err(failure) };
        tried |= 1 << index;
        let backend = &service.backends[index];
        if !view.may_act_on(service, index, running()) {
            local.hasten_probe(backend);
            continue;
        }
        let Some(_slot) = Queued::default().take(service, index) else { continue };
        match ask_backend(local, view, service, backend, question).await {
            Err(error) => failure = error,
            answered => return answered,
        }
    }
}

/// Asks one of them, within the service's `try_timeout`.
async fn ask_backend(
    local: &Local,
    view: &View,
    service: &Service,
    backend: &Backend,
    question: Question<'_>,
) -> Result<Answered, AskError> {
    let counters = local.counters_of(backend);
    let _running = Running::new(counters);
    let open = async {
        let opened = upstream::connect(backend.address, None, service.backend_tls.as_deref()).await;
        opened.inspect_err(|error| {
            if let ConnectError::Handshake(error) = error {
                local.warn_of_handshake(service, backend, error);
            }
        })
    };
    let question = question.written(backend.own_fields.as_deref());
    let mut alarm = Alarm::default();
    let too_late = async {
        match service.connections.retry.try_timeout {
            Some(limit) => alarm.wait(Instant::now() + limit).await,
            None => std::future::pending().await,
        }
    };
    let answered = tokio::select! { biased;
        answered = asking::ask(local, &view.snapshot.settings, Peer::of(service, backend), open, &question) => answered,
        () = too_late => Err(AskError::TimedOut),
    };
    if let Some(counters) = counters {
        add(&counters.requests, 1);
        match &answered {
            Ok(answered) => add(&counters.responses[usize::from(answered.head.status / 100 - 1)], 1),
            Err(_) => add(&counters.failed_attempts, 1),
        }
    }
    if answered.is_err() {
        local.hasten_probe(backend);
    }
    answered
}
