//! Lines, and what cannot forge one.
#![allow(clippy::unwrap_used)]

use std::io::Write;

use super::super::text::{bare, quote};
use super::*;
use crate::proxy::traffic::http1::vet::vet;
use crate::proxy::traffic::termination::End;

fn lines(head: &[u8]) -> (String, String) {
    let mut fields = Vec::new();
    let vetted = vet(head, crate::proxy::traffic::message::Scheme::Http, 100, &mut fields).ok();
    let request = vetted.as_ref().map(|vetted| Request { head: vetted, bytes: head, fields: &fields });
    let mut trace = Trace::new(tokio::time::Instant::now());
    (trace.status, trace.bytes, trace.end) = (404, 10, End::Local);
    let client = Client::new("192.0.2.7:5000".parse().unwrap());
    let record = Record { client: &client, listener: "http", request, trace: &trace };
    let (mut one, mut other) = (Vec::new(), Vec::new());
    json(&mut one, &record, AskedFields::default());
    haproxy(&mut other, &record);
    (String::from_utf8(one).unwrap(), String::from_utf8(other).unwrap())
}

#[test]
fn a_line_is_one_json_object_or_looks_like_haproxys() {
    let (json, haproxy) = lines(b"GET /a?secret=1 HTTP/1.1\r\nHost: www.test\r\n\r\n");
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    for (name, expected) in [("method", "GET"), ("path", "/a"), ("host", "www.test"), ("end", "LR"), ("cookie", "--")] {
        assert_eq!(value[name], expected, "{json}");
    }
    assert_eq!((&value["status"], &value["tc"]), (&404.into(), &(-1).into()));
    assert!(value["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    assert!(haproxy.starts_with("192.0.2.7:5000 ["), "{haproxy}");
    assert!(haproxy.ends_with(" 404 10 - - LR-- 0 www.test \"GET /a?secret=1 HTTP/1.1\"\n"), "{haproxy}");
    assert!(haproxy.contains(" http <NOSRV>/<NOSRV> -1/0/-1/-1/0 "), "{haproxy}");
}

#[test]
fn what_a_request_weighs_is_what_became_of_it() {
    let slow = Duration::from_secs(5);
    let weight = |status, end, responded, request: Option<Request<'_>>| {
        let mut trace = Trace::new(tokio::time::Instant::now());
        (trace.status, trace.end, trace.responded) = (status, end, responded);
        let client = Client::new("192.0.2.7:5000".parse().unwrap());
        Record { client: &client, listener: "http", request, trace: &trace }.weight(slow)
    };
    let head = b"GET / HTTP/1.1\r\nHost: www.test\r\n\r\n";
    let mut fields = Vec::new();
    let vetted = vet(head, crate::proxy::traffic::message::Scheme::Http, 100, &mut fields).unwrap();
    let request = Some(Request { head: &vetted, bytes: head, fields: &fields });
    let soon = Some(Duration::from_millis(1));
    assert_eq!(weight(404, End::Done, soon, request), Some(Weight::Good), "a backend's own");
    assert_eq!(weight(404, End::Done, Some(slow), request), Some(Weight::Slow), "however long it took");
    assert_eq!(weight(404, End::Local, None, request), Some(Weight::Refused));
    assert_eq!(weight(503, End::Done, soon, request), Some(Weight::Failed));
    assert_eq!(weight(0, End::HandshakeRefused, None, None), Some(Weight::Refused), "a scan of ports");
}

#[test]
fn a_request_that_was_given_an_id_has_it_in_its_line() {
    let mut trace = Trace::new(tokio::time::Instant::now());
    let id = trace.request_id().to_string();
    assert_eq!(id, trace.request_id().to_string(), "it is called what it is called");
    let client = Client::new("192.0.2.7:5000".parse().unwrap());
    let record = Record { client: &client, listener: "http", request: None, trace: &trace };
    let (mut one, mut other) = (Vec::new(), Vec::new());
    json(&mut one, &record, AskedFields::default());
    haproxy(&mut other, &record);
    let value: serde_json::Value = serde_json::from_slice(&one).unwrap();
    assert_eq!(value["request_id"], id);
    let line = String::from_utf8(other).unwrap();
    assert!(line.ends_with(&format!(" - {{{id}}} \"<BADREQ>\"\n")), "{line}");
}

#[test]
fn nothing_a_client_sends_ends_a_line_or_a_value() {
    let (json, haproxy) = lines(b"GET /\"}\\{\" HTTP/1.1\r\nHost: www.test\r\n\r\n");
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["path"], "/\"}\\{\"");
    assert!(haproxy.ends_with("\"GET /\\x22}\\x5c{\\x22 HTTP/1.1\"\n"), "{haproxy}");
    let mut out = Vec::new();
    quote(&mut out, b"a\n\x1b[31m\xff");
    assert_eq!(out, b"\"a\\u000a\\u001b[31m\\u00ff\"");
    out.clear();
    bare(&mut out, b"a\n \xff");
    assert_eq!(out, b"a\\x0a\\x20\\xff");
}

#[test]
fn the_line_like_haproxys_has_the_whole_request_line_and_halog_agrees() {
    let (_, line) = lines(b"GET http://www.test/a?b=c HTTP/1.2\r\nHost: www.test\r\n\r\n");
    assert!(line.ends_with("\"GET http://www.test/a?b=c HTTP/1.2\"\n"), "{line}");
    let Ok(mut halog) = std::process::Command::new("halog")
        .args(["-s", "-4", "-u", "-query", "-q"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
    else {
        // HAProxy is not installed everywhere.
        return;
    };
    let (_, line) = lines(b"GET /a?b=c HTTP/1.1\r\nHost: www.test\r\n\r\n");
    halog.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
    let said = String::from_utf8(halog.wait_with_output().unwrap().stdout).unwrap();
    let url = said.lines().find(|line| !line.starts_with('#')).and_then(|line| line.split(' ').next_back());
    assert_eq!(url, Some("/a?b=c"), "{said}");
}

#[test]
fn a_refused_head_leaves_no_text_behind() {
    let (json, haproxy) = lines(b"GET /\n\r\n");
    assert!(json.contains("\"method\":\"\""), "{json}");
    assert!(haproxy.contains("\"<BADREQ>\""), "{haproxy}");
}
