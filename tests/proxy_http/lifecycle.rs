//! Drains, the ready path, the access log.

use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use polder::config::proxy::{AccessLogConfig, AccessLogPath};
use polder::health::Verdict;

use crate::harness::{GET, OK, Proxy, Script, Setup, eventually};

#[test]
fn the_ready_path_answers_for_any_host_and_the_rest_of_polder_is_reserved() {
    let proxy = Proxy::start(Setup::default(), &[]);
    let ask = |path: &str| proxy.ask(&format!("GET {path} HTTP/1.1\r\nHost: anything\r\n\r\n")).status();
    assert_eq!(ask("/.polder/ready"), 200);
    assert_eq!(ask("/.polder/other"), 404);
    assert_eq!(ask("/.polder"), 404);
    assert_eq!(proxy.ask("GET /.polder/ready HTTP/1.0\r\n\r\n").status(), 200);
    proxy.shared.stopping.store(true, Ordering::Relaxed);
    assert_eq!(ask("/.polder/ready"), 503);
}

#[test]
fn no_service_is_404_and_no_backend_is_503() {
    let setup = Setup { verdicts: vec![Verdict::Down], ..Setup::default() };
    let proxy = Proxy::start(setup, &[crate::harness::refusing()]);
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: other.test\r\n\r\n");
    assert_eq!(client.response().status(), 404);
    client.send(GET);
    let response = client.response();
    assert_eq!((response.status(), response.field("retry-after").is_some()), (503, true));
}

#[test]
fn a_drain_answers_one_more_request_on_an_idle_connection_closes_silent_ones_and_lets_the_others_finish() {
    let (answer, may_answer) = std::sync::mpsc::channel();
    let may_answer = Mutex::new(may_answer);
    let backend = Script::start(move |served, _| {
        served.head().unwrap();
        may_answer.lock().unwrap().recv().unwrap();
        served.send(OK);
        served.rest();
    });
    let mut proxy = Proxy::start(Setup::default(), &[backend.address]);
    let (mut idle, mut silent, mut busy, mut fresh) =
        (proxy.connect(), proxy.connect(), proxy.connect(), proxy.connect());
    for client in [&mut idle, &mut silent] {
        client.send("GET / HTTP/1.1\r\nHost: other.test\r\n\r\n");
        assert_eq!(client.response().status(), 404);
    }
    busy.send(GET);
    eventually("the backend has the request", || backend.heads().len() == 1);
    eventually("all are accepted", || proxy.shared.admission.connections() == 4);
    proxy.drain();
    for client in [&mut idle, &mut fresh] {
        client.send("GET / HTTP/1.1\r\nHost: other.test\r\n\r\n");
        let last = client.response();
        assert_eq!((last.status(), last.field("connection")), (404, Some("close")));
        client.assert_closed();
    }
    silent.assert_closed();
    answer.send(()).unwrap();
    let response = busy.response();
    assert_eq!((response.body.as_slice(), response.field("connection")), (&b"ok"[..], Some("close")));
    busy.assert_closed();
    proxy.join();
    assert_eq!(proxy.shared.admission.connections(), 0);
    assert!(std::net::TcpStream::connect(proxy.address).is_err());
}

#[test]
fn visitors_whom_the_kernel_has_accepted_are_served_before_the_listener_closes() {
    let mut proxy = Proxy::start(Setup::default(), &[]);
    // Faster than a worker accepts: most are in its queue when it is told to drain.
    let clients: Vec<_> = (0..100).map(|_| proxy.connect()).collect();
    proxy.drain();
    for mut client in clients {
        client.send("GET / HTTP/1.1\r\nHost: other.test\r\n\r\n");
        assert_eq!(client.response().status(), 404);
    }
    proxy.join();
}

#[test]
fn a_drain_has_an_end() {
    let backend = Script::start(|served, _| {
        served.head().unwrap();
        served.rest();
    });
    let mut setup = Setup::default();
    setup.timeouts.drain = Duration::from_millis(50);
    let mut proxy = Proxy::start(setup, &[backend.address]);
    let mut client = proxy.connect();
    client.send(GET);
    eventually("the backend has the request", || backend.heads().len() == 1);
    proxy.drain();
    assert_eq!(client.response().status(), 503);
    proxy.join();
}

#[test]
fn every_request_leaves_one_line_that_tells_how_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let log = AccessLogConfig::to(AccessLogPath::File(path.clone()));
    let backend = Script::answering(OK);
    let mut setup = Setup { log: Some(log), sticky: true, ..Setup::default() };
    setup.timeouts.request_head = Duration::from_secs(1);
    let mut proxy = Proxy::start(setup, &[backend.address]);
    assert_eq!(proxy.ask(GET).body, b"ok");
    proxy.ask("GET / HTTP/1.1\r\nHost: other.test\r\n\r\n");
    proxy.ask("GET / HTTP/1.1\r\n\r\n");
    proxy.ask("GET / HTTP/1.1\r\n");
    proxy.drain();
    proxy.join();
    let address = proxy.address;
    drop(proxy);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let found: Vec<_> =
        lines.iter().map(|line| (line["status"].as_u64().unwrap(), line["end"].as_str().unwrap())).collect();
    assert_eq!(found, [(200, "--"), (404, "LR"), (400, "PR"), (408, "cR")], "{text} {address}");
    assert_eq!((lines[0]["service"].as_str(), lines[0]["backend"].as_str()), (Some("www"), Some("web0")));
    assert_eq!((lines[0]["cookie"].as_str(), lines[0]["bytes"].as_u64()), (Some("NI"), Some(2)));
}
