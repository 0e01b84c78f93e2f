//! From a document, health, the operator's words and the latches to a snapshot (pure).
//!
//! Owns what a snapshot is made of. Must never: decide anything by itself; counters and counts of waiting requests are
//! carried over from the snapshot before, as long as service, backend and address stay the same. Called by `control`
//! after every event.

use std::sync::Arc;

use super::isolation::Isolation;
use super::prepared::{Prepared, PreparedBackend, PreparedMode, PreparedService};
use crate::acme::challenges::Challenges;
use crate::config::proxy::{LatchConfig, WithoutAgreement};
use crate::daemon::operator::OperatorStates;
use crate::health::{HealthView, Proof, Verdict};
use crate::proxy::agreement::{Agreement, Standing};
use crate::proxy::choose::is_usable;
use crate::proxy::latch::{BackendState, Keeper, Latch, Now, Situation};
use crate::proxy::queue::{Queue, Slots};
use crate::proxy::service_counters::ServiceCounters;
use crate::proxy::snapshot::{
    Backend, BackendCounters, Front, LatchView, Service, ServiceMode, ServiceQueue, Snapshot, Stays,
};

/// Everything that a snapshot depends on besides the document.
pub struct SnapshotInput<'a> {
    /// This proxy's name.
    pub own: &'a str,
    /// The verdicts of the checks.
    pub health: &'a HealthView,
    /// The operator states.
    pub operator: &'a OperatorStates,
    /// The latch of a service.
    pub latch: &'a dyn Fn(&str) -> Option<&'a Keeper>,
    /// The present moment.
    pub now: Now,
    /// The daemon is stopping or handed over.
    pub draining: bool,
    /// Whether what is known of the peers' latches may be acted on still.
    pub peers: &'a Proof,
    /// What this proxy alone cannot reach.
    pub isolation: &'a Isolation,
    /// By what the proxies agree on latches, where they do by a store.
    pub agreement: Option<&'a Agreement>,
    /// What a CA asks for.
    pub challenges: Challenges,
    /// Worker threads: as many slots in each backend's counters.
    pub workers: usize,
}

/// Builds the snapshot that follows `previous`.
pub fn build(prepared: &Prepared, at: &SnapshotInput<'_>, previous: Option<&Snapshot>) -> Snapshot {
    let before = |name: &str| previous.and_then(|snapshot| snapshot.service(name));
    let services: Vec<Service> =
        prepared.services.iter().map(|service| build_service(service, at, before(&service.name))).collect();
    Snapshot {
        generation: previous.map_or(1, |previous| previous.generation + 1),
        ready: !at.draining
            && (services.is_empty() || services.iter().any(is_usable))
            && !services.iter().any(Service::is_undecided)
            && !at.isolation.stands_back(),
        draining: at.draining,
        peers: at.peers.clone(),
        router: prepared.router.clone(),
        fronts: prepared.fronts.clone(),
        counted: counted(prepared, at.workers, previous),
        services,
        challenges: at.challenges.clone(),
        settings: prepared.settings.clone(),
    }
}

/// Whether two snapshots of the same document answer every request alike: then the second need not be published.
pub fn answers_alike(one: &Snapshot, other: &Snapshot) -> bool {
    let backend = |a: &Backend, b: &Backend| a.verdict == b.verdict && a.operator == b.operator && a.proof == b.proof;
    let service = |(a, b): (&Service, &Service)| {
        latch(a) == latch(b)
            && a.fence == b.fence
            && a.stays == b.stays
            && a.backends.len() == b.backends.len()
            && a.backends.iter().zip(&b.backends).all(|(a, b)| backend(a, b))
    };
    one.ready == other.ready
        && one.peers == other.peers
        && one.draining == other.draining
        && one.challenges == other.challenges
        && one.services.len() == other.services.len()
        && one.services.iter().zip(&other.services).all(service)
}

fn counted(prepared: &Prepared, workers: usize, previous: Option<&Snapshot>) -> Arc<[Arc<[ServiceCounters]>]> {
    let Some(previous) = previous else {
        return prepared.fronts.iter().map(|_| ServiceCounters::of_workers(workers)).collect();
    };
    if Arc::ptr_eq(&prepared.fronts, &previous.fronts) {
        return previous.counted.clone();
    }
    // In the order of the document's table.
    let place = |front: &Front| previous.fronts.binary_search_by(|last| last.name.cmp(&front.name));
    let of = |front| {
        place(front).map_or_else(|_| ServiceCounters::of_workers(workers), |place| previous.counted[place].clone())
    };
    prepared.fronts.iter().map(of).collect()
}

fn latch(service: &Service) -> Option<LatchView> {
    match &service.mode {
        ServiceMode::Latched { latch, .. } => Some(*latch),
        ServiceMode::Stateless | ServiceMode::Sticky { .. } => None,
    }
}

fn build_service(service: &PreparedService, at: &SnapshotInput<'_>, before: Option<&Service>) -> Service {
    let (mut fence, mut stays) = (Proof::default(), Stays::ByView);
    let mode = match &service.mode {
        PreparedMode::Stateless => ServiceMode::Stateless,
        PreparedMode::Sticky(cookie) => ServiceMode::Sticky { cookie: cookie.clone() },
        PreparedMode::Latched { cookie, rules } => {
            let backends = backend_states(service, at.health, at.operator, at.isolation, at.now);
            let isolated = at.isolation.is_isolated(&service.name);
            let agreed = at.agreement.is_some();
            let own = at.own;
            let name = &service.name;
            let situation = Situation { own, service: name, backends: &backends, rules, running: 0, isolated, agreed };
            let keeper = (at.latch)(name);
            let mut view = keeper.map_or(LatchView::Undecided, |keeper| keeper.view(at.now, &situation));
            // Until a proxy that has just begun to agree has taken its seat, its visitors notice nothing of it.
            let agreement = at.agreement.filter(|agreement| !agreement.is_joining(at.now));
            if let (Some(agreement), Some(latch)) = (agreement, keeper.and_then(Keeper::latch)) {
                view = held_to(view, agreement, name, latch, rules, at.now);
                if rules.without_agreement == WithoutAgreement::Stop && !latch.without_agreement {
                    fence = agreement.fence(at.now);
                }
                stays = stays_by(service, agreement, latch, rules, at.now);
            }
            ServiceMode::Latched { cookie: cookie.clone(), latch: view }
        }
    };
    Service {
        name: service.name.clone(),
        pass_fields: service.pass_fields,
        mode,
        balance: service.balance,
        backend_version: service.backend_version,
        backend_tls: service.backend_tls.clone(),
        send_proxy: service.send_proxy,
        connections: service.connections,
        retry_budget: service
            .connections
            .retry
            .budget
            .map(|_| before.and_then(|before| before.retry_budget.clone()).unwrap_or_default()),
        queue: service.queue.map(|config| ServiceQueue { config, queue: queue(before) }),
        slow_start: service.slow_start,
        backends: service.backends.iter().map(|backend| build_backend(service, backend, at, before)).collect(),
        verdict_bound: service.verdict_bound,
        hold_bound: service.hold_bound,
        fence,
        stays,
        waiting: before.map_or_else(Arc::default, |before| before.waiting.clone()),
    }
}

/// What of a latch's view the agreement of the proxies allows.
fn held_to(
    view: LatchView,
    agreement: &Agreement,
    service: &str,
    latch: &Latch,
    rules: &LatchConfig,
    now: Now,
) -> LatchView {
    let (LatchView::Active(_) | LatchView::Hold) = view else { return view };
    if latch.without_agreement {
        return view;
    }
    match (agreement.standing(service, latch, now), view, rules.without_agreement) {
        (Standing::Serves, _, _) => view,
        (Standing::Begins | Standing::Unreadable | Standing::Lapsed, _, WithoutAgreement::Keep) => view,
        (Standing::Unreadable | Standing::Lapsed, _, WithoutAgreement::Stop) => LatchView::Unagreed,
        (Standing::Awaits(_), LatchView::Active(active), _) => LatchView::Awaiting(active),
        (Standing::Begins, _, WithoutAgreement::Stop) | (Standing::Awaits(_), _, _) => LatchView::Hold,
    }
}

/// Which requests that run may go on: by what was agreed, whatever is found of the backend here.
fn stays_by(service: &PreparedService, agreement: &Agreement, latch: &Latch, rules: &LatchConfig, now: Now) -> Stays {
    if latch.without_agreement {
        return Stays::ByView;
    }
    if rules.without_agreement == WithoutAgreement::Stop && !agreement.lets_run(&service.name, now) {
        return Stays::Nobody;
    }
    Stays::Only(service.backends.iter().position(|backend| *backend.name == *latch.active))
}

fn build_backend(
    service: &PreparedService,
    backend: &PreparedBackend,
    at: &SnapshotInput<'_>,
    before: Option<&Service>,
) -> Backend {
    let same = |other: &&Backend| other.name == backend.name && other.address == backend.address;
    let before = before.and_then(|service| service.backends.iter().find(same));
    let health = at.health.get(&backend.target).map(|health| service.judged_by(health));
    let verdict = health.map_or(Verdict::Unchecked, |health| health.verdict);
    let operator = at.operator.state(&backend.subject, at.now.unix_ms);
    let was_out = before.is_some_and(Backend::is_out);
    let now = Backend {
        name: backend.name.clone(),
        address: backend.address,
        weight: backend.weight,
        backup: backend.backup,
        verdict,
        proof: health.map(|health| health.proof.clone()).unwrap_or_default(),
        operator,
        up_since: before.and_then(|before| before.up_since),
        slots: backend.max_connections.map(|most| Slots::new(most, before.and_then(|before| before.slots.as_ref()))),
        own_fields: backend.own_fields.clone(),
        target: backend.target.clone(),
        counters: before.map_or_else(
            || (0..at.workers).map(|_| BackendCounters::default()).collect(),
            |before| before.counters.clone(),
        ),
    };
    let has_come = was_out && !now.is_out();
    Backend { up_since: if has_come { Some(at.now.running) } else { now.up_since }, ..now }
}

fn queue(before: Option<&Service>) -> Arc<Queue> {
    before.and_then(|before| before.queue.as_ref()).map_or_else(Arc::default, |before| before.queue.clone())
}

/// The backends of a service as its latch sees them: one of which nothing recent is known is not checked.
pub fn backend_states<'a>(
    service: &'a PreparedService,
    health: &'a HealthView,
    operator: &OperatorStates,
    isolation: &Isolation,
    now: Now,
) -> Vec<BackendState<'a>> {
    let standing = |backend: &'a PreparedBackend| {
        let health = health.get(&backend.target);
        let judged = health.map(|health| service.judged_by(health)).filter(|judged| judged.proof.holds(now.running));
        BackendState {
            name: &backend.name,
            address: backend.address,
            backup: backend.backup,
            verdict: judged.map_or(Verdict::Unchecked, |judged| judged.verdict),
            hearsay: health.is_none_or(|health| health.hearsay),
            reason: health.map_or("not probed yet", |health| &health.reason),
            operator: operator.state(&backend.subject, now.unix_ms),
            contradicted: isolation.contradicts(&backend.told_as),
        }
    };
    service.backends.iter().map(standing).collect()
}
