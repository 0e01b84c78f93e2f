//! The proxy's metrics.
//!
//! Must never: count anything itself; workers and control do. Called by `admin` for `GET /metrics`.

mod agreement;
pub mod families;

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use self::families::*;
use super::counters;
use super::status::{Live, alarms};
use crate::acme::metrics as certificates;
use crate::api::daemon::Daemon;
use crate::api::operator::OperatorState;
use crate::config::proxy::Algorithm;
use crate::daemon::metrics::Scrape;
use crate::daemon::metrics::common::Common;
use crate::daemon::metrics::exposition::Page;
use crate::daemon::metrics::family::Family;
use crate::daemon::metrics::histogram::{Histogram, Measured};
use crate::health::Verdict;
use crate::proxy::control::State;
use crate::proxy::edge::rate_limit::Whose;
use crate::proxy::latch::Now;
use crate::proxy::queue::Event;
use crate::proxy::service_counters::{CLASSES, ServiceCounters, name_of};
use crate::proxy::snapshot::{Backend, BackendCounters, Service};
use crate::proxy::traffic::counters::{CompressionCounters, WorkerCounters};

const QUEUES: [(Family, Event); 3] =
    [(REQUESTS_QUEUED, Event::Joined), (QUEUE_REFUSED, Event::Refused), (QUEUE_TIMEOUTS, Event::TimedOut)];

type BackendValue = fn(&Backend) -> u64;
type WorkerValue = fn(&WorkerCounters) -> &AtomicU64;
type ServiceTime = fn(&ServiceCounters) -> &Histogram;
type CompressionValue = fn(&CompressionCounters) -> &AtomicU64;

const BACKENDS: [(Family, BackendValue); 9] = [
    (BACKEND_REQUESTS_RUNNING, Backend::running),
    (BACKEND_WEIGHT, |backend| backend.weight.into()),
    (BACKEND_BACKUP, |backend| backend.backup.into()),
    (BACKEND_REQUESTS, |backend| sum(backend, |slot| &slot.requests)),
    (BACKEND_REQUESTS_BY_COOKIE, Backend::requests_by_cookie),
    (BACKEND_ATTEMPTS_FAILED, |backend| sum(backend, |slot| &slot.failed_attempts)),
    (BACKEND_RESPONSES_ABORTED, |backend| sum(backend, |slot| &slot.aborted)),
    (BACKEND_SENT_BYTES, |backend| sum(backend, |slot| &slot.bytes_out)),
    (BACKEND_RECEIVED_BYTES, |backend| sum(backend, |slot| &slot.bytes_in)),
];

const SERVICE_TIMES: [(Family, ServiceTime); 3] = [
    (REQUEST_DURATION, |service| &service.requests),
    (REQUEST_WAIT, |service| &service.waits),
    (BACKEND_RESPONSE, |service| &service.backends),
];

const COMPRESSION: [(Family, CompressionValue); 3] = [
    (COMPRESSIONS, |of| &of.responses),
    (COMPRESSION_IN_BYTES, |of| &of.bytes_in),
    (COMPRESSION_OUT_BYTES, |of| &of.bytes_out),
];

const WORKERS: &[(Family, WorkerValue)] = &[
    (CONNECTIONS_ACCEPTED, |worker| &worker.accepted),
    (CONNECTIONS_REFUSED, |worker| &worker.refused),
    (CONNECTIONS_REFUSED_BY_ADDRESS, |worker| &worker.refused_by_address),
    (CONNECTIONS_EVICTED, |worker| &worker.evicted),
    (PROXY_PROTOCOL_HEADERS, |worker| &worker.proxy_headers),
    (PROXY_PROTOCOL_REFUSED, |worker| &worker.proxy_headers_refused),
    (TLS_HANDSHAKES, |worker| &worker.handshakes),
    (TLS_HANDSHAKES_RESUMED, |worker| &worker.handshakes_resumed),
    (TLS_HANDSHAKES_EVICTED, |worker| &worker.handshakes_evicted),
    (TLS_HANDSHAKES_FAILED, |worker| &worker.handshakes_failed),
    (TLS_CLIENT_CERTIFICATES_REFUSED, |worker| &worker.untrusted_certificates),
    (REQUESTS_WITHOUT_CERTIFICATE, |worker| &worker.without_certificate),
    (HTTP2_CONNECTIONS, |worker| &worker.http2_connections),
    (HTTP2_FLOODS, |worker| &worker.http2_floods),
    (REQUESTS, |worker| &worker.requests),
    (PROBES, |worker| &worker.probes),
    (HTTP2_REQUESTS, |worker| &worker.http2_requests),
    (REQUESTS_MALFORMED, |worker| &worker.malformed),
    (REQUESTS_UNROUTED, |worker| &worker.unrouted),
    (REQUESTS_UNAVAILABLE, |worker| &worker.unavailable),
    (REQUESTS_REDIRECTED, |worker| &worker.redirected),
    (REQUESTS_ANSWERED, |worker| &worker.answered),
    (REQUESTS_FOR_FILES, |worker| &worker.files),
    (FILES_FAILED, |worker| &worker.files_failed),
    (ERROR_PAGES, |worker| &worker.error_pages),
    (REQUESTS_RETRIED, |worker| &worker.retries),
    (HEDGES, |worker| &worker.hedges),
    (HEDGES_LEFT_OUT, |worker| &worker.hedges_left_out),
    (HEDGES_WON, |worker| &worker.hedges_won),
    (REQUESTS_WAITED, |worker| &worker.waited),
    (COMPRESSIONS_LEFT_OUT, |worker| &worker.compressions_left_out),
    (TUNNELS_OPENED, |worker| &worker.tunnels),
    (SPLICED_BYTES, |worker| &worker.spliced_bytes),
];

/// The whole page.
pub fn page(state: &State, live: &Live, now: Now, scrape: &Scrape) -> String {
    let mut page = Page::new(Daemon::Proxy, scrape.format);
    let snapshot = state.snapshot();
    let common = Common {
        uptime: now.running,
        generation: snapshot.generation,
        ready: snapshot.ready,
        alarms: alarms(state, live, now).len(),
        state_unwritten: state.is_unwritten(),
        shell: &live.shell,
        rejected: state.peers.iter().map(|(peer, words)| (peer.as_str(), words.refused())).collect(),
    };
    common.write(&mut page, scrape);
    page.metric(CONNECTIONS).sample(&[], live.connections as u64);
    page.metric(ACCESS_LOG_LINES_DROPPED).sample(&[], live.log_lines_dropped);
    let slots = snapshot.settings.tls.iter().flat_map(|tls| tls.certificates().iter()).map(|slot| &**slot);
    certificates::write(&mut page, slots, &state.orders, snapshot.ready, now);
    services(&mut page, state);
    refusals(&mut page, state);
    rate_limits(&mut page, state);
    queues(&mut page, state);
    retry_budgets(&mut page, state);
    backends(&mut page, state);
    latches(&mut page, state, now);
    if let Some(cluster) = &live.agreement {
        agreement::write(&mut page, cluster);
    }
    for &(family, value) in WORKERS {
        let mut metric = page.metric(family);
        for (index, worker) in live.workers.iter().enumerate() {
            metric.sample(&[("worker", &index.to_string())], value(worker).load(Relaxed));
        }
    }
    compressions(&mut page, live);
    page.finish()
}

fn compressions(page: &mut Page, live: &Live) {
    for (family, value) in COMPRESSION {
        let mut metric = page.metric(family);
        for algorithm in Algorithm::ALL {
            let of_workers = live.workers.iter().map(|worker| value(&worker.compressions[algorithm as usize]));
            metric.sample(&[("encoding", algorithm.name())], of_workers.map(|count| count.load(Relaxed)).sum::<u64>());
        }
    }
}

fn services(page: &mut Page, state: &State) {
    let snapshot = state.snapshot();
    let services =
        || snapshot.fronts.iter().zip(snapshot.counted.iter()).map(|(front, counted)| (&*front.name, counted));
    let mut metric = page.metric(SERVICE_RESPONSES);
    for (service, counted) in services() {
        for (class, name) in CLASSES.into_iter().enumerate() {
            let responses = counted.iter().map(|worker| worker.responses(class)).sum::<u64>();
            metric.sample(&[("service", service), ("class", name)], responses);
        }
    }
    let mut metric = page.metric(SERVICE_UNAVAILABLE);
    for (service, counted) in services() {
        for (cause, count) in counters::unavailable(counted) {
            metric.sample(&[("service", service), ("cause", name_of(cause))], count);
        }
    }
    let mut metric = page.metric(SERVICE_ERRORS);
    for (service, counted) in services() {
        let all: u64 = counted.iter().map(|worker| worker.responses(5)).sum();
        let backends = counted.iter().map(ServiceCounters::backends_errors).sum::<u64>();
        metric.sample(&[("service", service), ("by", "backend")], backends);
        metric.sample(&[("service", service), ("by", "proxy")], all.saturating_sub(backends));
    }
    for (family, histogram) in SERVICE_TIMES {
        let mut metric = page.metric(family);
        for (service, counted) in services() {
            let mut measured = Measured::default();
            counted.iter().for_each(|worker| measured += histogram(worker).read());
            metric.histogram(&[("service", service)], &measured);
        }
    }
}

fn refusals(page: &mut Page, state: &State) {
    let mut metric = page.metric(REQUESTS_REFUSED);
    for front in state.snapshot().fronts.iter() {
        for cause in front.edge.iter().flat_map(|edge| edge.causes()) {
            let refused = front.edge.as_ref().map_or(0, |edge| edge.refusals.get(cause));
            metric.sample(&[("service", &front.name), ("cause", cause.name())], refused);
        }
    }
}

fn queues(page: &mut Page, state: &State) {
    let services = &state.snapshot().services;
    let queues = || services.iter().filter_map(|service| Some((&*service.name, &service.queue.as_ref()?.queue)));
    if queues().next().is_none() {
        return;
    }
    let mut metric = page.metric(REQUESTS_QUEUEING);
    queues().for_each(|(service, queue)| metric.sample(&[("service", service)], queue.len() as u64));
    for (family, event) in QUEUES {
        let mut metric = page.metric(family);
        queues().for_each(|(service, queue)| metric.sample(&[("service", service)], queue.counted(event)));
    }
    let mut metric = page.metric(BACKEND_MAX_CONNECTIONS);
    for service in services {
        for backend in &service.backends {
            let most = backend.slots.iter().map(|slots| slots.most() as u64);
            most.for_each(|most| metric.sample(&labels(service, backend), most));
        }
    }
}

fn retry_budgets(page: &mut Page, state: &State) {
    let services = &state.snapshot().services;
    let budgets = services.iter().filter_map(|service| Some((&*service.name, service.retry_budget.as_ref()?)));
    let mut budgets = budgets.peekable();
    if budgets.peek().is_none() {
        return;
    }
    let mut metric = page.metric(RETRY_BUDGET_SPENT);
    budgets.for_each(|(service, budget)| metric.sample(&[("service", service)], budget.spent()));
}

fn rate_limits(page: &mut Page, state: &State) {
    let fronts = state.snapshot().fronts.iter();
    let limits = fronts.filter_map(|front| Some((&*front.name, front.edge.as_ref()?.rate_limit.as_ref()?)));
    let mut limits = limits.peekable();
    if limits.peek().is_none() {
        return;
    }
    let mut metric = page.metric(REQUESTS_RATE_LIMITED);
    for (service, limit) in limits {
        for whose in Whose::ALL {
            metric.sample(&[("service", service), ("limit", whose.name())], limit.refused(whose));
        }
    }
}

fn backends(page: &mut Page, state: &State) {
    let services = &state.snapshot().services;
    let all = || services.iter().flat_map(|service| service.backends.iter().map(move |backend| (service, backend)));
    let mut metric = page.metric(REQUESTS_WAITING);
    for service in services {
        metric.sample(&[("service", &service.name)], service.waiting.load(Relaxed) as u64);
    }
    let mut metric = page.metric(CHECK_UP);
    for (service, backend) in all().filter(|(_, backend)| backend.verdict != Verdict::Unchecked) {
        metric.flag(&labels(service, backend), backend.verdict == Verdict::Up);
    }
    let mut metric = page.metric(CHECK_CHANGES);
    for (service, backend) in all() {
        let changes = state.health.get(&backend.target).map_or(0, |health| health.changes);
        metric.sample(&labels(service, backend), changes);
    }
    let mut metric = page.metric(OPERATOR_STATE);
    for (service, backend) in all() {
        for state in OperatorState::ALL {
            let [service, name] = labels(service, backend);
            metric.flag(&[service, name, ("state", state.name())], backend.operator == state);
        }
    }
    for (family, value) in BACKENDS {
        let mut metric = page.metric(family);
        all().for_each(|(service, backend)| metric.sample(&labels(service, backend), value(backend)));
    }
    let mut metric = page.metric(BACKEND_RESPONSES);
    for (service, backend) in all() {
        for (class, name) in ["1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().enumerate() {
            let [service, backend_name] = labels(service, backend);
            metric.sample(&[service, backend_name, ("class", name)], sum(backend, |slot| &slot.responses[class]));
        }
    }
}

fn latches(page: &mut Page, state: &State, now: Now) {
    let latched = || {
        let services = state.prepared.services.iter().filter(|service| service.rules().is_some());
        services.filter_map(|service| Some((&*service.name, state.latches.get(&service.name)?)))
    };
    let mut metric = page.metric(LATCH_EPOCH);
    for (service, latch) in latched().filter_map(|(service, keeper)| Some((service, keeper.latch()?))) {
        metric.sample(&[("service", service)], latch.epoch);
    }
    let mut metric = page.metric(LATCH_ACTIVE);
    for (service, keeper) in latched() {
        for backend in state.prepared.service(service).into_iter().flat_map(|service| &service.backends) {
            let active = keeper.latch().is_some_and(|latch| *latch.active == *backend.name);
            metric.flag(&[("service", service), ("backend", &backend.name)], active);
        }
    }
    let mut metric = page.metric(LATCH_FAILED_OVER);
    for (service, latch) in latched().filter_map(|(service, keeper)| Some((service, keeper.latch()?))) {
        let mut backends = state.prepared.service(service).into_iter().flat_map(|service| &service.backends);
        let is_primary = backends.any(|backend| *backend.name == *latch.active && !backend.backup);
        metric.flag(&[("service", service)], !is_primary);
    }
    let mut metric = page.metric(LATCH_UNDECIDED);
    for (service, keeper) in latched() {
        metric.flag(&[("service", service)], keeper.latch().is_none());
    }
    let mut metric = page.metric(LATCHES_DIFFERING);
    for (peer, words) in &state.peers {
        metric.sample(&[("peer", peer)], words.differing(now).len() as u64);
    }
}

fn labels<'a>(service: &'a Service, backend: &'a Backend) -> [(&'a str, &'a str); 2] {
    [("service", &service.name), ("backend", &backend.name)]
}

fn sum(backend: &Backend, count: impl Fn(&BackendCounters) -> &AtomicU64) -> u64 {
    backend.counters.iter().map(|slot| count(slot).load(Relaxed)).sum()
}
