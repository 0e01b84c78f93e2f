//! What a request is called: on its way to the backend and to the visitor, in the log, and to whoever asks why it failed.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use serde_json::{Value, json};

use crate::client::Client;
use crate::daemon::{Daemon, eventually};
use crate::ports::free_address;

/// A backend whose responses say under which ids it was asked.
fn backend() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while let Ok(1) = stream.read(&mut byte) {
                    head.push(byte[0]);
                    if head.ends_with(b"\r\n\r\n") {
                        let text = String::from_utf8(std::mem::take(&mut head)).unwrap();
                        let ids = text.lines().filter_map(|line| line.split_once(": "));
                        let ids: Vec<&str> = ids
                            .filter(|(name, _)| name.eq_ignore_ascii_case("x-request-id"))
                            .map(|(_, id)| id)
                            .collect();
                        let body = ids.join(",");
                        let length = body.len();
                        let _ = write!(
                            stream,
                            "HTTP/1.1 200 OK\r\nX-Request-Id: backends\r\nContent-Length: {length}\r\n\r\n{body}"
                        );
                    }
                }
            });
        }
    });
    address
}

fn services(backend: SocketAddr) -> Value {
    let check = json!({ "type": "tcp", "interval": "50ms", "fast_interval": "50ms", "rise": 1, "fall": 1 });
    let dead = json!([{ "name": "a", "address": free_address().to_string() }]);
    json!({
        "www": { "hosts": ["www.test"], "mode": "stateless", "check": check, "backends": [{ "name": "a", "address": backend.to_string() }] },
        "dead": { "hosts": ["dead.test"], "mode": "stateless", "check": check, "backends": dead },
    })
}

fn is_made(id: &str) -> bool {
    id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn why(daemon: &Daemon, id: &str) -> Value {
    serde_json::from_str(&daemon.get(&format!("/why?id={id}")).unwrap()).unwrap()
}

#[test]
fn a_request_is_called_alike_by_backend_visitor_and_log_and_a_stranger_names_none() {
    let daemon = Daemon::start_as(&services(backend()), &json!({ "request_id": "X-Request-Id" }));
    eventually("the backend is up", || daemon.status().unwrap()["services"].to_string().contains("up"));
    let mut client = Client::connect(daemon.address);
    let response = client.ask("GET", "www.test/", &[("x-request-id", "stranger")]);
    let id = response.field("X-Request-Id").unwrap().to_owned();
    assert!(is_made(&id), "{id}");
    assert_eq!(response.text(), id, "the backend got this one, and no other");
    assert_eq!(response.head.matches("equest-").count(), 1, "the backend's own is replaced: {}", response.head);
    let unrouted = client.ask("GET", "other.test/", &[]);
    let other = unrouted.field("X-Request-Id").unwrap().to_owned();
    assert!(unrouted.status() == 404 && is_made(&other) && other != id, "{}", unrouted.head);
    let log = daemon.log(2);
    assert_eq!((&log[0]["request_id"], &log[1]["request_id"]), (&json!(id), &json!(other)));
}

#[test]
fn what_a_trusted_proxy_calls_a_request_it_is_called() {
    let keys = json!({ "request_id": "X-Request-Id", "trusted_proxies": ["127.0.0.0/8"] });
    let daemon = Daemon::start_as(&services(backend()), &keys);
    eventually("the backend is up", || daemon.status().unwrap()["services"].to_string().contains("up"));
    let mut client = Client::connect(daemon.address);
    let given = "7bd6a4a0-0f7f-4a2f-8b0e-1c2d3e4f5a6b";
    let response = client.ask("GET", "www.test/", &[("X-Request-ID", given)]);
    assert_eq!((response.text(), response.field("X-Request-Id")), (given, Some(given)));
    let odd = client.ask("GET", "www.test/", &[("X-Request-Id", "a\"}{")]);
    assert!(is_made(odd.text()), "{}", odd.text());
    assert_eq!(daemon.log(2)[0]["request_id"], given);
}

#[test]
fn a_failure_says_what_can_be_done_and_its_number_finds_it_also_after_a_crash() {
    let mut daemon = Daemon::start_as(&services(backend()), &json!({}));
    eventually("no backend is up", || daemon.explain("dead.test", "/").contains("no backend may serve it"));
    let mut client = Client::connect(daemon.address);
    let failed = client.ask("GET", "dead.test/cart?card=1", &[]);
    assert_eq!((failed.status(), failed.field("X-Request-Id")), (503, None));
    let text = failed.text();
    assert!(text.contains("Please try again in a few seconds.") && !text.contains("backend"), "{text}");
    let id = text.trim_end().trim_end_matches('.').rsplit(' ').next().unwrap().to_owned();
    assert!(is_made(&id), "{text}");
    eventually("it is known", || !why(&daemon, &id)["requests"].as_array().unwrap().is_empty());
    let known = why(&daemon, &id);
    let request = &known["requests"][0];
    assert_eq!((&request["path"], &request["status"], &request["end"]), (&json!("/cart"), &json!(503), &json!("SC")));
    assert_eq!(
        (&known["daemon"], &known["is_on_disk"], &known["is_full"]),
        (&json!("px"), &json!(true), &json!(false))
    );
    assert_eq!(known["since"], request["time"]);
    assert_eq!(why(&daemon, "0123456789abcdef")["requests"], json!([]), "nobody is called so");

    daemon.crash();
    assert_eq!(why(&daemon, &id)["requests"], known["requests"]);
    let refused: Value = serde_json::from_str(&daemon.get("/why?id=a%22b").unwrap()).unwrap();
    assert!(refused["error"].as_str().unwrap().starts_with("expected /why?id=ID"), "{refused}");
}

#[test]
fn a_log_that_is_sampled_has_every_failure_and_no_question_of_nameservers() {
    let log = tempfile::tempdir().unwrap();
    let path = log.path().join("access.log");
    let keys = json!({ "access_log": { "path": path, "sample": 100, "fields": ["user_agent"] } });
    let daemon = Daemon::start_as(&services(backend()), &keys);
    eventually("no backend is up", || daemon.explain("dead.test", "/").contains("no backend may serve it"));
    eventually("the backend is up", || daemon.status().unwrap()["services"].to_string().contains("up"));
    let mut client = Client::connect(daemon.address);
    for _ in 0..200 {
        assert_eq!(
            client.ask("GET", "www.test/", &[("User-Agent", "me"), ("Referer", "http://a.test/")]).status(),
            200
        );
        client.ask("GET", "px/.polder/ready", &[]);
    }
    for _ in 0..3 {
        assert_eq!(client.ask("GET", "dead.test/", &[]).status(), 503);
    }
    let read = || std::fs::read_to_string(&path).unwrap_or_default();
    eventually("all failures are written", || read().matches("\"status\":503").count() >= 3);
    let text = read();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let with = |status: u16| lines.iter().filter(|line| line["status"] == status).count();
    assert_eq!((with(200), with(503), lines.len()), (2, 3, 5), "{text}");
    assert!(text.contains("\"user_agent\":\"me\"") && !text.contains("a.test"), "{text}");
}
