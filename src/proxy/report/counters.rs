//! `GET /counters`: what the workers have counted of each service, in all.
//!
//! Must never: count anything itself; workers do.

use std::sync::atomic::Ordering::Relaxed;

use super::status::Live;
use crate::api::counters::{Counted, Counters, ProxyCounters, ServiceCounters as Answer, Unavailable};
use crate::daemon::clock::process;
use crate::daemon::metrics::histogram::{BOUNDS, Histogram, Measured};
use crate::proxy::control::State;
use crate::proxy::latch::Now;
use crate::proxy::service_counters::{CAUSES, CLASSES, ServiceCounters, name_of};
use crate::proxy::snapshot::{Backend, Front, FrontTarget, Snapshot};
use crate::proxy::traffic::termination::End;

/// All of it.
pub fn read(state: &State, live: &Live, now: Now) -> Counters {
    let snapshot = state.snapshot();
    let fronts = snapshot.fronts.iter().zip(snapshot.counted.iter());
    Counters {
        name: state.own.clone(),
        process: process().to_owned(),
        at_us: u64::try_from(now.running.as_micros()).unwrap_or(u64::MAX),
        of: Counted::Proxy(ProxyCounters {
            connections: live.connections as u64,
            requests: live.workers.iter().map(|worker| worker.requests.load(Relaxed)).sum(),
            bounds_us: BOUNDS.iter().map(|(nanos, _)| nanos / 1000).collect(),
            services: fronts
                .map(|(front, counted)| (front.name.to_string(), of_front(snapshot, front, counted)))
                .collect(),
        }),
    }
}

fn of_front(snapshot: &Snapshot, front: &Front, counted: &[ServiceCounters]) -> Answer {
    let backends = match &front.target {
        FrontTarget::Backends(place) => snapshot.services[*place].backends.as_slice(),
        FrontTarget::Own(_) => &[],
    };
    let responses = |class| counted.iter().map(|worker| worker.responses(class)).sum();
    let unavailable = unavailable(counted).filter(|(_, count)| *count > 0);
    Answer {
        running: backends.iter().map(Backend::running).sum(),
        responses: std::array::from_fn::<_, { CLASSES.len() }, _>(responses),
        backends_errors: counted.iter().map(ServiceCounters::backends_errors).sum(),
        unavailable: unavailable
            .map(|(cause, count)| (name_of(cause).to_owned(), Unavailable { count, words: words(cause).to_owned() }))
            .collect(),
        requests: buckets(counted, |worker| &worker.requests),
        waits: buckets(counted, |worker| &worker.waits),
        backends: buckets(counted, |worker| &worker.backends),
    }
}

/// How many of all workers' visitors were answered 503, by cause.
pub(super) fn unavailable(counted: &[ServiceCounters]) -> impl Iterator<Item = (Option<End>, u64)> {
    let mut causes = [(None, 0); CAUSES.len() + 1];
    for worker in counted {
        for (sum, (cause, count)) in causes.iter_mut().zip(worker.unavailable()) {
            *sum = (cause, sum.1 + count);
        }
    }
    causes.into_iter()
}

fn words(cause: Option<End>) -> &'static str {
    match cause {
        Some(End::Done) => "sent by the backend itself",
        Some(cause) => cause.cause(),
        None => "for other causes, or cut off",
    }
}

fn buckets(counted: &[ServiceCounters], histogram: impl Fn(&ServiceCounters) -> &Histogram) -> Vec<u64> {
    let mut measured = Measured::default();
    counted.iter().for_each(|worker| measured += histogram(worker).read());
    measured.buckets.to_vec()
}
