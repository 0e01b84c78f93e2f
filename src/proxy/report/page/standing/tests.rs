use super::*;
use crate::api::proxy::LatchStatus;

const READY: OperatorState = OperatorState::Ready;

fn backend(name: &str, backup: bool, check: Verdict, operator: OperatorState) -> BackendStatus {
    BackendStatus {
        name: name.to_owned(),
        address: "192.0.2.1:80".to_owned(),
        weight: 1,
        backup,
        check,
        check_reason: String::new(),
        check_since: 0,
        operator,
        note: None,
        running: 0,
        requests: 0,
        by_cookie: None,
    }
}

fn service(usable: bool, active: Option<&str>, backends: Vec<BackendStatus>) -> ServiceStatus {
    let latch = active.map(|active| LatchStatus {
        active: Some(active.to_owned()),
        epoch: 1,
        by: String::new(),
        reason: String::new(),
        at: 0,
        spent: vec![],
        stored: true,
    });
    ServiceStatus {
        name: "www".to_owned(),
        fingerprint: String::new(),
        hosts: vec![],
        mode: String::new(),
        target: None,
        usable,
        why_unusable: None,
        latch,
        backends,
    }
}

fn words(service: &ServiceStatus) -> String {
    match Standing::of(service) {
        Standing::Impaired(words) => words,
        other => format!("{other:?}"),
    }
}

#[test]
fn an_impaired_service_says_what_is_not_as_it_should_be() {
    let up = |name| backend(name, false, Verdict::Up, READY);
    let down = |name| backend(name, false, Verdict::Down, READY);
    let maint = |name| backend(name, false, Verdict::Up, OperatorState::Maint);
    let drain = |name| backend(name, false, Verdict::Up, OperatorState::Drain);
    let backup = |name| backend(name, true, Verdict::Up, READY);
    let of = |active, backends| words(&service(true, active, backends));
    assert_eq!(of(None, vec![up("a"), up("b")]), "Well");
    assert_eq!(of(None, vec![up("a"), down("b"), up("c")]), "2 of 3 backends up");
    assert_eq!(of(None, vec![up("a"), maint("b"), drain("c"), drain("d")]), "b in maint, c and d in drain");
    assert_eq!(of(None, vec![up("a"), drain("b"), drain("c"), drain("d")]), "3 backends in drain");
    assert_eq!(of(None, vec![down("a"), backup("b"), backup("c")]), "on backup b, 2 of 3 backends up");
    assert_eq!(of(Some("a"), vec![up("a"), backup("b")]), "Well");
    assert_eq!(of(Some("c"), vec![up("a"), backup("b"), backup("c")]), "on backup c");
    let mut unstored = service(true, Some("a"), vec![up("a"), backup("b")]);
    unstored.latch.as_mut().unwrap().stored = false;
    assert_eq!(words(&unstored), "its latch is not on disk");
}

#[test]
fn a_service_that_nobody_gets_is_before_one_that_is_on_its_backup() {
    let all = vec![backend("a", false, Verdict::Up, READY), backend("b", true, Verdict::Up, READY)];
    let ranks =
        [service(false, Some("a"), all.clone()), service(true, Some("b"), all.clone()), service(true, Some("a"), all)];
    assert_eq!(ranks.each_ref().map(|service| Standing::of(service).rank()), [0, 1, 2]);
}
