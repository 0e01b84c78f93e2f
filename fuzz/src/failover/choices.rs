//! What a request gets, as the set of all that it may get.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use polder::api::operator::OperatorState;
use polder::config::proxy::Balance;
use polder::config::{CheckConfig, ProbeKind};
use polder::health::{Target, Verdict};
use polder::proxy::choose::cookie::Cookie;
use polder::proxy::choose::{BalanceState, Choice, RequestFacts, choose};
use polder::proxy::latch::BackendState;
use polder::proxy::snapshot::{Backend, BackendCounters, LatchView, Service, ServiceMode};

use super::proxy::Proxy;

static COOKIE: LazyLock<Arc<Cookie>> = LazyLock::new(|| Arc::new(Cookie::address("polder-shop")));

/// What is dialled and probed: nobody looks at it here.
static TARGET: LazyLock<Arc<Target>> = LazyLock::new(|| {
    let second = Duration::from_secs(1);
    let check = CheckConfig {
        protocol: Default::default(),
        kind: ProbeKind::Tcp,
        port: None,
        interval: second,
        fast_interval: second,
        timeout: second,
        rise: 2,
        fall: 3,
    };
    Arc::new(Target { address: ([192, 0, 2, 21], 80).into(), check })
});

/// Asks once. `which` says how the service treats state, what cookie comes, and what was tried before.
pub fn check(proxy: &mut Proxy, now: Duration, which: u8) {
    let latch = proxy.at(now, |keeper, now, situation| keeper.view(now, situation));
    let backend_states = proxy.backend_states();
    let (mode, balance) = match which >> 6 {
        0 => (ServiceMode::Stateless, Balance::RandomTwoChoices),
        1 => (ServiceMode::Sticky { cookie: Arc::clone(&COOKIE) }, Balance::LeastConnections),
        _ => (ServiceMode::Latched { cookie: Arc::clone(&COOKIE), latch }, Balance::RoundRobin),
    };
    let cookie = Some(usize::from(which & 3)).filter(|named| *named < backend_states.len() && which & 4 == 0);
    let ask =
        RequestFacts { cookie, tried: u128::from(which >> 2 & 0xf), authenticated: None, ..RequestFacts::default() };
    let service = service(mode, balance, &backend_states);
    let choice = choose(&service, ask, &mut BalanceState::default(), u64::from(which) << 27);
    let allowed = allowed(&service, ask);
    assert!(allowed.contains(&choice), "{choice:?} for {ask:?}, allowed {allowed:?}: {service:?}");
}

fn service(mode: ServiceMode, balance: Balance, backend_states: &[BackendState<'_>]) -> Service {
    let backend = |(index, standing): (usize, &BackendState<'_>)| {
        let slot = BackendCounters::default();
        slot.running.store(7 * index as u64 % 3, std::sync::atomic::Ordering::Relaxed);
        Backend {
            name: standing.name.into(),
            address: ([192, 0, 2, 21], 80).into(),
            weight: [100, 0, 1, 1000][index % 4],
            backup: standing.backup,
            verdict: standing.verdict,
            operator: standing.operator,
            up_since: None,
            own_fields: None,
            slots: None,
            target: Arc::clone(&TARGET),
            counters: Arc::new([slot]),
            proof: Default::default(),
        }
    };
    Service {
        send_proxy: None,
        name: "shop".into(),
        backend_version: Default::default(),
        backend_tls: None,
        pass_fields: polder::config::proxy::PassedFields::default(),
        connections: Default::default(),
        retry_budget: None,
        queue: None,
        slow_start: None,
        mode,
        balance,
        backends: backend_states.iter().enumerate().map(backend).collect(),
        verdict_bound: Duration::from_secs(1),
        hold_bound: Duration::from_secs(2),
        fence: Default::default(),
        stays: Default::default(),
        waiting: Arc::default(),
    }
}

fn allowed(service: &Service, ask: RequestFacts) -> Vec<Choice> {
    let free = |index: usize| ask.tried >> index & 1 == 0;
    let fits = |backend: &Backend| backend.verdict == Verdict::Up && backend.operator == OperatorState::Ready;
    let uses = |backend, set_cookie| Choice::Use { backend, set_cookie };
    match service.mode {
        ServiceMode::Latched { latch: LatchView::Hold | LatchView::Awaiting(_), .. } => return vec![Choice::Wait],
        ServiceMode::Latched { latch: LatchView::Nobody, .. } => return vec![Choice::Nobody],
        ServiceMode::Latched { latch: LatchView::Undecided, .. } => return vec![Choice::Undecided],
        ServiceMode::Latched { latch: LatchView::Unagreed, .. } => return vec![Choice::Unagreed],
        ServiceMode::Latched { latch: LatchView::Isolated, .. } => return vec![Choice::Isolated],
        ServiceMode::Latched { latch: LatchView::Active(active), .. } => {
            let backend = &service.backends[active];
            return vec![match (backend.verdict, backend.operator) {
                (Verdict::Down, _) | (_, OperatorState::Maint) => Choice::Nobody,
                (Verdict::Up, _) if free(active) => uses(active, ask.cookie != Some(active)),
                _ => Choice::Wait,
            }];
        }
        ServiceMode::Sticky { .. } => {
            if let Some(named) = ask.cookie.filter(|named| free(*named)) {
                let backend = &service.backends[named];
                if backend.verdict == Verdict::Up && backend.operator != OperatorState::Maint {
                    return vec![uses(named, false)];
                }
            }
        }
        ServiceMode::Stateless => {}
    }
    let set_cookie = matches!(service.mode, ServiceMode::Sticky { .. });
    let among = |backup: bool| {
        let fitting = service.backends.iter().enumerate();
        let fitting = fitting.filter(move |(index, backend)| {
            backend.backup == backup && backend.weight > 0 && fits(backend) && free(*index)
        });
        fitting.map(|(index, _)| uses(index, set_cookie)).collect::<Vec<_>>()
    };
    match (among(false), among(true)) {
        (primaries, _) if !primaries.is_empty() => primaries,
        (_, backups) if !backups.is_empty() => backups[..1].to_vec(),
        _ => vec![Choice::Nobody],
    }
}
