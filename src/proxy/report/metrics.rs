//! The proxy's metrics (Prometheus text).
//!
//! Must never: count anything itself; workers and control do. Called by `admin` for `GET /metrics`.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::status::{Live, alarms};
use crate::api::daemon::Daemon;
use crate::api::operator::OperatorState;
use crate::config::proxy::Algorithm;
use crate::daemon::metrics::{Common, Page};
use crate::health::Verdict;
use crate::proxy::control::State;
use crate::proxy::edge::rate_limit::Whose;
use crate::proxy::latch::Now;
use crate::proxy::queue::Event;
use crate::proxy::snapshot::{Backend, BackendCounters, Service};
use crate::proxy::traffic::counters::{CompressionCounters, WorkerCounters};

const QUEUES: [(&str, &str, Event); 3] = [
    ("polder_requests_queued_total", "Requests that had to queue for a backend.", Event::Joined),
    ("polder_queue_refused_total", "Requests refused at max_queue, answered 503.", Event::Refused),
    ("polder_queue_timeouts_total", "Requests that queued for queue_timeout, answered 503.", Event::TimedOut),
];

type BackendValue = fn(&Backend) -> u64;
type WorkerValue = fn(&WorkerCounters) -> &AtomicU64;

const BACKEND_GAUGES: [(&str, &str, BackendValue); 3] = [
    ("polder_backend_requests_running", "Requests that this backend is answering now.", Backend::running),
    ("polder_backend_weight", "Weight of this backend among those of its service.", |backend| backend.weight.into()),
    ("polder_backend_backup", "1 if this backend is a backup.", |backend| backend.backup.into()),
];

const BACKEND_COUNTERS: [(&str, &str, BackendValue); 5] = [
    ("polder_backend_requests_total", "Requests sent to this backend.", |backend| sum(backend, |slot| &slot.requests)),
    (
        "polder_backend_attempts_failed_total",
        "Attempts on this backend that failed before its response began.",
        |backend| sum(backend, |slot| &slot.failed_attempts),
    ),
    (
        "polder_backend_responses_aborted_total",
        "Responses of this backend that were cut short after they had begun.",
        |backend| sum(backend, |slot| &slot.aborted),
    ),
    ("polder_backend_sent_bytes_total", "Bytes of request bodies sent to this backend.", |backend| {
        sum(backend, |slot| &slot.bytes_out)
    }),
    ("polder_backend_received_bytes_total", "Bytes of response bodies received from this backend.", |backend| {
        sum(backend, |slot| &slot.bytes_in)
    }),
];

const WORKERS: &[(&str, &str, WorkerValue)] = &[
    ("polder_connections_accepted_total", "Connections accepted.", |worker| &worker.accepted),
    ("polder_connections_refused_total", "Connections refused at limits.connections.", |worker| &worker.refused),
    (
        "polder_connections_refused_by_address_total",
        "Connections refused at limits.connections_per_address.",
        |worker| &worker.refused_by_address,
    ),
    ("polder_connections_evicted_total", "Idle connections closed to make room for new ones.", |worker| {
        &worker.evicted
    }),
    ("polder_proxy_protocol_headers_total", "Headers of the PROXY protocol that were read.", |worker| {
        &worker.proxy_headers
    }),
    (
        "polder_proxy_protocol_refused_total",
        "Connections closed at listeners with proxy_protocol: not from trusted_proxies, or without a good header in time.",
        |worker| &worker.proxy_headers_refused,
    ),
    ("polder_tls_handshakes_total", "Handshakes of TLS that ended well.", |worker| &worker.handshakes),
    (
        "polder_tls_handshakes_resumed_total",
        "Those of polder_tls_handshakes_total that have resumed a session, of this proxy or another one.",
        |worker| &worker.handshakes_resumed,
    ),
    (
        "polder_tls_handshakes_evicted_total",
        "Handshakes of TLS closed to make room for new ones at limits.tls_handshakes.",
        |worker| &worker.handshakes_evicted,
    ),
    (
        "polder_tls_handshakes_failed_total",
        "Handshakes of TLS that were refused, or not ended within timeouts.tls_handshake.",
        |worker| &worker.handshakes_failed,
    ),
    (
        "polder_tls_client_certificates_refused_total",
        "Those of polder_tls_handshakes_failed_total that were refused because the visitor's certificate was not good.",
        |worker| &worker.untrusted_certificates,
    ),
    (
        "polder_requests_without_certificate_total",
        "Requests answered 403 because the visitor had shown no certificate.",
        |worker| &worker.without_certificate,
    ),
    ("polder_http2_connections_total", "Connections on which HTTP/2 was spoken.", |worker| &worker.http2_connections),
    (
        "polder_http2_floods_total",
        "Connections of HTTP/2 that were closed because their client sent more than any needs.",
        |worker| &worker.http2_floods,
    ),
    ("polder_requests_total", "Requests read.", |worker| &worker.requests),
    ("polder_http2_requests_total", "Requests read over HTTP/2.", |worker| &worker.http2_requests),
    ("polder_requests_malformed_total", "Requests refused as malformed.", |worker| &worker.malformed),
    ("polder_requests_unrouted_total", "Requests that match no service, answered 404.", |worker| &worker.unrouted),
    ("polder_requests_unavailable_total", "Requests without a usable backend, answered 503.", |worker| {
        &worker.unavailable
    }),
    ("polder_requests_redirected_total", "Requests that the redirect of a service sent elsewhere.", |worker| {
        &worker.redirected
    }),
    ("polder_requests_answered_total", "Requests that got the answer of a service.", |worker| &worker.answered),
    ("polder_requests_for_files_total", "Requests for the files of a service.", |worker| &worker.files),
    (
        "polder_files_failed_total",
        "Requests for files that could not be read, or not in time, or that lie outside of the folder, or for which too many files were open.",
        |worker| &worker.files_failed,
    ),
    ("polder_error_pages_total", "Pages of services sent in place of the proxy's own errors.", |worker| {
        &worker.error_pages
    }),
    ("polder_requests_retried_total", "Attempts repeated on another backend.", |worker| &worker.retries),
    (
        "polder_hedges_total",
        "Copies of requests sent to a second backend because the first was slow (hedge_after).",
        |worker| &worker.hedges,
    ),
    (
        "polder_hedges_left_out_total",
        "Copies that were not sent: no other backend was free, or retry_budget was spent.",
        |worker| &worker.hedges_left_out,
    ),
    ("polder_hedges_won_total", "Copies whose response the visitor got.", |worker| &worker.hedges_won),
    ("polder_requests_waited_total", "Requests that waited for a backend to become usable.", |worker| &worker.waited),
    (
        "polder_compressions_left_out_total",
        "Responses that went uncompressed because limits.compressions was reached.",
        |worker| &worker.compressions_left_out,
    ),
    ("polder_tunnels_opened_total", "Upgraded connections opened.", |worker| &worker.tunnels),
    (
        "polder_spliced_bytes_total",
        "Bytes of bodies and tunnels passed on within the kernel, by splice(2).",
        |worker| &worker.spliced_bytes,
    ),
];

/// The whole page.
pub fn page(state: &State, live: &Live, now: Now) -> String {
    let mut page = Page::new(Daemon::Proxy);
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
    common.write(&mut page);
    page.gauge("polder_connections", "Client connections open now.").sample(&[], live.connections as u64);
    page.counter("polder_access_log_lines_dropped_total", "Lines of the access log that could not be written.")
        .sample(&[], live.log_lines_dropped);
    let expires = "When the certificate in force ends, in seconds since 1970; absent where none can be used.";
    let mut metric = page.gauge("polder_certificate_expiry_timestamp_seconds", expires);
    for slot in snapshot.settings.tls.iter().flat_map(|tls| tls.certificates().iter()) {
        if let Some(certificate) = slot.certificate() {
            metric.sample(&[("file", &slot.files.chain_file.to_string_lossy())], certificate.chain.ends.as_secs());
        }
    }
    let lifetime = "From the beginning to the end of that certificate, in seconds.";
    let mut metric = page.gauge("polder_certificate_lifetime_seconds", lifetime);
    for slot in snapshot.settings.tls.iter().flat_map(|tls| tls.certificates().iter()) {
        if let Some(certificate) = slot.certificate() {
            let lifetime = certificate.chain.ends.saturating_sub(certificate.chain.begins);
            metric.sample(&[("file", &slot.files.chain_file.to_string_lossy())], lifetime.as_secs());
        }
    }
    orders(&mut page, state, now);
    refusals(&mut page, state);
    rate_limits(&mut page, state);
    queues(&mut page, state);
    retry_budgets(&mut page, state);
    backends(&mut page, state);
    latches(&mut page, state, now);
    for &(name, help, value) in WORKERS {
        let mut metric = page.counter(name, help);
        for (index, worker) in live.workers.iter().enumerate() {
            metric.sample(&[("worker", &index.to_string())], value(worker).load(Relaxed));
        }
    }
    compressions(&mut page, live);
    page.finish()
}

fn compressions(page: &mut Page, live: &Live) {
    type Value = fn(&CompressionCounters) -> &AtomicU64;
    let counters: [(&str, &str, Value); 3] = [
        ("polder_compressions_total", "Responses that were compressed.", |of| &of.responses),
        ("polder_compression_in_bytes_total", "Bytes of their bodies as backends sent them.", |of| &of.bytes_in),
        ("polder_compression_out_bytes_total", "Bytes of their bodies as visitors got them.", |of| &of.bytes_out),
    ];
    for (name, help, value) in counters {
        let mut metric = page.counter(name, help);
        for algorithm in Algorithm::ALL {
            let of_workers = live.workers.iter().map(|worker| value(&worker.compressions[algorithm as usize]));
            metric.sample(&[("encoding", algorithm.name())], of_workers.map(|count| count.load(Relaxed)).sum());
        }
    }
}

fn orders(page: &mut Page, state: &State, now: Now) {
    let standings: Vec<_> = state.orders.standings(state.snapshot().ready, now).collect();
    if standings.is_empty() {
        return;
    }
    let (issued, failed) = state.orders.ended();
    let mut metric = page.counter("polder_acme_orders_total", "Orders of certificates that this proxy has ended.");
    metric.sample(&[("result", "issued")], issued);
    metric.sample(&[("result", "failed")], failed);
    let orders = "1 if this proxy is the one that orders certificates, of those that it hears.";
    let is_ours = standings.iter().any(|standing| standing.orderer.as_ref() == Some(&state.own));
    page.gauge("polder_acme_orderer", orders).flag(&[], is_ours);
    let renewal =
        "When the certificate of this service is to be renewed, in seconds since 1970; absent before it is issued.";
    let mut metric = page.gauge("polder_acme_renewal_timestamp_seconds", renewal);
    for standing in &standings {
        if let Some(renewal) = standing.renewal {
            metric.sample(&[("service", &standing.service)], renewal / 1000);
        }
    }
    let failing = "1 if the last order of this service's certificate failed.";
    let mut metric = page.gauge("polder_acme_failing", failing);
    for standing in &standings {
        metric.flag(&[("service", &standing.service)], standing.error.is_some());
    }
}

fn refusals(page: &mut Page, state: &State) {
    let help = "Requests that this service has refused, by cause; absent where it refuses none.";
    let mut metric = page.counter("polder_requests_refused_total", help);
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
    let queued = "Requests of this service that queue for a backend that has as many as it takes.";
    let mut metric = page.gauge("polder_requests_queued", queued);
    queues().for_each(|(service, queue)| metric.sample(&[("service", service)], queue.len() as u64));
    for (name, help, event) in QUEUES {
        let mut metric = page.counter(name, help);
        queues().for_each(|(service, queue)| metric.sample(&[("service", service)], queue.counted(event)));
    }
    let most = "Requests that this backend takes at once.";
    let mut metric = page.gauge("polder_backend_max_connections", most);
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
    let spent = "Requests that were not sent again, and hedges that were not sent, because retry_budget was spent.";
    let mut metric = page.counter("polder_retry_budget_spent_total", spent);
    budgets.for_each(|(service, budget)| metric.sample(&[("service", service)], budget.spent()));
}

fn rate_limits(page: &mut Page, state: &State) {
    let fronts = state.snapshot().fronts.iter();
    let limits = fronts.filter_map(|front| Some((&*front.name, front.edge.as_ref()?.rate_limit.as_ref()?)));
    let mut limits = limits.peekable();
    if limits.peek().is_none() {
        return;
    }
    let refused = "Requests beyond a rate limit, answered 429.";
    let mut metric = page.counter("polder_requests_rate_limited_total", refused);
    for (service, limit) in limits {
        for whose in Whose::ALL {
            metric.sample(&[("service", service), ("limit", whose.name())], limit.refused(whose));
        }
    }
}

fn backends(page: &mut Page, state: &State) {
    let services = &state.snapshot().services;
    let all = || services.iter().flat_map(|service| service.backends.iter().map(move |backend| (service, backend)));
    let waiting = "Requests of this service that wait for a backend to become usable.";
    let mut metric = page.gauge("polder_requests_waiting", waiting);
    for service in services {
        metric.sample(&[("service", &service.name)], service.waiting.load(Relaxed) as u64);
    }
    let mut metric = page.gauge("polder_check_up", "1 if checks say up, 0 if down; absent before the first result.");
    for (service, backend) in all().filter(|(_, backend)| backend.verdict != Verdict::Unchecked) {
        metric.flag(&labels(service, backend), backend.verdict == Verdict::Up);
    }
    let mut metric = page.counter("polder_check_changes_total", "Changes between up and down.");
    for (service, backend) in all() {
        let changes = state.health.get(&backend.target).map_or(0, |health| health.changes);
        metric.sample(&labels(service, backend), changes);
    }
    let mut metric = page.gauge("polder_operator_state", "1 for the state that the operator has set.");
    for (service, backend) in all() {
        for state in OperatorState::ALL {
            let [service, name] = labels(service, backend);
            metric.flag(&[service, name, ("state", state.name())], backend.operator == state);
        }
    }
    for (name, help, value) in BACKEND_GAUGES {
        let mut metric = page.gauge(name, help);
        all().for_each(|(service, backend)| metric.sample(&labels(service, backend), value(backend)));
    }
    for (name, help, value) in BACKEND_COUNTERS {
        let mut metric = page.counter(name, help);
        all().for_each(|(service, backend)| metric.sample(&labels(service, backend), value(backend)));
    }
    let mut metric = page.counter("polder_backend_responses_total", "Responses of this backend, by status class.");
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
    let mut metric = page.gauge("polder_latch_epoch", "Epoch of this service's latch; absent while it is undecided.");
    for (service, latch) in latched().filter_map(|(service, keeper)| Some((service, keeper.latch()?))) {
        metric.sample(&[("service", service)], latch.epoch);
    }
    let mut metric = page.gauge("polder_latch_active", "1 for the active backend of this service.");
    for (service, keeper) in latched() {
        for backend in state.prepared.service(service).into_iter().flat_map(|service| &service.backends) {
            let active = keeper.latch().is_some_and(|latch| *latch.active == *backend.name);
            metric.flag(&[("service", service), ("backend", &backend.name)], active);
        }
    }
    let undecided = "1 if this service's latch is lost or in doubt since the start, and neither peers nor an operator have decided it.";
    let mut metric = page.gauge("polder_latch_undecided", undecided);
    for (service, keeper) in latched() {
        metric.flag(&[("service", service)], keeper.latch().is_none());
    }
    let mut metric =
        page.gauge("polder_latches_differing", "Services whose latch differs at this peer for more than a moment.");
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
