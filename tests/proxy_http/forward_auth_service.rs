//! The backends of a service are asked, with its checks, its TLS and its operators: docs/access.md.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::authority::Authority;
use crate::backend_tls::{BOTH, Secure, shows};
use crate::harness::{Client, GET, OK, Response, Script, eventually, field, refusing};
use crate::https_daemon::Daemon;

const GRANTED: &str = "HTTP/1.1 204 No Content\r\nRemote-User: alice\r\n\r\n";

/// A daemon whose service `www` asks the service `auth`, of which this is known besides.
fn asking(backend: SocketAddr, servers: &[SocketAddr], auth: &Value) -> Daemon {
    let listener = refusing();
    let document = |folder: &Path| {
        let server = |(index, address): (usize, &SocketAddr)| json!({ "name": format!("auth{index}"), "address": address.to_string() });
        let mut service = json!({
            "hosts": ["auth.test"], "mode": "stateless", "deny": ["0.0.0.0/0"],
            "backends": servers.iter().enumerate().map(server).collect::<Vec<_>>(),
            "check": { "path": "/health", "interval": "50ms", "rise": 1, "fall": 1 },
        });
        service.as_object_mut().unwrap().extend(auth.as_object().unwrap().clone());
        json!({
            "version": 1, "name": "px", "workers": 1,
            "listeners": [{ "name": "http", "address": listener.to_string() }],
            "admin": { "socket": folder.join("admin.sock") }, "state_dir": folder,
            "access_log": { "path": folder.join("access.log"), "format": "json" },
            "services": {
                "auth": service,
                "www": {
                    "hosts": ["www.test"], "mode": "stateless", "check": { "type": "tcp" },
                    "backends": [{ "name": "web", "address": backend.to_string() }],
                    "forward_auth": { "service": "auth", "host": "auth.test", "path": "/verify", "copy": ["Remote-User"], "timeout": "60s" },
                },
            },
        })
    };
    let daemon = Daemon::start_with(document);
    eventually("every backend has a verdict", || {
        let Some(status) = daemon.status() else { return false };
        let mut services = status["services"].as_array().unwrap().iter();
        services
            .all(|service| service["backends"].as_array().unwrap().iter().all(|backend| backend["check"] != "unknown"))
    });
    daemon
}

fn address(daemon: &Daemon) -> SocketAddr {
    daemon.status().unwrap()["listeners"][0].as_str().unwrap().parse().unwrap()
}

fn ask(daemon: &Daemon) -> Response {
    let mut client = Client::connect(address(daemon));
    client.send(GET);
    client.response()
}

/// Passes checks, and answers each question so; a check is told apart by its path.
fn server(answer: &'static str) -> Script {
    Script::start(move |served, _| {
        while let Some(head) = served.head() {
            served.send(if head.starts_with("GET /health ") { OK } else { answer });
        }
    })
}

fn questions(server: &Script) -> Vec<String> {
    server.heads().into_iter().filter(|head| head.starts_with("GET /verify ")).collect()
}

/// The last line of the log.
fn last_end(daemon: &Daemon, lines: usize) -> String {
    let read = || std::fs::read_to_string(daemon.folder.path().join("access.log")).unwrap_or_default();
    eventually("the log has its lines", || read().lines().count() >= lines);
    let line: Value = serde_json::from_str(read().lines().last().unwrap()).unwrap();
    line["end"].as_str().unwrap().to_owned()
}

#[test]
fn a_question_goes_on_to_the_next_backend_until_one_has_answered() {
    let backend = Script::answering(OK);
    // Well by its checks, and closes when it is asked.
    let closing = Script::start(|served, _| {
        if served.head().is_some_and(|head| head.starts_with("GET /health ")) {
            served.send(OK);
        }
    });
    let granting = server(GRANTED);
    let daemon = asking(backend.address, &[closing.address, granting.address], &json!({}));
    for _ in 0..6 {
        assert_eq!(ask(&daemon).status(), 200);
    }
    assert_eq!(questions(&granting).len(), 6);
    let question = &questions(&granting)[0];
    assert_eq!((field(question, "Host"), field(question, "X-Forwarded-Uri")), (Some("auth.test"), Some("/page?x=1")));
    let heads = backend.heads();
    assert!(heads.iter().all(|head| field(head, "Remote-User") == Some("alice")) && heads.len() == 6, "{heads:?}");
}

#[test]
fn where_no_backend_passes_its_check_none_is_asked_and_the_request_goes_nowhere() {
    let backend = Script::answering(OK);
    let is_well = Arc::new(AtomicBool::new(true));
    let well = Arc::clone(&is_well);
    let granting = Script::start(move |served, _| {
        while let Some(head) = served.head() {
            served.send(match head.starts_with("GET /health ") {
                true if well.load(Ordering::SeqCst) => OK,
                true => "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
                false => GRANTED,
            });
        }
    });
    let daemon = asking(backend.address, &[refusing(), granting.address], &json!({}));
    assert_eq!(ask(&daemon).status(), 200);
    is_well.store(false, Ordering::SeqCst);
    eventually("nobody is asked", || ask(&daemon).status() == 503);
    let (asked, passed) = (questions(&granting).len(), backend.heads().len());
    assert_eq!(ask(&daemon).status(), 503);
    assert_eq!((questions(&granting).len(), backend.heads().len()), (asked, passed));
    assert_eq!(last_end(&daemon, asked + 2), "SX");
    let told = daemon.explain("host=www.test");
    assert_eq!((&told["refusal"], &told["backend"]), (&json!("503"), &Value::Null), "{told}");
    assert!(told["because"].to_string().contains("no backend of the service auth may be asked now"), "{told}");
    is_well.store(true, Ordering::SeqCst);
    eventually("it is asked again", || ask(&daemon).status() == 200);
    assert_eq!(daemon.explain("host=www.test")["backend"], "web");
}

#[test]
fn a_backend_that_hangs_is_left_for_the_next_one_after_the_services_own_limit() {
    let backend = Script::answering(OK);
    let hanging = Script::start(|served, _| {
        while let Some(head) = served.head() {
            if !head.starts_with("GET /health ") {
                served.rest();
                return;
            }
            served.send(OK);
        }
    });
    let granting = server(GRANTED);
    let more = json!({ "try_timeout": "100ms" });
    let daemon = asking(backend.address, &[hanging.address, granting.address], &more);
    for _ in 0..2 {
        assert_eq!(ask(&daemon).status(), 200);
    }
    assert_eq!((questions(&hanging).len(), questions(&granting).len()), (1, 2), "it was one's turn after the other");
}

#[test]
fn a_backend_is_asked_over_tls_if_it_shows_the_right_certificate_and_on_the_same_connection_again() {
    let authority = Authority::new();
    let backend = Script::answering(OK);
    let answer = |stream: &mut crate::backend_tls::Stream, head: &str| {
        let _ = stream.write_all(if head.starts_with("GET /health ") { OK } else { GRANTED }.as_bytes());
    };
    let secure = Secure::start(shows(&authority.issue("auth", &["auth.test"]), &BOTH), answer);
    let tls = |name: &str| json!({ "backend_tls": { "ca_file": authority.ca_file(), "server_name": name } });
    let daemon = asking(backend.address, &[secure.address], &tls("auth.test"));
    for _ in 0..3 {
        assert_eq!(ask(&daemon).status(), 200);
    }
    let asked = |secure: &Secure| {
        let on_one = |heads: &Vec<String>| heads.iter().filter(|head| head.starts_with("GET /verify ")).count();
        secure.seen().iter().map(|seen| on_one(&seen.heads)).filter(|count| *count > 0).collect::<Vec<_>>()
    };
    assert_eq!(asked(&secure), [3], "one connection carries them all");
    let other = asking(backend.address, &[secure.address], &tls("other.test"));
    assert_eq!((ask(&other).status(), asked(&secure).len()), (503, 1), "nothing is said to whom nobody knows");
    assert_eq!(last_end(&other, 1), "SX");
}
