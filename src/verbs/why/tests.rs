//! What is told of a request, and of one that nobody knows.
#![allow(clippy::unwrap_used)]

use serde_json::{Map, Value};

use super::*;

fn line(line: Value) -> Map<String, Value> {
    line.as_object().unwrap().clone()
}

fn failed() -> Map<String, Value> {
    line(
        json!({ "time": "2026-11-29T03:12:07.250Z", "client": "192.0.2.7:5000", "listener": "https", "service": "www", "backend": "web2",
        "method": "GET", "host": "www.example.net", "path": "/cart", "user": "", "status": 503, "bytes": 9, "end": "SC",
        "cause": "no backend was usable, or each refused the connection", "cookie": "--", "tries": 2, "tq": 0, "tw": 0, "tc": -1, "tr": -1,
        "ta": 3, "request_id": "0f3a9c51d27be846" }),
    )
}

#[test]
fn a_request_is_told_with_its_cause_its_way_and_its_times() {
    let request = failed();
    let story = Story::of(&request);
    let told = anstream::adapter::strip_str(&story.told_by("px-1")).to_string();
    assert_eq!(
        told,
        "2026-11-29 03:12:07Z  px-1  GET www.example.net/cart from 192.0.2.7:5000\n  \
           answered 503 after 3 ms: no backend was usable, or each refused the connection\n  \
           listener https, service www, backend web2 (2 attempts, this one last)\n  \
           its head took 0 ms, it waited or queued 0 ms; it came no further\n  \
           code SC in the access log (docs/logs.md)\n"
    );
    assert_eq!((story.time(), story.lasted(), story.service()), (Some(1_795_921_927_250), 3, Some("www")));
}

#[test]
fn what_a_backend_has_answered_itself_is_told_as_its_word() {
    let mut request = failed();
    request.remove("cause");
    request.insert("end".to_owned(), json!("--"));
    let story = Story::of(&request);
    assert!(story.told_by("px-1").contains("the backend itself has answered so"), "{}", story.told_by("px-1"));
    assert!(!story.told_by("px-1").contains("code"), "{}", story.told_by("px-1"));
}

#[test]
fn a_line_without_a_request_or_from_a_later_version_is_told_as_far_as_it_goes() {
    let request = line(json!({ "time": "soon", "status": 0, "later": [1] }));
    let story = Story::of(&request);
    let told = story.told_by("px\u{1b}[2J");
    assert!(told.contains("no whole request, from somebody") && told.contains("not answered"), "{told}");
    assert!(!told.contains("\u{1b}[2J"), "{told:?}");
    assert_eq!(story.time(), None);
}

#[test]
fn of_an_id_that_nobody_knows_it_is_said_where_was_looked_and_how_far_back() {
    let why = |daemon: &str, since: Option<&str>, is_full| Why {
        daemon: daemon.to_owned(),
        since: since.map(str::to_owned),
        is_full,
        is_on_disk: daemon != "px-3",
        ..Why::default()
    };
    let proxies = [
        why("px-1", Some("2026-11-28T20:00:00.000Z"), true),
        why("px-2", Some("2026-11-01T00:00:00.000Z"), false),
        why("px-3", None, false),
    ];
    let text = nobody("0f", &proxies.iter().collect::<Vec<_>>());
    for told in [
        "No proxy knows a request 0f.",
        "px-1: knows what failed since 2026-11-28 20:00:00Z, and has forgotten what failed before\n",
        "px-2: knows every request that failed; the first one was at 2026-11-01 00:00:00Z\n",
        "px-3: remembers no request that failed; it forgets at a restart, having no access_log\n",
        "journalctl REQUEST_ID=0f",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn what_cannot_be_an_id_is_refused_with_what_one_looks_like() {
    assert_eq!(parse_id(" 0f3a9c51d27be846\n").unwrap(), "0f3a9c51d27be846");
    for wrong in ["", "a b", "\"", &"a".repeat(65)] {
        assert!(parse_id(wrong).unwrap_err().to_string().contains("as an error page shows it"), "{wrong}");
    }
}
