use super::*;
use crate::config::proxy::Balance;
use crate::proxy::samples::{backend, service};

#[test]
fn who_is_left_to_serve_is_named() {
    let mut www =
        service(ServiceMode::Stateless, Balance::RoundRobin, (0..3).map(|number| backend(number, 1)).collect());
    let said = |www: &Service| of(www, &www.backends[0], OperatorState::Maint);
    assert!(said(&www).ends_with("web1, web2 go on"), "{}", said(&www));
    www.backends[1].verdict = Verdict::Down;
    assert!(said(&www).ends_with("web2 goes on alone"), "{}", said(&www));
    www.backends[2].operator = OperatorState::Drain;
    assert!(said(&www).ends_with("nobody else serves shop"), "{}", said(&www));
}

#[test]
fn a_backend_that_is_down_is_not_promised_visitors() {
    let mut www = service(ServiceMode::Stateless, Balance::RoundRobin, vec![backend(0, 1)]);
    assert_eq!(of(&www, &www.backends[0], OperatorState::Ready), "web0 gets visitors again");
    www.backends[0].verdict = Verdict::Down;
    let said = of(&www, &www.backends[0], OperatorState::Ready);
    assert_eq!(said, "web0 gets visitors again, once its checks find it up (it is down)");
}

#[test]
fn a_backup_is_promised_no_visitors_that_primaries_can_have() {
    let mut www = service(ServiceMode::Stateless, Balance::RoundRobin, vec![backend(0, 1), backend(1, 1)]);
    www.backends[1].backup = true;
    let said = of(&www, &www.backends[1], OperatorState::Ready);
    assert_eq!(said, "web1 gets visitors again when no primary can have them");
}
