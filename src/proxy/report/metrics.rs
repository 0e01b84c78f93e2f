//! The proxy's metrics (Prometheus text).
//!
//! Owns their names. Must never: count anything itself; workers and control do. Called by `admin` for `GET /metrics`.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::status::Live;
use crate::daemon::metrics::Page;
use crate::daemon::operator::OperatorState;
use crate::health::Verdict;
use crate::proxy::control::State;
use crate::proxy::latch::Now;
use crate::proxy::snapshot::{Backend, BackendCounters, Service};
use crate::proxy::traffic::counters::WorkerCounters;

/// The counts of the control thread itself.
#[derive(Debug, Default, Clone, Copy)]
pub struct ControlCounts {
    /// Reloads that took effect.
    pub reloads: u64,
    /// Reloads refused.
    pub reloads_refused: u64,
}

type BackendValue = fn(&Backend) -> u64;
type WorkerValue = fn(&WorkerCounters) -> &AtomicU64;

const BACKENDS: [(&str, &str, &str, BackendValue); 9] = [
    ("polder_backend_up", "gauge", "1 if checks say up.", |backend| (backend.verdict == Verdict::Up).into()),
    ("polder_backend_running", "gauge", "Requests running now.", Backend::running),
    ("polder_backend_weight", "gauge", "Its share.", |backend| backend.weight.into()),
    ("polder_backend_requests_total", "counter", "Requests sent.", |backend| sum(backend, |slot| &slot.requests)),
    ("polder_backend_failed_attempts_total", "counter", "Attempts that failed before the response began.", |backend| {
        sum(backend, |slot| &slot.failed_attempts)
    }),
    ("polder_backend_aborted_total", "counter", "Responses cut short after they had begun.", |backend| {
        sum(backend, |slot| &slot.aborted)
    }),
    ("polder_backend_sent_bytes_total", "counter", "Bytes of bodies to the backend.", |backend| {
        sum(backend, |slot| &slot.bytes_out)
    }),
    ("polder_backend_received_bytes_total", "counter", "Bytes of bodies from the backend.", |backend| {
        sum(backend, |slot| &slot.bytes_in)
    }),
    ("polder_backend_backup", "gauge", "1 if it is a backup.", |backend| backend.backup.into()),
];

const WORKERS: [(&str, &str, WorkerValue); 11] = [
    ("polder_connections_accepted_total", "Connections accepted.", |worker| &worker.accepted),
    ("polder_connections_refused_total", "Connections refused at limits.connections.", |worker| &worker.refused),
    (
        "polder_connections_refused_by_address_total",
        "Connections refused at limits.connections_per_address.",
        |worker| &worker.refused_by_address,
    ),
    ("polder_connections_evicted_total", "Connections closed for the sake of new ones.", |worker| &worker.evicted),
    ("polder_requests_total", "Requests read.", |worker| &worker.requests),
    ("polder_requests_malformed_total", "Requests refused as malformed.", |worker| &worker.malformed),
    ("polder_requests_unrouted_total", "Requests for which no service is known (404).", |worker| &worker.unrouted),
    ("polder_requests_unavailable_total", "Requests for which no backend was usable (503).", |worker| {
        &worker.unavailable
    }),
    ("polder_retries_total", "Attempts made again elsewhere.", |worker| &worker.retries),
    ("polder_requests_waited_total", "Requests that waited for a verdict.", |worker| &worker.waited),
    ("polder_tunnels_total", "Tunnels opened.", |worker| &worker.tunnels),
];

/// The whole page.
pub fn page(state: &State, live: &Live, counts: ControlCounts, now: Now) -> String {
    let mut page = Page::default();
    daemon(&mut page, state, live, counts);
    waiting(&mut page, state);
    backends(&mut page, state);
    latches(&mut page, state, now);
    for (name, help, value) in WORKERS {
        page.metric(name, "counter", help);
        for (index, worker) in live.workers.iter().enumerate() {
            page.sample(name, &[("worker", &index.to_string())], value(worker).load(Relaxed));
        }
    }
    page.finish()
}

fn daemon(page: &mut Page, state: &State, live: &Live, counts: ControlCounts) {
    let snapshot = state.snapshot();
    let mut one = |name: &str, kind: &str, help: &str, value: u64| {
        page.metric(name, kind, help);
        page.sample(name, &[], value);
    };
    one("polder_generation", "gauge", "The snapshot's generation.", snapshot.generation);
    one("polder_ready", "gauge", "1 if /.polder/ready answers 200.", snapshot.ready.into());
    one("polder_connections", "gauge", "Clients' connections now.", live.connections as u64);
    one(
        "polder_state_unwritten",
        "gauge",
        "1 if a latch or an operator's word is not on disk.",
        state.is_unwritten().into(),
    );
    one(
        "polder_access_log_dropped_total",
        "counter",
        "Lines of the access log that could not be kept.",
        live.log_lines_dropped,
    );
    one("polder_reloads_total", "counter", "Reloads that took effect.", counts.reloads);
    one("polder_reloads_refused_total", "counter", "Reloads refused.", counts.reloads_refused);
}

fn waiting(page: &mut Page, state: &State) {
    page.metric("polder_requests_waiting", "gauge", "Requests that wait for a verdict or a held latch now.");
    for service in &state.snapshot().services {
        page.sample("polder_requests_waiting", &[("service", &service.name)], service.waiting.load(Relaxed));
    }
}

fn backends(page: &mut Page, state: &State) {
    let all = || {
        let services = state.snapshot().services.iter();
        services.flat_map(|service| service.backends.iter().map(move |backend| (service, backend)))
    };
    for (name, kind, help, value) in BACKENDS {
        page.metric(name, kind, help);
        for (service, backend) in all() {
            page.sample(name, &labels(service, backend), value(backend));
        }
    }
    page.metric("polder_backend_operator", "gauge", "1 for what the operator says.");
    for (service, backend) in all() {
        for said in [OperatorState::Ready, OperatorState::Drain, OperatorState::Maint] {
            let [service, name] = labels(service, backend);
            let labels = [service, name, ("state", &said.to_string())];
            page.sample("polder_backend_operator", &labels, u8::from(backend.operator == said));
        }
    }
    page.metric("polder_backend_responses_total", "counter", "Responses by class.");
    for (service, backend) in all() {
        for (class, name) in ["1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().enumerate() {
            let [service, backend_name] = labels(service, backend);
            let labels = [service, backend_name, ("class", name)];
            page.sample("polder_backend_responses_total", &labels, sum(backend, |slot| &slot.responses[class]));
        }
    }
    page.metric("polder_check_changes_total", "counter", "Changes of what checks say.");
    for (service, backend) in all() {
        let changes = state.health.get(&*backend.target).map_or(0, |health| health.changes);
        page.sample("polder_check_changes_total", &labels(service, backend), changes);
    }
}

fn latches(page: &mut Page, state: &State, now: Now) {
    let latched = || {
        let services = state.prepared.services.iter().filter(|service| service.rules().is_some());
        services.filter_map(|service| Some((&*service.name, state.latches.get(&service.name)?)))
    };
    page.metric("polder_latch_epoch", "gauge", "The latch's epoch; absent while undecided.");
    for (service, latch) in latched().filter_map(|(service, keeper)| Some((service, keeper.latch()?))) {
        page.sample("polder_latch_epoch", &[("service", service)], latch.epoch);
    }
    page.metric("polder_latch_active", "gauge", "1 for the active backend.");
    for (service, keeper) in latched() {
        for backend in state.prepared.service(service).into_iter().flat_map(|service| &service.backends) {
            let active = keeper.latch().is_some_and(|latch| *latch.active == *backend.name);
            page.sample("polder_latch_active", &[("service", service), ("backend", &backend.name)], u8::from(active));
        }
    }
    page.metric("polder_latch_undecided", "gauge", "1 if the latch was lost and nobody has decided.");
    for (service, keeper) in latched() {
        page.sample("polder_latch_undecided", &[("service", service)], u8::from(keeper.latch().is_none()));
    }
    page.metric("polder_latch_differs", "gauge", "Services whose latch differs at this peer for more than a moment.");
    for (peer, words) in &state.peers {
        page.sample("polder_latch_differs", &[("peer", peer)], words.differing(now).len());
    }
    page.metric("polder_peer_values_refused_total", "counter", "What this peer said beyond the bounds.");
    for (peer, words) in &state.peers {
        page.sample("polder_peer_values_refused_total", &[("peer", peer)], words.untaken());
    }
}

fn labels<'a>(service: &'a Service, backend: &'a Backend) -> [(&'a str, &'a str); 2] {
    [("service", &service.name), ("backend", &backend.name)]
}

fn sum(backend: &Backend, count: impl Fn(&BackendCounters) -> &AtomicU64) -> u64 {
    backend.counters.iter().map(|slot| count(slot).load(Relaxed)).sum()
}
