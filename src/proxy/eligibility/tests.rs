use std::sync::Arc;

use super::*;
use crate::config::proxy::Balance;
use crate::proxy::choose::cookie::Cookie;
use crate::proxy::choose::{BalanceState, Choice, RequestFacts, choose};
use crate::proxy::samples::{any_latch, backend, service, shake};

fn random_service(random: &mut fastrand::Rng) -> Service {
    let count = random.usize(1..6);
    let mut backends: Vec<_> = (0..count).map(|number| backend(number, random.u32(0..3))).collect();
    for backend in &mut backends {
        shake(backend, random);
        backend.backup = random.u8(..4) == 0;
    }
    let cookie = Arc::new(Cookie::address("polder-shop"));
    let latch = any_latch(count, random);
    let mode = match random.u8(..3) {
        0 => ServiceMode::Stateless,
        1 => ServiceMode::Sticky { cookie },
        _ => ServiceMode::Latched { cookie, latch },
    };
    service(mode, Balance::RandomTwoChoices, backends)
}

#[test]
fn a_chosen_backend_is_one_whose_requests_may_stay_and_none_is_passed_over_while_it_is_eligible() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..20_000 {
        let service = random_service(&mut random);
        let cookie = random.bool().then(|| random.usize(..service.backends.len()));
        let choice = choose(
            &service,
            RequestFacts { cookie, ..Default::default() },
            &mut BalanceState::default(),
            random.u64(..),
        );
        let latched = matches!(service.mode, ServiceMode::Latched { .. });
        match choice {
            Choice::Use { backend, .. } => {
                let chosen = &service.backends[backend];
                assert!(service.keeps_running_on(backend), "seed {seed}: {choice:?} of {service:?}");
                let bound = latched || cookie == Some(backend);
                let admitted = if bound { chosen.eligibility().admits_bound() } else { chosen.is_balanced() };
                assert!(admitted, "seed {seed}: {choice:?} of {service:?}");
            }
            Choice::Nobody if !latched => {
                let admitted = service.backends.iter().any(Backend::is_balanced);
                assert!(!admitted, "seed {seed}: {service:?}");
            }
            Choice::Queue { .. } => panic!("seed {seed}: no backend is bounded: {service:?}"),
            Choice::Nobody | Choice::Undecided | Choice::Isolated | Choice::Unagreed | Choice::Wait => {
                assert!(latched, "seed {seed}: {service:?}")
            }
        }
    }
}

#[test]
fn by_agreement_requests_stay_on_the_backend_that_was_agreed_on_however_it_looks_here() {
    let cookie = Arc::new(Cookie::address("polder-shop"));
    for latch in [LatchView::Hold, LatchView::Isolated, LatchView::Nobody, LatchView::Unagreed, LatchView::Awaiting(1)]
    {
        let mode = ServiceMode::Latched { cookie: Arc::clone(&cookie), latch };
        let mut service = service(mode, Balance::RoundRobin, vec![backend(0, 1), backend(1, 1)]);
        service.stays = Stays::Only(Some(1));
        assert!(service.has_moved_from(Some(0)) && service.has_moved_from(None), "{latch:?}");
        assert!(!service.has_moved_from(Some(1)), "{latch:?}");
        service.stays = Stays::Only(None);
        assert!(service.has_moved_from(Some(1)), "{latch:?}: the document does not have it");
        service.stays = Stays::Nobody;
        assert!(service.has_moved_from(Some(0)) && service.has_moved_from(Some(1)), "{latch:?}");
    }
}
