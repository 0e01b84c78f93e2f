use super::*;

fn ready(port: u16) -> Probe {
    Probe::Ready { proxy: ([192, 0, 2, 1], port).into() }
}

fn zone() -> Probe {
    Probe::Zone { nameserver: ([192, 0, 2, 1], 53).into(), apex: "example.net".to_owned(), tcp: false }
}

fn site() -> Probe {
    Probe::Site {
        proxy: ([192, 0, 2, 1], 80).into(),
        host: "example.net".to_owned(),
        path: "/".to_owned(),
        fixed: None,
    }
}

fn failed() -> Outcome {
    Outcome::Failed("it answers 503".to_owned())
}

fn unknown() -> Outcome {
    Outcome::Unknown("it answers 404".to_owned())
}

#[test]
fn what_failed_before_or_was_not_asked_is_not_held_against_a_switch() {
    let before = Outcomes::from([(ready(1), Outcome::Passed), (ready(2), failed()), (ready(3), Outcome::Passed)]);
    let now =
        Outcomes::from([(ready(1), failed()), (ready(2), failed()), (ready(3), Outcome::Passed), (ready(4), failed())]);
    assert_eq!(worse(&before, &now), ["192.0.2.1:1 is ready: it answers 503"]);
}

#[test]
fn what_is_new_has_to_pass_and_a_page_that_is_nowhere_has_not() {
    let is_worse = |probe: fn() -> Probe, before, now| {
        !worse(&Outcomes::from([(probe(), before)]), &Outcomes::from([(probe(), now)])).is_empty()
    };
    for probe in [zone, site] {
        assert!(!is_worse(probe, unknown(), Outcome::Passed));
        assert!(is_worse(probe, unknown(), failed()));
        assert!(is_worse(probe, Outcome::Passed, unknown()));
        assert!(!is_worse(probe, failed(), unknown()));
    }
    assert!(is_worse(zone, unknown(), unknown()));
    assert!(!is_worse(site, unknown(), unknown()));
}
