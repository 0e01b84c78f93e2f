use super::*;

fn event() -> Event {
    let subjects = vec!["shop/shop2".to_owned(), "px-2".to_owned()];
    Event { at: 50, level: Level::Warning, kind: Kind::Check, subjects, words: "down".to_owned() }
}

#[test]
fn an_event_is_about_the_service_the_backend_and_the_use_of_it() {
    for name in ["shop", "shop2", "shop/shop2", "px-2"] {
        assert!(event().is_about(name), "{name}");
    }
    for name in ["sho", "shop/", "px", "/shop2", ""] {
        assert!(!event().is_about(name), "{name}");
    }
}

#[test]
fn a_query_is_read_as_it_was_written() {
    let query = Query {
        since: Some(1),
        until: Some(2),
        about: Some("shop/a b&c".to_owned()),
        kind: Some(Kind::Latch),
        after: Some(Read { life: u64::MAX, count: 3 }),
    };
    let target = query.target();
    let text = target.strip_prefix("/events?").unwrap();

    assert_eq!(Query::read(&crate::api::query::parse(text).unwrap()), Ok(query));
    assert_eq!(Query::default().target(), "/events");
}

#[test]
fn both_ends_of_a_span_belong_to_it() {
    let asks = |since, until| Query { since, until, ..Query::default() }.asks_for(&event(), false);
    assert!(asks(Some(50), Some(50)));
    assert!(!asks(Some(51), None));
    assert!(!asks(None, Some(49)));
}

#[test]
fn a_kind_of_a_newer_version_is_another_one() {
    let newer = r#"{ "at": 1, "level": "info", "kind": "weather", "words": "rain" }"#;
    assert_eq!(serde_json::from_str::<Event>(newer).unwrap().kind, Kind::Other);
}

#[test]
fn what_is_not_understood_of_a_query_is_told_with_what_was_expected() {
    let error = |name: &str, value: &str| Query::read(&[(name.to_owned(), value.to_owned())]).unwrap_err().to_string();
    assert_eq!(error("since", "soon"), "since: expected a time in milliseconds since the epoch, found \"soon\"");
    assert!(error("kind", "checks").starts_with("kind: expected one of daemon, reload, check, latch"));
    assert!(error("sinse", "1").contains("/events?since=MS"));
}
