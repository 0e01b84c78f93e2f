//! New snapshots under running requests: moved, aborted, waiting.

use std::sync::atomic::Ordering;
use std::time::Duration;

use polder::health::{Proof, Verdict};
use polder::proxy::snapshot::LatchView;
use polder::proxy::traffic::shared::Report;

use crate::harness::{GET, OK, Proxy, Script, Setup, eventually, refusing};

fn frozen() -> Script {
    Script::start(|served, _| {
        served.head();
        served.rest();
    })
}

fn named(name: &'static str) -> Script {
    Script::answering(match name {
        "one" => "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none",
        _ => "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo",
    })
}

#[test]
fn a_get_that_waits_on_a_frozen_backend_moves_when_the_verdict_comes() {
    let (frozen, two) = (frozen(), named("two"));
    let setup = Setup { verdicts: vec![Verdict::Up, Verdict::Down], ..Setup::default() };
    let mut proxy = Proxy::start(setup, &[frozen.address, two.address]);
    let mut client = proxy.connect();
    client.send(GET);
    eventually("the frozen backend has the request", || frozen.heads().len() == 1);
    proxy.swap(|setup| setup.verdicts = vec![Verdict::Down, Verdict::Up]);
    assert_eq!(client.response().body, b"two");
    eventually("nothing runs", || proxy.running(0) + proxy.running(1) == 0);
}

#[test]
fn a_post_on_a_frozen_backend_stays_when_it_goes_down() {
    let (frozen, two) = (frozen(), named("two"));
    let mut setup = Setup { verdicts: vec![Verdict::Up, Verdict::Down], ..Setup::default() };
    setup.timeouts.response_head = Duration::from_millis(300);
    let mut proxy = Proxy::start(setup, &[frozen.address, two.address]);
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: www.test\r\nContent-Length: 4\r\n\r\nbody");
    eventually("the frozen backend has the request", || frozen.heads().len() == 1);
    proxy.swap(|setup| setup.verdicts = vec![Verdict::Down, Verdict::Up]);
    assert_eq!(client.response().status(), 504);
    assert!(two.heads().is_empty());
}

#[test]
fn when_the_latch_moves_running_responses_are_cut_and_new_requests_get_a_new_cookie() {
    let one = Script::start(|served, _| {
        served.head();
        served.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        served.rest();
    });
    let two = named("two");
    let setup = Setup { latch: Some(LatchView::Active(0)), ..Setup::default() };
    let mut proxy = Proxy::start(setup, &[one.address, two.address]);
    let mut client = proxy.connect();
    client.send(GET);
    let head = client.head();
    assert!(head.contains(&format!("Set-Cookie: polder-www={}", one.address)), "{head}");
    proxy.swap(|setup| setup.latch = Some(LatchView::Active(1)));
    assert!(client.rest().len() < 10);
    let cookie = format!("GET / HTTP/1.1\r\nHost: www.test\r\nCookie: polder-www={}\r\n\r\n", one.address);
    let response = proxy.ask(&cookie);
    assert_eq!(response.body, b"two");
    assert!(response.field("set-cookie").unwrap().starts_with(&format!("polder-www={}", two.address)));
    assert_eq!(response.field("cache-control"), Some("private"));
    assert!(!two.heads()[0].contains("Cookie"), "{:?}", two.heads());
}

#[test]
fn a_request_waits_for_the_verdict_and_is_served_by_the_backup() {
    let two = named("two");
    let setup = Setup { latch: Some(LatchView::Active(0)), ..Setup::default() };
    let mut proxy = Proxy::start(setup, &[refusing(), two.address]);
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: www.test\r\nContent-Length: 0\r\n\r\n");
    eventually("it waits", || proxy.waiting.load(Ordering::Relaxed) == 1);
    proxy.swap(|setup| setup.latch = Some(LatchView::Active(1)));
    assert_eq!(client.response().body, b"two");
    eventually("nobody waits", || proxy.waiting.load(Ordering::Relaxed) == 0);
    assert_eq!(proxy.worker.as_ref().unwrap().counters.waited.load(Ordering::Relaxed), 1);
}

#[test]
fn a_blip_that_never_becomes_a_verdict_is_served_in_the_end() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let setup = Setup { latch: Some(LatchView::Active(0)), ..Setup::default() };
    let proxy = Proxy::start(setup, &[address, refusing()]);
    let mut client = proxy.connect();
    client.send(GET);
    eventually("it waits", || proxy.waiting.load(Ordering::Relaxed) == 1);
    let listener = std::net::TcpListener::bind(address).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        std::io::Write::write_all(&mut stream, OK.as_bytes()).unwrap();
        let mut rest = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut rest);
    });
    assert_eq!(client.response().body, b"ok");
    drop((client, proxy));
    server.join().unwrap();
}

#[test]
fn waiting_is_bounded_in_time_and_number() {
    let mut setup = Setup { latch: Some(LatchView::Hold), ..Setup::default() };
    setup.hold_bound = Duration::from_secs(2);
    setup.limits.waiting = 1;
    let proxy = Proxy::start(setup, &[refusing()]);
    let mut first = proxy.connect();
    first.send(GET);
    eventually("it waits", || proxy.waiting.load(Ordering::Relaxed) == 1);
    assert_eq!(proxy.ask(GET).status(), 503);
    let response = first.response();
    assert_eq!((response.status(), response.field("retry-after").is_some()), (503, true));
    assert_eq!(proxy.waiting.load(Ordering::Relaxed), 0);
}

#[test]
fn a_session_waits_for_its_backend_to_be_probed_again_and_others_go_elsewhere_meanwhile() {
    let (one, two) = (named("one"), named("two"));
    let lapsed = Proof::new(Duration::ZERO, Duration::ZERO);
    eventually("it has lapsed", || !lapsed.holds(polder::running_time::running()));
    let setup = Setup { sticky: true, proofs: vec![lapsed], ..Setup::default() };
    let mut proxy = Proxy::start(setup, &[one.address, two.address]);
    let mut session = proxy.connect();
    session.send(&format!("GET / HTTP/1.1\r\nHost: www.test\r\nCookie: polder-www={}\r\n\r\n", one.address));
    eventually("it waits", || proxy.waiting.load(Ordering::Relaxed) == 1);
    let Some(Report::LiveError(target)) = proxy.reports.blocking_recv() else { panic!("nobody asks for a probe") };
    assert_eq!(target.address, one.address);
    for _ in 0..4 {
        assert_eq!(proxy.ask(GET).body, b"two");
    }
    assert!(one.heads().is_empty(), "{:?}", one.heads());
    proxy.swap(|setup| setup.proofs.clear());
    assert_eq!(session.response().body, b"one");
}

#[test]
fn an_operators_step_may_take_longer_than_a_verdict() {
    let two = named("two");
    let mut setup = Setup { latch: Some(LatchView::Hold), ..Setup::default() };
    setup.verdict_bound = Duration::from_millis(50);
    let mut proxy = Proxy::start(setup, &[refusing(), two.address]);
    let mut client = proxy.connect();
    client.send(GET);
    eventually("it waits", || proxy.waiting.load(Ordering::Relaxed) == 1);
    // Longer than a verdict takes: the time is the test's input.
    std::thread::sleep(Duration::from_millis(150));
    proxy.swap(|setup| setup.latch = Some(LatchView::Active(1)));
    assert_eq!(client.response().body, b"two");
}

#[test]
fn a_client_that_leaves_while_it_waits_leaves_the_queue() {
    let setup = Setup { latch: Some(LatchView::Hold), ..Setup::default() };
    let proxy = Proxy::start(setup, &[refusing()]);
    let mut client = proxy.connect();
    client.send(GET);
    eventually("it waits", || proxy.waiting.load(Ordering::Relaxed) == 1);
    client.reset();
    eventually("nobody waits", || proxy.waiting.load(Ordering::Relaxed) == 0);
}

#[test]
fn a_valid_cookie_keeps_its_backend_and_a_forged_one_is_replaced() {
    let (one, two) = (named("one"), named("two"));
    let setup = Setup { sticky: true, ..Setup::default() };
    let proxy = Proxy::start(setup, &[one.address, two.address]);
    for _ in 0..4 {
        let cookie = format!("GET / HTTP/1.1\r\nHost: www.test\r\nCookie: a=1; polder-www={}\r\n\r\n", two.address);
        let response = proxy.ask(&cookie);
        assert_eq!((response.body.as_slice(), response.field("set-cookie")), (&b"two"[..], None));
    }
    assert!(two.heads()[0].contains("\r\nCookie: a=1\r\n"));
    let forged = proxy.ask("GET / HTTP/1.1\r\nHost: www.test\r\nCookie: polder-www=127.0.0.1:22\r\n\r\n");
    assert!(forged.field("set-cookie").is_some());
}
