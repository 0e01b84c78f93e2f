//! The proxy's rehearsal: every route, asked of the rehearsed proxy and of the running one.
//!
//! Only the difference counts: a visitor who is served now must still be served. Called by [`super::rehearse`].

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::child::{Child, Serves, WHO, Workspace, status};
use super::documents::{self, reached};
use super::result::Rehearsed;
use super::setup::{ENOUGH, Failure, Setup, missing_keys, notice_limit, start_limit};
use crate::api::client::Client;
use crate::api::daemon::Daemon;
use crate::api::operator::OperatorState;
use crate::api::proxy::{ServiceStatus, Status};
use crate::config::proxy::{self, HostPattern, ListenerConfig, Mode, Protocol, Target};
use crate::config::{CheckConfig, ProxyConfig};
use crate::fleet::routing::Routing;
use crate::health::Verdict;
use crate::health::http_status::{self, Get};
use crate::push::error::Error;

/// The time limit for one answer, longer than a visitor waits.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// How many routes are requested at a time.
const AT_ONCE: usize = 64;

/// How often a worse route is requested again before that counts, and the pause before.
const AGAIN: usize = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// The first label of a name that a `*.suffix` matches.
const LABEL: &str = "polder-rehearsal";

/// A route: a service under one of its hosts and paths.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Route {
    service: String,
    host: String,
    path: String,
    /// What it is answered with, whatever happens.
    fixed: Option<u16>,
}

/// A status, or why there is none.
type Answered = Result<u16, Error>;

/// The running proxy.
struct Running {
    at: SocketAddr,
    routing: Routing,
    /// The services that send visitors to https.
    redirects: BTreeSet<String>,
    client: Client,
    status: Option<Status>,
}

/// What the running proxy does with a route.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Before {
    /// There is no running proxy.
    NotRunning,
    /// Its document has no such route.
    NoRoute,
    /// It sends visitors to https by itself.
    SentToHttps,
    Answered(Answered),
}

/// How a route compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judged {
    Proved,
    Worse,
    Note,
}

/// A route and what became of it.
struct Compared {
    route: Route,
    now: Answered,
    before: Before,
    judged: Judged,
}

/// Rehearses the proxy, if the system has one.
pub(super) async fn rehearse(setup: &Setup<'_>, rehearsed: &mut Rehearsed) -> Result<(), Failure> {
    let Some((config, document)) = setup.document(Daemon::Proxy, proxy::load)? else { return Ok(()) };
    let place = Workspace::new(config.listeners.len(), Serves::Visitors)?;
    rehearsed.worse.extend(missing_keys(&document));
    let altered = documents::of_proxy(&document, &place.substitutes(setup), &latched(&config));
    // It answers once the first checks have ended. It is ready only with a usable backend, which is judged later.
    let mut child = place.start(setup, Daemon::Proxy, &altered, |_| true, start_limit(checks(&config))).await?;
    let compared = compare(setup, &config, &child, rehearsed).await;
    child.end().await;
    compared
}

fn checks(config: &ProxyConfig) -> impl Iterator<Item = &CheckConfig> {
    config.services.values().filter_map(|service| Some(&service.target.backends()?.check))
}

fn latched(config: &ProxyConfig) -> Vec<&str> {
    let has_latch =
        |target: &Target| target.backends().is_some_and(|backends| matches!(backends.mode, Mode::Latched { .. }));
    config.services.values().filter(|service| has_latch(&service.target)).map(|service| service.name.as_str()).collect()
}

/// As in the rehearsed document ([`documents::of_proxy`]).
fn shows_a_certificate(target: &Target) -> bool {
    let tls = target.backends().and_then(|backends| backends.protocol.tls.as_ref());
    tls.is_some_and(|tls| tls.client_certificate.is_some())
}

async fn compare(
    setup: &Setup<'_>,
    config: &ProxyConfig,
    child: &Child,
    rehearsed: &mut Rehearsed,
) -> Result<(), Failure> {
    let Some(listener) = child.listeners.first().copied() else { return Ok(()) };
    let running = running(setup, rehearsed).await;
    if let Some(status) = running.as_ref().and_then(|running| running.status.as_ref()) {
        follow(child, status, rehearsed).await;
    }
    let unrehearsed = config.services.values().filter(|service| shows_a_certificate(&service.target));
    rehearsed.notes.extend(unrehearsed.map(|service| {
        format!(
            "service {} is not rehearsed: its backends are shown a certificate, and a rehearsal reads no key",
            service.name
        )
    }));
    let results = ask_and_ask_again(listener, running.as_ref(), routes(config)).await;
    let status = child.status().await?;
    for result in results {
        let words = in_words(&result, &status);
        match result.judged {
            Judged::Proved => rehearsed.proved.push(words),
            Judged::Worse => rehearsed.worse.push(words),
            Judged::Note => rehearsed.notes.push(words),
        }
    }
    if let Some(running) = &running {
        rehearsed.worse.extend(lost_for_good(running, child, notice_limit(checks(config))).await?);
    }
    Ok(())
}

/// Backends that stay lost. A loss may be due to a lost probe, or to a failure just now: then both proxies are asked again.
async fn lost_for_good(running: &Running, child: &Child, limit: Duration) -> Result<Vec<String>, Failure> {
    let began = Instant::now();
    loop {
        // A failure has been noted before.
        let Ok(before) = status(&running.client).await else { return Ok(Vec::new()) };
        let lost = lost_backends(&before, &child.status().await?);
        if lost.is_empty() || began.elapsed() > limit {
            return Ok(lost);
        }
        sleep(PAUSE).await;
    }
}

/// The result of every route. A worse one may be due to a lost packet, so it is requested again.
async fn ask_and_ask_again(listener: SocketAddr, running: Option<&Running>, routes: Vec<Route>) -> Vec<Compared> {
    let (began, mut open, mut results) = (Instant::now(), routes, Vec::new());
    for round in 0..=AGAIN {
        let last = round == AGAIN || began.elapsed() > ENOUGH;
        let (now, before) = tokio::join!(ask_all(listener, &open), ask_before(running, &open));
        let mut again = Vec::new();
        for ((route, now), before) in open.into_iter().zip(now).zip(before) {
            match judge(&now, &before, route.fixed) {
                Judged::Worse if !last => again.push(route),
                judged => results.push(Compared { route, now, before, judged }),
            }
        }
        open = again;
        if open.is_empty() {
            break;
        }
        sleep(PAUSE).await;
    }
    results
}

/// The running proxy, if it can be reached.
async fn running(setup: &Setup<'_>, rehearsed: &mut Rehearsed) -> Option<Running> {
    let config = setup.running(Daemon::Proxy, proxy::load, &mut rehearsed.notes)?;
    // This machine is none of the proxies that may say who a visitor is.
    let is_open = |listener: &&ListenerConfig| listener.protocol == Protocol::Http && listener.proxies.is_none();
    if !config.listeners.iter().any(|listener| is_open(&listener)) {
        let why = "the running proxy has no listener in clear text without the PROXY protocol, so there is nothing to compare with";
        rehearsed.notes.push(why.to_owned());
        return None;
    }
    for listener in config.listeners.iter().filter(is_open) {
        let at = reached(listener.address);
        if matches!(timeout(ANSWER_LIMIT, TcpStream::connect(at)).await, Ok(Ok(_))) {
            let routing = Routing::of(&config);
            let client = Client::new(&config.admin.socket);
            let status = status(&client).await;
            if let Err(why) = &status {
                rehearsed.notes.push(format!("the running proxy's latches and operator states are not known: {why}"));
            }
            let redirects = config.services.values().filter(|service| service.https.redirect);
            let redirects = redirects.map(|service| service.name.clone()).collect();
            return Some(Running { at, routing, redirects, client, status: status.ok() });
        }
    }
    rehearsed.notes.push("the running proxy does not answer, so there is nothing to compare with".to_owned());
    None
}

/// Copies the operator states and the latches of the running proxy to the rehearsed one.
async fn follow(child: &Child, running: &Status, rehearsed: &mut Rehearsed) {
    let Ok(rehearsing) = child.status::<Status>().await else { return };
    for service in &rehearsing.services {
        let Some(before) = running.services.iter().find(|before| before.name == service.name) else { continue };
        let active = |service: &ServiceStatus| service.latch.as_ref().and_then(|latch| latch.active.clone());
        if let (Some(is), Some(was)) = (active(service), active(before))
            && is != was
            && service.backends.iter().any(|backend| backend.name == was)
        {
            let order = json!({ "service": service.name, "to": was, "who": WHO });
            if let Err(why) = child.client.post("/failover", &order).await {
                rehearsed.notes.push(format!("{}: {was} is active, and {is} in the rehearsal: {why}", service.name));
            }
        }
        for backend in before.backends.iter().filter(|backend| backend.operator != OperatorState::Ready) {
            let subject = format!("{}/{}", service.name, backend.name);
            if service.backends.iter().any(|own| own.name == backend.name) {
                rehearsed.notes.extend(child.set_state(&subject, backend.operator).await);
            }
        }
    }
}

fn routes(config: &ProxyConfig) -> Vec<Route> {
    let mut routes = Vec::new();
    for service in config.services.values().filter(|service| !shows_a_certificate(&service.target)) {
        for host in &service.hosts {
            let host = match host {
                HostPattern::Exact(name) => name.clone(),
                HostPattern::Suffix(suffix) => format!("{LABEL}.{suffix}"),
                HostPattern::Any => LABEL.to_owned(),
            };
            routes.extend(service.paths.iter().map(|path| Route {
                service: service.name.clone(),
                host: host.clone(),
                path: path.clone(),
                fixed: service.fixed_status(),
            }));
        }
    }
    routes
}

async fn ask_before(running: Option<&Running>, routes: &[Route]) -> Vec<Before> {
    let Some(running) = running else { return vec![Before::NotRunning; routes.len()] };
    let is_known = |route: &&Route| running.routing.has(&route.host, &route.path);
    let known: Vec<Route> = routes.iter().filter(is_known).cloned().collect();
    let mut answers = ask_all(running.at, &known).await.into_iter();
    let before = |route: &Route| match is_known(&route) {
        true => match answers.next().unwrap_or_else(|| Err(Error::new("it was not asked"))) {
            Ok(308) if running.redirects.contains(&route.service) => Before::SentToHttps,
            answer => Before::Answered(answer),
        },
        false => Before::NoRoute,
    };
    routes.iter().map(before).collect()
}

/// Every route's answer, in their order.
async fn ask_all(at: SocketAddr, routes: &[Route]) -> Vec<Answered> {
    let mut answers = vec![Err(Error::new("it was not asked")); routes.len()];
    let mut waiting = routes.iter().cloned().enumerate();
    let mut asked = JoinSet::new();
    loop {
        while asked.len() < AT_ONCE
            && let Some((n, route)) = waiting.next()
        {
            asked.spawn(async move { (n, ask(at, &route).await) });
        }
        let Some(ended) = asked.join_next().await else { return answers };
        if let Ok((n, answer)) = ended {
            answers[n] = answer;
        }
    }
}

async fn ask(at: SocketAddr, route: &Route) -> Answered {
    let answer = timeout(ANSWER_LIMIT, exchange(at, route)).await;
    answer.unwrap_or_else(|_| Err(Error::new(format!("nothing within {ANSWER_LIMIT:?}"))))
}

async fn exchange(at: SocketAddr, route: &Route) -> Answered {
    let mut stream = TcpStream::connect(at).await.map_err(Error::new)?;
    let get = Get { host: &route.host, path: &route.path, user_agent: "polder-rehearse" };
    http_status::status(&mut stream, &get).await.map_err(Error::new)
}

fn passes(answer: &Answered) -> bool {
    matches!(answer, Ok(status) if *status < 500)
}

fn judge(now: &Answered, before: &Before, fixed: Option<u16>) -> Judged {
    match before {
        // As the document has it, be it an error.
        _ if fixed.is_some_and(|fixed| *now == Ok(fixed)) => Judged::Proved,
        // It says nothing of the backends. Those that would be lost are told by themselves.
        Before::SentToHttps if *now == Ok(404) => Judged::Note,
        // A page that exists now and is not found then: it is another backend, or another site on it.
        Before::Answered(before) if passes(before) && *now == Ok(404) && *before != Ok(404) => Judged::Worse,
        _ if passes(now) => Judged::Proved,
        Before::Answered(before) if !passes(before) => Judged::Note,
        Before::Answered(_) | Before::NoRoute => Judged::Worse,
        Before::NotRunning | Before::SentToHttps => Judged::Note,
    }
}

fn in_words(compared: &Compared, status: &Status) -> String {
    let Compared { route: Route { service, host, path, .. }, now, before, judged } = compared;
    let answers = |answer: &Answered| match answer {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    let mut words = format!("{host}{path} answers {}", answers(now));
    if *judged == Judged::Proved {
        return words;
    }
    words.insert_str(0, &format!("service {service}: "));
    words.push_str(&match before {
        Before::NotRunning => ", and there is nothing to compare with".to_owned(),
        Before::NoRoute => ", and is new".to_owned(),
        Before::SentToHttps => ", and sends visitors to https now".to_owned(),
        Before::Answered(before) if answers(before) == answers(now) => ", as it does now".to_owned(),
        Before::Answered(before) => format!(", and {} now", answers(before)),
    });
    let with_backends = |known: &&ServiceStatus| known.name == *service && !known.backends.is_empty();
    if let Some(service) = status.services.iter().find(with_backends) {
        words.push_str(&format!(" ({})", backends_in_words(service)));
    }
    words
}

fn backends_in_words(service: &ServiceStatus) -> String {
    let backends = service.backends.iter().map(|backend| {
        let operator = match backend.operator {
            OperatorState::Ready => String::new(),
            state => format!(", {state}"),
        };
        format!("{} at {} is {}{operator}: {}", backend.name, backend.address, backend.check, backend.check_reason)
    });
    backends.collect::<Vec<_>>().join("; ")
}

/// Backends that are up for the running proxy and down for the rehearsed one: the service may work without them, but with less to
/// fall back on. Backends that an operator has taken out do not count.
fn lost_backends(before: &Status, now: &Status) -> Vec<String> {
    let was_up = |service: &str, backend: &str| {
        let service = before.services.iter().find(|before| before.name == service)?;
        let backend = service.backends.iter().find(|before| before.name == backend)?;
        (backend.check == Verdict::Up && backend.operator == OperatorState::Ready).then_some(&backend.address)
    };
    let mut lost = Vec::new();
    for service in &now.services {
        for backend in service.backends.iter().filter(|backend| backend.check == Verdict::Down) {
            let Some(at) = was_up(&service.name, &backend.name) else { continue };
            let (subject, to) = (format!("{}/{}", service.name, backend.name), &backend.address);
            lost.push(format!(
                "{subject} is up at {at}, and down at {to} in the rehearsal: {}; if that is meant, `polder maint {subject}` \
                 first",
                backend.check_reason
            ));
        }
    }
    lost
}

#[cfg(test)]
mod tests;
