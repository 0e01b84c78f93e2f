//! Requests that wait: how many may for a verdict, and what ends it for one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::Instant;

use super::alarm::Alarm;
use super::exchange::Exchange;
use super::inflight::{Order, Phase};
use super::outcome::Failure;
use super::socket::IdleTimer;
use super::stream::{BodySource, ClientStream};
use super::termination::End;
use super::view::View;
use crate::proxy::snapshot::Service;

/// A place among the requests of a service that wait for a verdict.
pub struct Wait {
    /// When it joined them.
    pub began: Instant,
    waiting: Arc<AtomicUsize>,
}

impl Wait {
    /// Joins them, if fewer than `most` wait.
    pub fn begin(service: &Service, most: usize) -> Result<Wait, Failure> {
        let waiting = Arc::clone(&service.waiting);
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        let wait = Wait { began: Instant::now(), waiting };
        if before >= most { Err(Failure::new(503, End::QueueFull)) } else { Ok(wait) }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Exchange<'_> {
    /// Holds the request until then, or until there is a new snapshot.
    pub async fn hold(
        &mut self,
        client: &mut impl ClientStream,
        view: &View,
        service: &Service,
        until: Instant,
    ) -> Result<(), Failure> {
        let passed = async |alarm: &mut Alarm| {
            alarm.wait(until).await;
            Ok(())
        };
        self.hold_for(client, (view, service), End::ClientInQueue, passed).await.map(|_| ())
    }

    /// Holds the request until what it waits for has come; `None`: until there is a new snapshot. `gone`: how it ends if the client leaves.
    pub async fn hold_for<T>(
        &mut self,
        client: &mut impl ClientStream,
        (view, service): (&View, &Service),
        gone: End,
        awaited: impl AsyncFnOnce(&mut Alarm) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        let entered = Instant::now();
        self.entry.enter(Phase::Waiting);
        let mut timer = IdleTimer { alarm: self.client_alarm, idle: view.snapshot.settings.timeouts.body_idle };
        let (mut body, _response) = client.split();
        let come = tokio::select! { biased;
            order = self.entry.order() => match order {
                Order::Kill => Err(Failure::new(503, End::DrainTimeout)),
                _ => Ok(None),
            },
            come = awaited(self.backend_alarm) => come.map(Some),
            () = body.closed(&mut timer, || service.connections.abort_on_close) => Err(Failure::of_gone_client(gone)),
        };
        self.entry.leave();
        self.trace.waited = Some(self.trace.waited.unwrap_or_default() + entered.elapsed());
        come
    }
}
