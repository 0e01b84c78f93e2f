//! What is told of a visitor before he comes.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::proxy::edge::refusals::Cause;

/// A service with these keys.
fn edge(keys: &str) -> std::sync::Arc<Edge> {
    let document = format!(
        r#"{{ "version": 1, "name": "px", "listeners": [{{ "name": "http", "address": "0.0.0.0:80" }}],
              "admin": {{ "socket": "/run/admin.sock" }}, "state_dir": "/var/lib/polder",
              "services": {{ "www": {{ "hosts": ["*"], "mode": "stateless", {keys},
                             "backends": [{{ "name": "a", "address": "192.0.2.1:80" }}] }} }} }}"#
    );
    let config = crate::config::proxy::parse("proxy.json".as_ref(), &document).unwrap();
    Edge::of(&config.services["www"]).unwrap()
}

fn told(keys: &str, from: Option<&str>) -> (String, bool) {
    let from = from.map(|from| from.parse().unwrap());
    let (protocol, host, port) = (Protocol::Http, "www.example.net", None);
    let visit = Visit { protocol, host, port, path: "/", query: "", cookie: "", from };
    let Admission { because, refusal } = explain(&edge(keys), &visit, false);
    (because.join("; "), refusal.is_some())
}

#[test]
fn the_network_that_decides_is_named() {
    let networks = r#""allow": ["10.0.0.0/8"], "deny": ["10.66.0.0/16"]"#;
    for (from, words, is_refused) in [
        (Some("10.66.0.5"), "10.66.0.5 is denied by deny 10.66.0.0/16; it is answered 403", true),
        (Some("10.0.0.5"), "10.0.0.5 is allowed by allow 10.0.0.0/8", false),
        (Some("192.0.2.5"), "192.0.2.5 is in no network of allow, and so denied; it is answered 403", true),
        (None, "not every network is served: `--from ADDRESS` tells about a visitor", false),
    ] {
        assert_eq!(told(networks, from), (words.to_owned(), is_refused));
    }
}

#[test]
fn who_has_to_be_shown_a_password_or_asked_is_told() {
    let (words, is_refused) = told(r#""basic_auth": { "users_file": "/nowhere/users" }"#, None);
    assert_eq!(
        (words.contains("/nowhere/users cannot be used: it is answered 503"), is_refused),
        (true, true),
        "{words}"
    );
    let (words, is_refused) = told(r#""forward_auth": { "address": "192.0.2.9:80", "path": "/verify" }"#, None);
    let expected =
        "192.0.2.9:80 is asked at /verify first, for at most 5s: unless it answers 2xx, its answer is the visitor's";
    assert_eq!((words.as_str(), is_refused), (expected, false));
    let (words, _) = told(r#""forward_auth": { "service": "www", "host": "auth.test" }"#, None);
    assert!(words.starts_with("a backend of the service www is asked at / first"), "{words}");
}

#[test]
fn who_comes_in_clear_text_where_https_is_wanted_is_not_asked_who_he_is() {
    let edge = edge(r#""forward_auth": { "address": "192.0.2.9:80" }"#);
    let (host, port) = ("www.example.net", None);
    let refusal = |protocol, wants_https| {
        let visit = Visit { protocol, host, port, path: "/", query: "", cookie: "", from: None };
        explain(&edge, &visit, wants_https).refusal
    };
    let refusals = [(Protocol::Http, true), (Protocol::Http, false), (Protocol::Https, true)]
        .map(|(by, wants)| refusal(by, wants));
    assert_eq!(refusals, [Some("503"), None, None]);
}

#[test]
fn what_was_counted_goes_on_under_the_next_document() {
    let (before, now) = (edge(r#""deny": ["10.0.0.0/8"]"#), edge(r#""deny": ["10.0.0.0/9"]"#));
    before.refusals.count(Cause::Network);
    now.follow(&before);
    now.refusals.count(Cause::Network);
    assert_eq!((now.refusals.get(Cause::Network), now.refusals.get(Cause::Password)), (2, 0));
    assert_eq!(now.causes().collect::<Vec<_>>(), [Cause::Network], "others are not shown");
}
