use super::*;

#[test]
fn what_counts_is_the_difference_to_the_running_proxy() {
    let answered = |status| Before::Answered(Ok(status));
    let silent = || Before::Answered(Err(Error::new("refused")));
    for (now, before, judged) in [
        (Ok(200), answered(200), Judged::Proved),
        (Ok(301), answered(503), Judged::Proved),
        (Ok(404), answered(404), Judged::Proved),
        (Ok(404), Before::NoRoute, Judged::Proved),
        (Ok(200), Before::NotRunning, Judged::Proved),
        (Ok(404), answered(200), Judged::Worse),
        (Ok(404), answered(500), Judged::Proved),
        (Ok(503), answered(200), Judged::Worse),
        (Ok(503), answered(404), Judged::Worse),
        (Err(Error::new("late")), answered(200), Judged::Worse),
        (Ok(503), Before::NoRoute, Judged::Worse),
        (Ok(503), answered(502), Judged::Note),
        (Ok(503), silent(), Judged::Note),
        (Ok(503), Before::NotRunning, Judged::Note),
        (Ok(503), answered(308), Judged::Worse),
        (Ok(503), Before::SentToHttps, Judged::Note),
        (Ok(404), Before::SentToHttps, Judged::Note),
        (Ok(200), Before::SentToHttps, Judged::Proved),
    ] {
        assert_eq!(judge(&now, &before, None), judged, "{now:?} after {before:?}");
    }
}

#[test]
fn an_answer_that_the_document_has_is_proved_whatever_its_status() {
    let before = || Before::Answered(Ok(200));
    assert_eq!(judge(&Ok(503), &before(), Some(503)), Judged::Proved);
    assert_eq!(judge(&Ok(404), &before(), Some(404)), Judged::Proved);
    assert_eq!(judge(&Ok(503), &Before::NoRoute, Some(503)), Judged::Proved);
    assert_eq!(judge(&Ok(502), &before(), Some(503)), Judged::Worse);
}

#[test]
fn every_host_of_a_service_is_asked_with_every_path() {
    let text = r#"{ "version": 1, "name": "px", "listeners": [{ "name": "http", "address": "0.0.0.0:80" }],
        "admin": { "socket": "/run/s" }, "state_dir": "/state", "services": { "www": { "mode": "stateless",
        "hosts": ["a.test", "*.b.test"], "paths": ["/x", "/y"],
        "backends": [{ "name": "w", "address": "192.0.2.1:80" }] } } }"#;
    let config = proxy::parse(std::path::Path::new("proxy.json"), text).unwrap();
    let asked: Vec<String> = routes(&config).iter().map(|route| format!("{}{}", route.host, route.path)).collect();
    assert_eq!(asked, ["a.test/x", "a.test/y", "polder-rehearsal.b.test/x", "polder-rehearsal.b.test/y"]);
    assert!(routes(&config).iter().all(|route| Routing::of(&config).has(&route.host, &route.path)));
}
