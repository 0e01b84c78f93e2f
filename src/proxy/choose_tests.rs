#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use super::*;
use crate::config::proxy::Balance;
use crate::proxy::cookie::Cookie;
use crate::proxy::samples::{address, backend, service, shake};
use crate::proxy::snapshot::Backend;

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
    choose(service, Ask { cookie, tried }, &mut Spread::default(), 0)
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

/// DESIGN 7 "Choose" again, as the set of all that may be chosen.
fn allowed(service: &Service, ask: Ask) -> Vec<Choice> {
    let free = |index: usize| ask.tried & (1 << index) == 0;
    let up_and_ready = |index: usize| {
        service.backends[index].verdict == Verdict::Up && service.backends[index].operator == OperatorState::Ready
    };
    let set = !matches!(service.mode, ServiceMode::Stateless);
    match &service.mode {
        ServiceMode::Latched { latch: LatchView::Hold, .. } => return vec![Choice::Wait],
        ServiceMode::Latched { latch: LatchView::Nobody, .. } => return vec![Choice::Nobody],
        ServiceMode::Latched { latch: LatchView::Active(active), .. } => {
            let backend = &service.backends[*active];
            return vec![match (backend.verdict, backend.operator) {
                (Verdict::Down, _) | (_, OperatorState::Maint) => Choice::Nobody,
                (Verdict::Up, _) if free(*active) => used(*active, ask.cookie != Some(*active)),
                _ => Choice::Wait,
            }];
        }
        ServiceMode::Sticky { .. } => {
            if let Some(named) = ask.cookie.filter(|named| free(*named)) {
                let backend = &service.backends[named];
                if backend.verdict == Verdict::Up && backend.operator != OperatorState::Maint {
                    return vec![used(named, false)];
                }
            }
        }
        ServiceMode::Stateless => {}
    }
    let every: Vec<usize> = (0..service.backends.len())
        .filter(|i| up_and_ready(*i) && free(*i) && service.backends[*i].weight > 0)
        .collect();
    let primaries: Vec<_> = every.iter().filter(|i| !service.backends[**i].backup).map(|i| used(*i, set)).collect();
    match (primaries.is_empty(), every.first()) {
        (false, _) => primaries,
        (true, Some(backup)) => vec![used(*backup, set)],
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
        for backend in &mut backends {
            shake(backend, &mut random);
            backend.backup = random.u8(..4) == 0;
        }
        let latch = [LatchView::Active(random.usize(..count)), LatchView::Hold, LatchView::Nobody][random.usize(..3)];
        let mode = match random.u8(..3) {
            0 => ServiceMode::Stateless,
            1 => ServiceMode::Sticky { cookie: Arc::new(Cookie::address("c")) },
            _ => ServiceMode::Latched { cookie: Arc::new(Cookie::address("c")), latch },
        };
        let balance = [Balance::RoundRobin, Balance::LeastConnections, Balance::RandomTwoChoices][random.usize(..3)];
        let service = service(mode, balance, backends);
        let ask = Ask {
            cookie: random.bool().then(|| random.usize(..count)),
            tried: u128::from(random.u8(..)) & u128::from(random.u8(..)),
        };
        let mut spread = Spread::default();
        for _ in 0..3 {
            let choice = choose(&service, ask, &mut spread, random.u64(..));
            assert!(allowed(&service, ask).contains(&choice), "seed {seed}: {choice:?} for {ask:?} of {service:?}");
        }
    }
}

#[test]
fn three_proxies_pick_the_same_backend_for_a_valid_cookie_and_never_another_address_for_a_forged_one() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let backends = || (0..4).map(|number| backend(number, 1)).collect::<Vec<_>>();
    let proxies: Vec<Service> = (0..3).map(|_| sticky(backends())).collect();
    let mut memories = vec![Spread::default(); 3];
    for _ in 0..10_000 {
        let named = random.usize(..4);
        let forger = Cookie::sealed("polder-shop", "shop", &[[9; 32]]).unwrap();
        let (value, valid) = match random.u8(..5) {
            0 | 1 => (cookie().set(address(named), false), true),
            2 => (cookie().set(address(200), false), false),
            3 => (forger.set(address(named), false), false),
            _ => (Cookie::address("polder-shop").set(address(named), false), false),
        };
        let field = value.split(';').next().unwrap().as_bytes();
        for (proxy, memory) in proxies.iter().zip(&mut memories) {
            let ServiceMode::Sticky { cookie } = &proxy.mode else { unreachable!() };
            let ask = Ask { cookie: cookie.open(cookie.find(field).unwrap(), &proxy.backends), tried: 0 };
            let choice = choose(proxy, ask, memory, random.u64(..));
            let Choice::Use { backend, set_cookie } = choice else { unreachable!("seed {seed}: {choice:?}") };
            assert!(backend < 4, "seed {seed}");
            assert_eq!(set_cookie, !valid, "seed {seed}: a valid cookie stays, another is replaced");
            assert!(!valid || backend == named, "seed {seed}");
        }
    }
}
