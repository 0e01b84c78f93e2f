//! An attempt on a backend that speaks HTTP/2: a stream among others on one of the worker's connections.

use http::uri::Scheme;

use super::connecting::connected;
use super::conversation::{Ended, pass_both_ways, write_head};
use super::exchange::Exchange;
use super::http2::backend;
use super::http2_backend::{RequestWriter, ResponseReader};
use super::http2_upstream::Place;
use super::outcome::{Failure, Outcome};
use super::plan::Plan;
use super::progress::Progress;
use super::stream::Duplex;
use super::termination::End;
use super::upstream::{self, Peer};

/// Sends the request on a stream of its own, and passes the response on.
pub async fn converse(exchange: &mut Exchange<'_>, client: &mut impl Duplex, plan: Plan<'_>) -> Outcome {
    let (service, backend) = (plan.service(), plan.backend());
    if exchange.request.head.upgrade {
        // HTTP/2 has no upgrade (RFC 9113, 8.6).
        return Outcome::Failed(Failure::new(501, End::Refused));
    }
    let local = exchange.local;
    let open = async || upstream::connect(backend.address, None, service.backend_tls.as_deref()).await;
    let placing = local.http2.place(Peer::of(service, backend), open);
    let place: Place = match connected(exchange, plan, placing).await {
        Ok(place) => place,
        Err(outcome) => return outcome,
    };
    // The second time it is the backend's failure, whatever connection it was.
    let is_reused = place.is_reused && !plan.afresh;
    write_head(exchange, plan);
    let scheme = if service.backend_tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
    let request = backend::request(&exchange.buffers.output, scheme, &backend.address.to_string());
    exchange.buffers.output.clear();
    let Some(request) = request else { return Outcome::Failed(Failure::new(400, End::Refused)) };
    let has_ended = exchange.request.head.has_no_body();
    let progress = Progress::default();
    let last_alert = place.last_alert();
    let Ok((future, stream)) = place.send(request, has_ended) else {
        local.warn_of_alert(service, backend, last_alert.as_ref());
        let failure = Failure::new(503, End::NoBackend);
        return if is_reused { Outcome::Stale } else { Outcome::TryAnother(failure) };
    };
    progress.touched.set(true);
    let ended = pass_both_ways(exchange, client, plan, &progress, |buffers| {
        let writer = RequestWriter::new(stream, &mut buffers.output, has_ended);
        (writer, ResponseReader::new(future, place, &mut buffers.fields))
    })
    .await;
    local.warn_of_alert(service, backend, last_alert.as_ref());
    Ended::outcome(ended, exchange, plan, &progress, is_reused)
}
