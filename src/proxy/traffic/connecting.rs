//! Waiting for a connection to a backend: within `timeouts.connect`, and as long as the backend may have the request.

use std::future::Future;

use tokio::time::Instant;

use super::exchange::Exchange;
use super::outcome::{Failure, Outcome};
use super::plan::Plan;
use super::progress::Progress;
use super::termination::End;
use super::upstream::ConnectError;

/// What `opening` comes to.
///
/// # Errors
///
/// What follows for the request from there being no connection.
pub async fn connected<T>(
    exchange: &mut Exchange<'_>,
    plan: Plan<'_>,
    opening: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, Outcome> {
    let Exchange { local, entry, backend_alarm, trace, .. } = exchange;
    let (service, backend) = (plan.service(), plan.backend());
    let began = Instant::now();
    let limit = began + plan.view.snapshot.settings.timeouts.connect;
    let failure = tokio::select! { biased;
        order = entry.order() => return Err(Outcome::of_order(order, &Progress::default(), true)),
        opened = opening => match opened {
            Ok(opened) => {
                trace.connected = Some(began.elapsed());
                return Ok(opened);
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
