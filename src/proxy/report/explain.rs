//! Where a request would go and why: the result of the same route and choose that requests go through, on the present
//! snapshot, in sentences.
//!
//! Owns the sentences. Must never: decide by rules of its own. Called by `admin` for `GET /explain`.

mod admission;
mod arrival;
mod edge;
mod own_fields;
mod target;
mod visit;

use std::time::Duration;

use crate::api::operator::OperatorState;
use crate::api::proxy::Explanation;
use crate::config::near_miss::did_you_mean;
use crate::config::proxy::{Balance, HostPattern, Protocol, RetryConfig};
use crate::health::Verdict;
use crate::proxy::choose::balance::contains;
use crate::proxy::choose::{BalanceState, Choice, RequestFacts, choose};
use crate::proxy::control::State;
use crate::proxy::edge::Edge;
use crate::proxy::route::Unmatched;
use crate::proxy::snapshot::{Backend, Front, FrontTarget, LatchView, Service, ServiceMode, Snapshot};
use crate::running_time::running;
use crate::unix_time::{since, to_unix_ms};
use visit::Refusal;
pub use visit::Visit;

/// Explains a request at `now`, in milliseconds since the epoch.
pub fn explain(state: &State, visit: Visit<'_>, now: u64) -> Explanation {
    let mut told = Explanation::default();
    match reach(state, &visit, &mut told) {
        Ok(Reached { front, service: Some(service) }) => backend(state, &visit, (front, service), now, &mut told),
        Ok(Reached { front, service: None }) => told.because.extend(after(&visit, front)),
        Err(Refusal(refusal)) => told.refusal = refusal.map(str::to_owned),
    }
    told
}

/// What a request has come to, if it comes to a service.
struct Reached<'s> {
    front: &'s Front,
    /// None: it is answered without backends, as has been told.
    service: Option<&'s Service>,
}

/// Follows a request to what answers it, in the order in which the proxy asks (`traffic::admit`).
fn reach<'s>(state: &'s State, visit: &Visit<'_>, told: &mut Explanation) -> Result<Reached<'s>, Refusal> {
    let Visit { host, path, .. } = *visit;
    let snapshot = state.snapshot();
    arrival::explain(state, visit, told)?;
    let matched = match snapshot.router.explain(host.as_bytes(), path.as_bytes()) {
        Ok(matched) => matched,
        Err(why) => {
            told.route = unrouted(state, why, host, path);
            told.because.push("it is answered 404".into());
            return Err(Refusal::with("404"));
        }
    };
    let front = &snapshot.fronts[matched.front];
    told.route = format!("host {} and path {}", matched.host, matched.path);
    told.service = Some(front.name.to_string());
    if matched.host == HostPattern::Any {
        told.because.push(format!("no service names {host}: {} has the host \"*\"", front.name));
    }
    if visit.protocol == Protocol::Https && !front.over_tls {
        told.because.push(format!("{} has no \"tls\": over https it is answered 421", front.name));
        return Err(Refusal::with("421"));
    }
    if snapshot.is_ambiguous(host.as_bytes(), path.as_bytes(), matched.front) {
        told.because.push(AMBIGUOUS.into());
        return Err(Refusal::with("400"));
    }
    arrival::to_https(state, visit, front, told)?;
    if let Some(edge) = front.edge.as_deref() {
        let admission = admission::explain(edge, visit, front.https.redirect.is_some());
        told.because.extend(admission.because);
        if let Some(status) = admission.refusal {
            return Err(Refusal::with(status));
        }
        if let Some(words) = admission::nobody_to_ask(snapshot, edge) {
            told.because.push(words);
            return Err(Refusal::with("503"));
        }
    }
    told.because.extend(about_edge(state, &front.name));
    match &front.target {
        FrontTarget::Backends(place) => Ok(Reached { front, service: Some(&snapshot.services[*place]) }),
        FrontTarget::Own(own) => {
            let (sentence, refusal) = target::sentence(state, front, own, visit);
            told.because.push(sentence);
            if let Some(status) = refusal {
                return Err(Refusal::with(status));
            }
            told.because.extend(front.edge.as_deref().and_then(about_compression));
            told.target = Some(own.kind().to_owned());
            Ok(Reached { front, service: None })
        }
    }
}

/// Tells which backend gets it.
fn backend(
    state: &State,
    visit: &Visit<'_>,
    (front, service): (&Front, &Service),
    unix_ms: u64,
    told: &mut Explanation,
) {
    let because = &mut told.because;
    let named = named_by(service, visit.cookie);
    because.extend(about_cookie(service, visit.cookie, named));
    because.extend(about_latch(state, service, unix_ms));
    let now = running();
    let at = Moment { running: now, unix_ms };
    because.extend(service.backends.iter().filter_map(|backend| about_backend(state, service, backend, at)));
    let choice = choose(
        service,
        RequestFacts { cookie: named, now, ..Default::default() },
        &mut BalanceState::default(),
        fastrand::u64(..),
    );
    because.push(about_choice(state.snapshot(), service, choice, named));
    because.extend(about_retries(service));
    because.extend(about_hedges(service, named));
    because.extend(about_header(service));
    because.extend(own_fields::about(&state.prepared.document, service));
    because.extend(front.edge.as_deref().and_then(about_compression));
    because.extend(after(visit, front));
    if let Choice::Use { backend, .. } = choice {
        told.backend = service.backends.get(backend).map(|backend| backend.name.to_string());
    }
}

/// What the response says to browsers about https.
fn after(visit: &Visit<'_>, front: &Front) -> Option<String> {
    let hsts = front.https.hsts.as_ref().filter(|_| visit.protocol == Protocol::Https)?;
    Some(format!("the response says Strict-Transport-Security: {hsts}"))
}

/// What becomes of a request that goes to one service as its path stands, and to another as a backend may read it.
const AMBIGUOUS: &str = "it is answered 400: decoded and resolved, as a backend may read it, the path belongs to another service, which does not \
                         let everybody in or answers by itself";

fn about_edge(state: &State, service: &str) -> Vec<String> {
    state.prepared.document.services.get(service).map(edge::about).unwrap_or_default()
}

fn unrouted(state: &State, why: Unmatched, host: &str, path: &str) -> String {
    match why {
        Unmatched::Host => {
            let services = &state.prepared.document.services;
            let meant = match services.get(host) {
                Some(service) => {
                    let hosts = service.hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                    format!("; {host} is a service, whose hosts are {hosts}")
                }
                None => {
                    let hosts: Vec<String> =
                        services.values().flat_map(|service| &service.hosts).map(ToString::to_string).collect();
                    did_you_mean(host, hosts.iter().map(String::as_str))
                }
            };
            format!("no service has the host {host:?}, and none has \"*\"{meant}")
        }
        Unmatched::Path => format!("the host {host:?} is known, but no service has a path that {path:?} begins with"),
    }
}

fn named_by(service: &Service, field: &str) -> Option<usize> {
    let cookie = service.cookie()?;
    cookie.open(cookie.find(field.as_bytes())?, service.addresses())
}

fn about_cookie(service: &Service, field: &str, named: Option<usize>) -> Option<String> {
    let Some(cookie) = service.cookie() else {
        return (!field.is_empty()).then(|| format!("{} is stateless: cookies decide nothing", service.name));
    };
    let name = cookie.name();
    Some(match (cookie.find(field.as_bytes()), named) {
        (None, _) => format!("the request has no cookie {name}"),
        (Some(_), Some(named)) => format!("the cookie {name} names {}", service.backends[named].name),
        (Some(_), None) => format!("the cookie {name} is stale or forged: it names no backend of {}", service.name),
    })
}

/// One moment by both clocks.
#[derive(Clone, Copy)]
struct Moment {
    running: Duration,
    unix_ms: u64,
}

fn about_latch(state: &State, service: &Service, now: u64) -> Option<String> {
    let ServiceMode::Latched { latch: view, .. } = service.mode else { return None };
    let keeper = state.latches.get(&service.name)?;
    let Some(latch) = keeper.latch() else {
        return Some(format!("the latch is undecided: {}", keeper.why_undecided()));
    };
    let by = if latch.by.is_empty() { String::new() } else { format!(", by {}", latch.by) };
    let held = if view == LatchView::Hold { "; requests are held" } else { "" };
    // A latch that never moved has no time of its own.
    let since = if latch.epoch == 0 { String::new() } else { format!(" since {}", since(latch.at, now)) };
    Some(format!("the latch names {}{since} (epoch {}{by}: {}){held}", latch.active, latch.epoch, latch.reason))
}

/// Says what keeps a backend from getting every request, if anything does.
fn about_backend(state: &State, service: &Service, backend: &Backend, now: Moment) -> Option<String> {
    let mut words = Vec::new();
    if backend.verdict != Verdict::Up {
        let health = state.health.get(&backend.target).filter(|_| backend.verdict == Verdict::Down);
        let why =
            health.map(|health| format!(" since {}: {}", since(to_unix_ms(health.since), now.unix_ms), health.reason));
        words.push(format!("is {} by its checks{}", backend.verdict, why.unwrap_or_default()));
    }
    if backend.operator != OperatorState::Ready {
        let note = state.operator.0.get(&format!("{}/{}", service.name, backend.name));
        let note = note.filter(|note| note.state == backend.operator).map(|note| note.since_in_words(now.unix_ms));
        let words_of_it = note.unwrap_or_else(|| format!("in {} by the operator", backend.operator));
        words.push(format!("is {words_of_it}"));
    }
    if backend.weight == 0 {
        words.push("has weight 0: only requests that name it".into());
    }
    if let Some(slots) = &backend.slots
        && backend.is_full()
    {
        words.push(format!("has {} requests, as many as it takes", slots.most()));
    }
    if let Some(tenths) = service.slow_start.map(|time| backend.tenths(time, now.running)).filter(|tenths| *tenths < 10)
    {
        words.push(format!("has come up a moment ago: it has {tenths}/10 of its weight"));
    }
    (!words.is_empty()).then(|| format!("{} {}", backend.name, words.join(", and ")))
}

fn about_choice(snapshot: &Snapshot, service: &Service, choice: Choice, named: Option<usize>) -> String {
    let (backend, set_cookie) = match choice {
        Choice::Use { backend, set_cookie } => (&service.backends[backend], set_cookie),
        Choice::Wait => {
            return format!("it waits, at most {:?}, for a backend that may serve it", service.longest_wait());
        }
        Choice::Nobody if service.is_in_maintenance() => {
            return "an operator has all backends in maint: it is answered 503, with the service's page for that if it has one".into();
        }
        Choice::Queue { among } => return about_queue(service, among),
        Choice::Nobody => return "no backend may serve it: it is answered 503".into(),
        Choice::Undecided => {
            return format!("it is answered 503 until `polder failover {} --to BACKEND` decides", service.name);
        }
        Choice::Unagreed => {
            return "the proxies cannot agree now (`polder status` says why), and another one may serve another backend: it is answered \
                    503"
                .into();
        }
        Choice::Isolated => {
            return "this proxy alone cannot reach the active backend, which its peers reach: it is answered 503"
                .into();
        }
    };
    let by_cookie = named.is_some_and(|named| service.backends[named].name == backend.name) && !set_cookie;
    let why = match &service.mode {
        ServiceMode::Latched { .. } => "the latch decides".to_string(),
        ServiceMode::Sticky { .. } if by_cookie => "its cookie decides".to_string(),
        _ if backend.backup => "no primary is usable, and it is the first usable backup".to_string(),
        _ => among(service, backend),
    };
    let cookie = if set_cookie { "; the response sets the cookie" } else { "" };
    let draining = if snapshot.draining { "; this proxy is draining" } else { "" };
    format!("{}: {why}{cookie}{draining}", backend.name)
}

/// Says what of the response is compressed.
fn about_compression(edge: &Edge) -> Option<String> {
    let config = &edge.compression.as_ref()?.0;
    let names: Vec<_> = config.algorithms.iter().map(|algorithm| algorithm.name()).collect();
    let cookies = if config.with_set_cookie { "" } else { ", and if it sets no cookie" };
    let (names, least) = (names.join(", "), config.min_size);
    Some(format!(
        "a response of a type to be compressed, of {least} bytes or more, is sent as {names} to whoever accepts it{cookies}"
    ))
}

/// Says what a connection to the backend begins with.
fn about_header(service: &Service) -> Option<String> {
    let version = service.send_proxy?.as_str();
    Some(format!(
        "connections to its backends begin with a header of the PROXY protocol ({version}), and are one visitor's each"
    ))
}

/// Says what is sent again, where that is not what it is everywhere.
fn about_retries(service: &Service) -> Option<String> {
    let retry = service.connections.retry;
    let budget = retry.budget.map(|percent| format!(", for at most {percent} of a hundred requests"));
    let one = retry.try_timeout.map(|time| format!("; one attempt may take {time:?}"));
    let is_usual = retry == RetryConfig::default();
    let words = [budget, one].into_iter().flatten().collect::<String>();
    (!is_usual).then(|| format!("if it may be sent twice, it is sent again after {}{words}", retry.on))
}

/// Says whether a copy is sent to another backend, where that is asked for.
fn about_hedges(service: &Service, named: Option<usize>) -> Option<String> {
    let after = service.connections.retry.hedge_after?;
    if named.is_some() {
        return Some("no copy of it is sent to another backend: its cookie names one".into());
    }
    let usable = service.backends.iter().filter(|backend| !backend.backup && backend.is_balanced()).count();
    Some(match usable {
        0 | 1 => format!(
            "after {after:?} without a response's head a copy would be sent to another primary, but none is usable"
        ),
        _ => format!(
            "if it is a GET, HEAD or OPTIONS without a body, after {after:?} without a response's head a copy is sent to another primary, and \
             the first head is taken"
        ),
    })
}

fn about_queue(service: &Service, among: u128) -> String {
    let full = service.backends.iter().enumerate().filter(|(index, _)| contains(among, *index));
    let names: Vec<&str> = full.map(|(_, backend)| &*backend.name).collect();
    let own = service.queue.as_ref();
    let timeout = own.map(|own| own.config.timeout).unwrap_or_default();
    let ahead = own.map_or(0, |own| own.queue.len());
    format!(
        "{} has as many requests as it takes: it queues behind {ahead} others, at most {timeout:?}",
        names.join(", and ")
    )
}

fn among(service: &Service, chosen: &Backend) -> String {
    let primaries = || service.backends.iter().filter(|backend| !backend.backup && backend.is_balanced());
    let total: u32 = primaries().map(|backend| backend.weight).sum();
    match primaries().count() {
        1 => "it is the only usable primary".into(),
        count => format!(
            "this time, by {} among {count} usable primaries; its weight is {} of {total}",
            in_document(service.balance),
            chosen.weight
        ),
    }
}

fn in_document(balance: Balance) -> &'static str {
    match balance {
        Balance::RoundRobin => "round-robin",
        Balance::LeastConnections => "least-connections",
        Balance::RandomTwoChoices => "random-two-choices",
    }
}
