//! What the server of `forward_auth` is asked.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::config::proxy::parse;
use crate::proxy::traffic::http1::vet::vet;
use crate::proxy::traffic::message::Scheme;

/// A service with this `forward_auth`.
fn auth(keys: &str) -> ForwardAuth {
    let document = format!(
        r#"{{ "version": 1, "name": "px", "listeners": [{{ "name": "http", "address": "0.0.0.0:80" }}],
              "admin": {{ "socket": "/run/admin.sock" }}, "state_dir": "/var/lib/polder",
              "services": {{ "www": {{ "hosts": ["*"], "mode": "stateless", "backends": [{{ "name": "a", "address": "192.0.2.1:80" }}],
                             "forward_auth": {{ "address": "192.0.2.9:9091"{keys} }} }} }} }}"#
    );
    let config = parse("proxy.json".as_ref(), &document).unwrap();
    ForwardAuth::new(config.services["www"].forward_auth.as_ref().unwrap())
}

fn asked(keys: &str, head: &str, about: impl FnOnce(About<'_>) -> About<'_>) -> String {
    let mut fields = Vec::new();
    let request = vet(head.as_bytes(), Scheme::Https, 100, &mut fields).unwrap();
    let client = Client::new("192.0.2.7:5000".parse().unwrap());
    let cookie = Cookie::address("polder-www");
    let known =
        About { client: &client, trusted: false, cookie: Some(&cookie), user: None, keeps_password: false, via: None };
    let auth = auth(keys);
    let request = Request { head: &request, bytes: head.as_bytes(), fields: &fields };
    let question = Question { auth: &auth, request, about: about(known) };
    String::from_utf8(question.written(None).bytes).unwrap()
}

const REQUEST: &str = "POST /cart?item=1 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nCookie: a=1; polder-www=x; b=2\r\n\
                       Authorization: Basic YTpi\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: /public\r\nX-Real-IP: 10.0.0.1\r\n\
                       X-Odd: 1\r\nx_odd: 2\r\n\r\n";

#[test]
fn it_is_told_what_is_asked_for_and_by_whom_in_words_of_ours() {
    assert_eq!(
        asked("", REQUEST, |known| known),
        "GET / HTTP/1.1\r\nHost: 192.0.2.9:9091\r\nX-Forwarded-Method: POST\r\nX-Forwarded-Uri: /cart?item=1\r\n\
         X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a.test\r\n\
         Forwarded: for=192.0.2.7;host=\"a.test\";proto=https\r\nCookie: a=1; b=2\r\nAuthorization: Basic YTpi\r\n\r\n"
    );
}

#[test]
fn it_gets_those_of_the_visitors_fields_that_the_document_names() {
    let keys = r#", "path": "/api/verify?rd=1", "host": "auth.test", "send": ["X-Odd", "X-Real-IP"]"#;
    let asked = asked(keys, REQUEST, |known| known);
    assert!(asked.starts_with("GET /api/verify?rd=1 HTTP/1.1\r\nHost: auth.test\r\n"), "{asked}");
    assert!(
        asked.ends_with("proto=https\r\nX-Odd: 1\r\n\r\n"),
        "neither what is withheld from backends nor look-alikes: {asked}"
    );
}

#[test]
fn a_password_that_was_verified_here_goes_no_further_and_its_user_does() {
    let asked = asked("", REQUEST, |known| About { user: Some("alice"), keeps_password: true, ..known });
    assert!(asked.contains("\r\nX-Remote-User: alice\r\n") && !asked.contains("Authorization"), "{asked}");
}

#[test]
fn it_says_that_it_has_passed_this_proxy_and_whatever_the_request_has() {
    let head = "GET / HTTP/1.0\r\nHost: a.test\r\nVia: 1.1 other\r\nConnection: keep-alive\r\n\r\n";
    let asked = asked("", head, |known| About { via: Some("px"), ..known });
    assert!(asked.contains("\r\nVia: 1.1 other\r\nVia: 1.0 px\r\n"), "{asked}");
}
