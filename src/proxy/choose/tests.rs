#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use super::*;
use crate::api::operator::OperatorState;
use crate::config::proxy::Balance;
use crate::daemon::operator::OperatorStates;
use crate::health::Verdict;
use crate::proxy::choose::cookie::Cookie;
use crate::proxy::control::build::{SnapshotInput, build};
use crate::proxy::latch::{Keeper, Latch, Now};
use crate::proxy::queue::{Queue, Slots};
use crate::proxy::samples::{address, any_latch, backend, health, prepared_from, service, shake};
use crate::proxy::snapshot::ServiceQueue;

fn cookie() -> Arc<Cookie> {
    Arc::new(Cookie::sealed("polder-shop", "shop", &[[3; 32]]).unwrap())
}

fn sticky(backends: Vec<Backend>) -> Service {
    service(ServiceMode::Sticky { cookie: cookie() }, Balance::RoundRobin, backends)
}

fn latched(latch: LatchView, backends: Vec<Backend>) -> Service {
    service(ServiceMode::Latched { cookie: cookie(), latch }, Balance::RoundRobin, backends)
}

fn ask(service: &Service, cookie: Option<usize>, tried: u128) -> Choice {
    choose(service, RequestFacts { cookie, tried, ..Default::default() }, &mut BalanceState::default(), 0)
}

fn used(backend: usize, set_cookie: bool) -> Choice {
    Choice::Use { backend, set_cookie }
}

#[test]
fn a_valid_cookie_wins_over_balance_while_its_backend_is_up_and_ready_or_draining() {
    let mut service = sticky(vec![backend(0, 1), backend(1, 1), backend(2, 0)]);
    assert_eq!(ask(&service, None, 0), used(0, true));
    assert_eq!(ask(&service, Some(1), 0), used(1, false));
    assert_eq!(ask(&service, Some(2), 0), used(2, false), "a weight of 0 serves those that name it");
    service.backends[1].operator = OperatorState::Drain;
    assert_eq!(ask(&service, Some(1), 0), used(1, false));
    service.backends[1].operator = OperatorState::Maint;
    assert_eq!(ask(&service, Some(1), 0), used(0, true));
    service.backends[1].operator = OperatorState::Ready;
    service.backends[1].verdict = Verdict::Down;
    assert_eq!(ask(&service, Some(1), 0), used(0, true));
    assert_eq!(ask(&service, Some(0), 0b001), Choice::Nobody, "its own is tried and no other is usable");
}

#[test]
fn a_latch_wins_over_the_cookie_and_corrects_it() {
    let mut service = latched(LatchView::Active(1), vec![backend(0, 1), backend(1, 0)]);
    assert_eq!(ask(&service, None, 0), used(1, true));
    assert_eq!(ask(&service, Some(0), 0), used(1, true));
    assert_eq!(ask(&service, Some(1), 0), used(1, false));
    service.backends[1].operator = OperatorState::Drain;
    assert_eq!(ask(&service, Some(1), 0), used(1, false), "an active backend that drains still serves");
}

#[test]
fn while_the_verdict_on_the_active_backend_is_out_requests_wait() {
    let mut service = latched(LatchView::Active(0), vec![backend(0, 1), backend(1, 1)]);
    assert_eq!(ask(&service, None, 0b1), Choice::Wait);
    service.backends[0].verdict = Verdict::Unchecked;
    assert_eq!(ask(&service, None, 0), Choice::Wait);
    service.backends[0].verdict = Verdict::Down;
    assert_eq!(ask(&service, None, 0b1), Choice::Nobody, "the latch would have moved if anybody else could serve");
    let held = latched(LatchView::Hold, vec![backend(0, 1)]);
    assert_eq!(ask(&held, Some(0), 0), Choice::Wait);
    let nobody = latched(LatchView::Nobody, vec![backend(0, 1)]);
    assert_eq!(ask(&nobody, Some(0), 0), Choice::Nobody);
    let strange = latched(LatchView::Active(9), vec![backend(0, 1)]);
    assert_eq!(ask(&strange, None, 0), Choice::Nobody);
}

#[test]
fn backups_come_in_order_when_no_primary_is_usable_or_all_were_tried() {
    let mut backends = vec![backend(0, 1), backend(1, 1), backend(2, 1)];
    backends[1].backup = true;
    backends[2].backup = true;
    let mut service = service(ServiceMode::Stateless, Balance::RoundRobin, backends);
    assert_eq!(ask(&service, None, 0b001), used(1, false));
    assert_eq!(ask(&service, None, 0b011), used(2, false));
    assert_eq!(ask(&service, None, 0b111), Choice::Nobody);
    service.backends[0].verdict = Verdict::Down;
    service.backends[1].operator = OperatorState::Drain;
    assert_eq!(ask(&service, None, 0), used(2, false));
}

/// The rule of the choice again, as the set of all that may be chosen.
fn allowed(service: &Service, facts: RequestFacts) -> Vec<Choice> {
    let free = |index: usize| facts.tried & (1 << index) == 0;
    let full = |index: usize| service.backends[index].is_full() && facts.granted != Some(index);
    let one = |index: usize, set| if full(index) { Choice::Queue { among: 1 << index } } else { used(index, set) };
    let up_and_ready = |index: usize| {
        service.backends[index].verdict == Verdict::Up && service.backends[index].operator == OperatorState::Ready
    };
    let set = !matches!(service.mode, ServiceMode::Stateless);
    match &service.mode {
        ServiceMode::Latched { latch: LatchView::Hold | LatchView::Awaiting(_), .. } => return vec![Choice::Wait],
        ServiceMode::Latched { latch: LatchView::Nobody, .. } => return vec![Choice::Nobody],
        ServiceMode::Latched { latch: LatchView::Undecided, .. } => return vec![Choice::Undecided],
        ServiceMode::Latched { latch: LatchView::Isolated, .. } => return vec![Choice::Isolated],
        ServiceMode::Latched { latch: LatchView::Unagreed, .. } => return vec![Choice::Unagreed],
        ServiceMode::Latched { latch: LatchView::Active(active), .. } => {
            let backend = &service.backends[*active];
            return vec![match (backend.verdict, backend.operator) {
                (Verdict::Down, _) | (_, OperatorState::Maint) => Choice::Nobody,
                (Verdict::Up, _) if free(*active) => one(*active, facts.cookie != Some(*active)),
                _ => Choice::Wait,
            }];
        }
        ServiceMode::Sticky { .. } | ServiceMode::Stateless => {
            let cookie = facts.cookie.filter(|_| set).map(|named| (named, false));
            for (bound, set) in cookie.into_iter().chain(facts.authenticated.map(|known| (known, set))) {
                let backend = &service.backends[bound];
                if free(bound) && backend.verdict == Verdict::Up && backend.operator != OperatorState::Maint {
                    return vec![one(bound, set)];
                }
            }
        }
    }
    let every: Vec<usize> = (0..service.backends.len())
        .filter(|i| up_and_ready(*i) && free(*i) && service.backends[*i].weight > 0)
        .collect();
    let primaries: Vec<usize> = every.iter().copied().filter(|i| !service.backends[*i].backup).collect();
    if let Some(granted) = facts.granted.filter(|granted| primaries.contains(granted)) {
        return vec![used(granted, set)];
    }
    let ready: Vec<_> = primaries.iter().filter(|i| !full(**i)).map(|i| used(*i, set)).collect();
    match (primaries.is_empty(), every.first()) {
        (false, _) if ready.is_empty() => vec![Choice::Queue { among: primaries.iter().map(|i| 1 << i).sum() }],
        (false, _) => ready,
        (true, Some(backup)) => vec![one(*backup, set)],
        (true, None) => vec![Choice::Nobody],
    }
}

#[test]
fn whatever_the_state_the_choice_is_one_that_the_rules_allow() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..50_000 {
        let count = random.usize(1..6);
        let mut backends: Vec<_> = (0..count).map(|number| backend(number, random.u32(0..4))).collect();
        let queue = Arc::<Queue>::default();
        let mut taken = Vec::new();
        for backend in &mut backends {
            shake(backend, &mut random);
            backend.slots = (random.u8(..3) == 0).then(|| Slots::new(1, None));
            taken.extend(backend.slots.as_ref().filter(|_| random.u8(..3) > 0).and_then(|slots| slots.take(&queue)));
            backend.backup = random.u8(..4) == 0;
        }
        let latch = any_latch(count, &mut random);
        let mode = match random.u8(..3) {
            0 => ServiceMode::Stateless,
            1 => ServiceMode::Sticky { cookie: Arc::new(Cookie::address("c")) },
            _ => ServiceMode::Latched { cookie: Arc::new(Cookie::address("c")), latch },
        };
        let balance = [Balance::RoundRobin, Balance::LeastConnections, Balance::RandomTwoChoices][random.usize(..3)];
        let mut service = service(mode, balance, backends);
        service.queue = Some(ServiceQueue { queue, config: Default::default() });
        let facts = RequestFacts {
            granted: (random.u8(..4) == 0).then(|| random.usize(..count)),
            now: Duration::ZERO,
            cookie: random.bool().then(|| random.usize(..count)),
            authenticated: (random.u8(..4) == 0).then(|| random.usize(..count)),
            tried: u128::from(random.u8(..)) & u128::from(random.u8(..)),
        };
        let mut spread = BalanceState::default();
        for _ in 0..3 {
            let choice = choose(&service, facts, &mut spread, random.u64(..));
            assert!(allowed(&service, facts).contains(&choice), "seed {seed}: {choice:?} for {facts:?} of {service:?}");
        }
    }
}

/// Three proxies as they come out of one document, for each mode and encoding.
fn fleets() -> Vec<Vec<Service>> {
    let document = |more: &str, value: &str| {
        format!(
            r#"{{ "version": 1, "name": "px", "state_dir": "/nowhere", "workers": 1,
                "listeners": [ {{ "name": "http", "address": "127.0.0.1:80" }} ], "admin": {{ "socket": "/nowhere/s" }},
                "services": {{ "shop": {{ "hosts": ["shop.test"], "mode": "stateful", {more},
                    "cookie": {{ "value": {value} }},
                    "backends": [ {{ "name": "web0", "address": "192.0.2.1:80" }}, {{ "name": "web1", "address": "[2001:db8::1]:80", "backup": {backup} }},
                                  {{ "name": "web2", "address": "192.0.2.1:81", "backup": {backup} }} ],
                    "check": {{ "path": "/" }} }} }} }}"#,
            backup = more.contains("permanent"),
        )
    };
    let cases = [(r#""failover": "automatic""#, r#""address""#), (r#""failover": "permanent""#, r#""address""#)];
    let sealed = [r#""failover": "automatic""#, r#""failover": "permanent""#];
    let texts = cases.map(|(more, value)| document(more, value)).into_iter();
    let texts = texts.chain(sealed.map(|more| document(more, r#""sealed", "key_file": "/nowhere/keys""#)));
    texts.map(|text| (0..3).map(|_| built(&text)).collect()).collect()
}

fn built(text: &str) -> Service {
    let prepared = prepared_from(text);
    let keeper = Keeper::new(Latch::first("web1"));
    let circumstances = SnapshotInput {
        own: "px",
        health: &health(&prepared, Verdict::Up),
        operator: &OperatorStates::default(),
        latch: &|_| Some(&keeper),
        now: Now::default(),
        draining: false,
        peers: &Default::default(),
        agreement: None,
        isolation: &Default::default(),
        challenges: Default::default(),
        workers: 1,
    };
    build(&prepared, &circumstances, None).services.remove(0)
}

#[test]
fn three_proxies_pick_the_same_backend_for_a_valid_cookie_and_some_backend_of_the_service_for_any_other() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let fleets = fleets();
    let mut memories = vec![BalanceState::default(); 3];
    let (mut valid, mut others) = (0, 0);
    for _ in 0..10_000 {
        let proxies = &fleets[random.usize(..fleets.len())];
        let cookie_of = |proxy: &Service| match &proxy.mode {
            ServiceMode::Sticky { cookie } | ServiceMode::Latched { cookie, .. } => cookie.clone(),
            ServiceMode::Stateless => unreachable!("the document says stateful"),
        };
        // Set by one of them, for one of its backends; or stale, forged, broken, or plain noise.
        let named = random.usize(..3);
        let setter = cookie_of(&proxies[random.usize(..3)]);
        let whole = setter.set(proxies[0].backends[named].address, false);
        let stale = setter.set(address(200), false);
        let text = |set: &str| set.split(';').next().unwrap().as_bytes().to_vec();
        let (field, whole) = match random.u8(..6) {
            0..=2 => (text(&whole), true),
            3 => (text(&stale), false),
            4 => {
                let mut broken = text(&whole);
                let at = random.usize("polder-shop=".len()..broken.len());
                broken[at] ^= 1 << random.u8(..8);
                (broken, false)
            }
            _ => ([b"polder-shop=".to_vec(), (0..random.usize(..80)).map(|_| random.u8(..)).collect()].concat(), false),
        };
        let mut opened = Vec::new();
        for (proxy, memory) in proxies.iter().zip(&mut memories) {
            let cookie = cookie_of(proxy);
            let facts = RequestFacts {
                cookie: cookie.find(&field).and_then(|value| cookie.open(value, proxy.addresses())),
                ..RequestFacts::default()
            };
            opened.push(facts.cookie);
            let choice = choose(proxy, facts, memory, random.u64(..));
            let Choice::Use { backend, set_cookie } = choice else { panic!("seed {seed}: {choice:?}") };
            assert!(proxy.backends[backend].eligibility().admits_new(), "seed {seed}");
            match &proxy.mode {
                ServiceMode::Latched { .. } => assert_eq!(backend, 1, "seed {seed}: the latch decides"),
                _ => assert!(facts.cookie.is_none_or(|named| named == backend), "seed {seed}"),
            }
            assert_eq!(
                set_cookie,
                facts.cookie != Some(backend),
                "seed {seed}: a right one stays, another is replaced"
            );
        }
        assert!(opened.iter().all(|one| *one == opened[0]), "seed {seed}: {opened:?}");
        assert!(!whole || opened[0] == Some(named), "seed {seed}");
        if whole { valid += 1 } else { others += 1 }
    }
    assert!(valid > 4_000 && others > 4_000, "seed {seed}");
}
