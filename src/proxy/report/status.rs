//! The state of a proxy at one moment, as `GET /status` shows it.
//!
//! Owns how the control state and the workers' counts become an [`api::Status`](crate::api::proxy::Status). Must never: change
//! anything. Called by `admin` for `/status` and `/`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::acme::report::certificate_status;
use crate::api::agreement::Cluster;
use crate::api::daemon::{Daemon, DaemonStatus, PeerStatus};
use crate::api::proxy::{BackendStatus, ByCookie, LatchStatus, ServiceStatus, Status};
use crate::config::fingerprint::in_text;
use crate::daemon::challenges::NameserverHealth;
use crate::daemon::lifecycle::{Figures, LastReload};
use crate::daemon::peers::PeerHealth;
use crate::daemon::trends::Trends;
use crate::proxy::choose::is_usable;
use crate::proxy::control::State;
use crate::proxy::control::prepared::{PreparedMode, PreparedService};
use crate::proxy::latch::{Keeper, Now};
use crate::proxy::snapshot::{Backend, Front, FrontTarget, Service};
use crate::proxy::traffic::counters::WorkerCounters;
use crate::unix_time::to_unix_ms;

/// For how long a nameserver may be silent after the start before that is an alarm.
const SILENT: Duration = Duration::from_secs(10);

/// The same of one that was heard: it is spoken to once a minute while nothing is ordered.
const NAMESERVER_SILENT: Duration = Duration::from_secs(70);

/// What counts as lately, in minutes.
const LATELY: usize = 10;

/// What the status shows besides the control state.
#[derive(Default)]
pub struct Live {
    /// The workers' counts.
    pub workers: Vec<Arc<WorkerCounters>>,
    /// How many connections clients have.
    pub connections: usize,
    /// The addresses listened on.
    pub listeners: Vec<String>,
    /// Lines of the access log that could not be kept.
    pub log_lines_dropped: u64,
    /// Why the last of them could not be written.
    pub log_failure: Option<String>,
    /// How each nameserver is doing that is told challenges of the CA.
    pub nameservers: BTreeMap<String, NameserverHealth>,
    /// How the members of etcd stand, where the document names any.
    pub agreement: Option<Cluster>,
    /// Looks at files that do not end, each a sentence.
    pub hanging: Vec<String>,
    /// What the shell knows: peers, reloads, state files.
    pub shell: Figures,
}

/// Collects the status.
pub fn status(state: &State, live: &Live, now: Now) -> Status {
    let snapshot = state.snapshot();
    let daemon = DaemonStatus {
        role: Daemon::Proxy,
        name: state.own.clone(),
        version: crate::daemon::VERSION.into(),
        pid: std::process::id(),
        uptime_s: now.running.as_secs(),
        generation: snapshot.generation,
        ready: snapshot.ready,
        draining: snapshot.draining,
        listeners: live.listeners.clone(),
        settings: in_text(&state.prepared.document.settings),
        peers: peers(state, live, now),
        alarms: alarms(state, live, now),
        last_reload: live.shell.last_reload.as_ref().map(LastReload::in_words),
    };
    let orders: Vec<_> = state.orders.standings(snapshot.ready, now).collect();
    Status {
        daemon,
        connections: live.connections,
        requests: live.workers.iter().map(|worker| worker.requests.load(Relaxed)).sum(),
        services: snapshot.fronts.iter().map(|front| of_front(state, &live.shell.trends, front, now)).collect(),
        certificates: snapshot
            .settings
            .tls
            .iter()
            .flat_map(|tls| tls.certificates().iter())
            .map(|slot| certificate_status(slot, &orders))
            .collect(),
        agreement: live.agreement.clone(),
    }
}

/// What the operator should look at, each a sentence.
pub fn alarms(state: &State, live: &Live, now: Now) -> Vec<String> {
    let mut alarms = state.alarms(now);
    alarms.extend(live.shell.alarms());
    alarms.extend(live.hanging.iter().cloned());
    alarms.extend(live.log_failure.clone());
    alarms.extend(live.shell.peers.values().filter_map(|health| health.silence_alarm(now)));
    alarms.extend(live.nameservers.iter().filter_map(|(name, health)| untold(name, health, now)));
    alarms
}

fn untold(name: &str, health: &NameserverHealth, now: Now) -> Option<String> {
    let error = health.error.as_deref()?;
    let is_lately = health
        .heard
        .is_some_and(|heard| now.unix_ms.saturating_sub(to_unix_ms(heard)) < NAMESERVER_SILENT.as_millis() as u64);
    let is_new = health.heard.is_none() && now.running < SILENT;
    let alarm =
        || format!("nameserver {name}: {error}; where it is asked by the CA, no certificate is ordered by dns-01");
    (!is_lately && !is_new).then(alarm)
}

fn peers(state: &State, live: &Live, now: Now) -> Vec<PeerStatus> {
    let peer = |(name, health): (&String, &PeerHealth)| PeerStatus {
        name: name.clone(),
        heard: health.heard.map(to_unix_ms),
        error: health.error.clone(),
        differs: state.peers.get(name).map(|words| words.differing(now)).unwrap_or_default(),
    };
    live.shell.peers.iter().map(peer).collect()
}

fn of_front(state: &State, trends: &Trends, front: &Front, now: Now) -> ServiceStatus {
    match &front.target {
        FrontTarget::Backends(place) => {
            of_service(state, trends, &state.prepared.services[*place], &state.snapshot().services[*place], now)
        }
        FrontTarget::Own(target) => ServiceStatus {
            name: front.name.to_string(),
            fingerprint: fingerprint(state, &front.name),
            hosts: hosts(state, &front.name),
            mode: target.kind().into(),
            target: state.prepared.document.services.get(&*front.name).map(|config| config.target.to_string()),
            usable: true,
            why_unusable: None,
            latch: None,
            backends: Vec::new(),
        },
    }
}

fn fingerprint(state: &State, service: &str) -> String {
    let config = state.prepared.document.services.get(service);
    config.map(|config| config.fingerprint.to_string()).unwrap_or_default()
}

fn hosts(state: &State, service: &str) -> Vec<String> {
    let config = state.prepared.document.services.get(service);
    config.map(|config| config.hosts.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

fn of_service(
    state: &State,
    trends: &Trends,
    prepared: &PreparedService,
    service: &Service,
    now: Now,
) -> ServiceStatus {
    let usable = is_usable(service);
    ServiceStatus {
        name: service.name.to_string(),
        fingerprint: fingerprint(state, &service.name),
        hosts: hosts(state, &service.name),
        target: None,
        mode: match prepared.mode {
            PreparedMode::Stateless => "stateless",
            PreparedMode::Sticky(_) => "sticky",
            PreparedMode::Latched { .. } => "latched",
        }
        .into(),
        usable,
        why_unusable: if usable { None } else { state.why_unserved(&service.name) },
        latch: prepared
            .rules()
            .and_then(|_| state.latches.get(&service.name))
            .map(|keeper| of_latch(state, &service.name, keeper)),
        backends: service.backends.iter().map(|backend| of_backend(state, trends, service, backend, now)).collect(),
    }
}

fn of_latch(state: &State, service: &str, keeper: &Keeper) -> LatchStatus {
    let latch = keeper.latch();
    LatchStatus {
        active: latch.map(|latch| latch.active.clone()),
        epoch: latch.map_or(0, |latch| latch.epoch),
        by: latch.map(|latch| latch.by.clone()).unwrap_or_default(),
        reason: latch.map_or_else(|| keeper.why_undecided(), |latch| latch.reason.clone()),
        at: latch.map_or(0, |latch| latch.at),
        spent: latch.map(|latch| latch.failed_from.clone()).unwrap_or_default(),
        stored: state.latches.is_stored(service),
    }
}

/// How [`Trends`] call the requests that cookies have bound to a backend.
pub(super) fn by_cookie(service: &str, backend: &str) -> String {
    format!("{service}/{backend} by cookie")
}

fn of_backend(state: &State, trends: &Trends, service: &Service, backend: &Backend, now: Now) -> BackendStatus {
    let health = state.health.get(&backend.target);
    let subject = format!("{}/{}", service.name, backend.name);
    let note = state.operator.0.get(&subject);
    BackendStatus {
        name: backend.name.to_string(),
        address: backend.address.to_string(),
        weight: backend.weight,
        backup: backend.backup,
        check: backend.verdict,
        check_reason: health.map_or_else(|| "not probed yet".into(), |health| health.reason.to_string()),
        check_since: health.map_or(now.unix_ms, |health| to_unix_ms(health.since)),
        operator: backend.operator,
        note: note.filter(|note| note.state == backend.operator).cloned(),
        running: backend.running(),
        requests: backend.requests(),
        by_cookie: service.is_sticky().then(|| ByCookie {
            requests: backend.requests_by_cookie(),
            lately: trends.of(&by_cookie(&service.name, &backend.name)).map_or(0, |trend| trend.used_within(LATELY)),
        }),
    }
}
