//! What is tried again, and where, when no connection to a backend can be opened.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::time::Duration;

use polder::config::proxy::{ConnectionsConfig, Redispatch, TimeoutsConfig};
use polder::health::Verdict;

use crate::harness::{Client, OK, PATIENCE, Proxy, Script, Served, Setup, eventually, refusing};

fn get(cookie: Option<SocketAddr>) -> String {
    let cookie = cookie.map(|address| format!("Cookie: polder-www={address}\r\n")).unwrap_or_default();
    format!("GET / HTTP/1.1\r\nHost: www.test\r\n{cookie}\r\n")
}

fn ok(served: &mut Served, _: usize) {
    while served.head().is_some() {
        served.send(OK);
    }
}

fn retries(proxy: &Proxy) -> u64 {
    proxy.worker.as_ref().unwrap().counters.retries.load(Ordering::Relaxed)
}

#[test]
fn a_valid_cookie_keeps_its_backend_while_that_restarts() {
    let (other, own) = (Script::start(ok), refusing());
    let mut proxy = Proxy::start(Setup { sticky: true, ..Setup::default() }, &[other.address, own]);
    let mut visitor = proxy.connect();
    visitor.send(&get(Some(own)));
    proxy.reports.blocking_recv().unwrap();
    let own = Script::start_at(own, ok);
    let response = visitor.response();
    assert_eq!((response.status(), response.field("set-cookie")), (200, None));
    assert_eq!((own.heads().len(), other.heads().len()), (1, 0));
}

#[test]
fn requests_wait_for_the_only_backend_of_a_service_while_that_restarts() {
    let address = refusing();
    let mut proxy = Proxy::start(Setup::default(), &[address]);
    let mut visitors: Vec<Client> = (0..10).map(|_| proxy.connect()).collect();
    visitors
        .iter_mut()
        .for_each(|visitor| visitor.send("POST / HTTP/1.1\r\nHost: www.test\r\nContent-Length: 0\r\n\r\n"));
    proxy.reports.blocking_recv().unwrap();
    let backend = Script::start_at(address, ok);
    for visitor in &mut visitors {
        assert_eq!(visitor.response().status(), 200);
    }
    assert_eq!(backend.heads().len(), 10);
    eventually("nobody waits", || proxy.waiting.load(Ordering::Relaxed) == 0);
}

#[test]
fn a_service_says_how_often_a_backend_is_tried_and_when_a_visitor_leaves_it() {
    for (redispatch, most, status, tried_again) in [
        (Redispatch::Last, 3, 200, 3),
        (Redispatch::Last, 1, 200, 1),
        (Redispatch::Last, 0, 503, 0),
        (Redispatch::First, 3, 200, 1),
        (Redispatch::Never, 2, 503, 2),
    ] {
        let (other, own) = (Script::start(ok), refusing());
        let connections = ConnectionsConfig { retries: Some(most), redispatch, ..ConnectionsConfig::default() };
        let mut setup = Setup { sticky: true, connections, ..Setup::default() };
        setup.timeouts.connect = Duration::from_millis(20);
        let proxy = Proxy::start(setup, &[other.address, own]);
        let response = proxy.ask(&get(Some(own)));
        assert_eq!(response.status(), status, "{connections:?}");
        assert_eq!(response.field("set-cookie").is_some(), status == 200, "{connections:?}");
        assert_eq!(retries(&proxy), tried_again, "{connections:?}");
    }
}

#[test]
fn who_has_no_cookie_goes_elsewhere_at_once() {
    let other = Script::start(ok);
    // Nobody would live to see a pause that the limit on waiting forbids.
    let mut setup = Setup { sticky: true, ..Setup::default() };
    setup.limits.waiting = 0;
    let proxy = Proxy::start(setup, &[refusing(), other.address]);
    for _ in 0..4 {
        assert_eq!(proxy.ask(&get(None)).status(), 200);
    }
}

#[test]
fn a_verdict_ends_the_wait_and_another_backend_is_chosen() {
    let (other, own) = (Script::start(ok), refusing());
    let connections = ConnectionsConfig { redispatch: Redispatch::Never, ..ConnectionsConfig::default() };
    let mut proxy = Proxy::start(Setup { sticky: true, connections, ..Setup::default() }, &[other.address, own]);
    let mut visitor = proxy.connect();
    visitor.send(&get(Some(own)));
    proxy.reports.blocking_recv().unwrap();
    proxy.swap(|setup| setup.verdicts = vec![Verdict::Up, Verdict::Down]);
    let response = visitor.response();
    assert_eq!((response.status(), response.field("set-cookie").is_some()), (200, true));
}

#[test]
fn a_packet_that_a_full_queue_dropped_is_no_reason_to_leave() {
    let connect = TimeoutsConfig::default().connect;
    assert!(connect > Duration::from_secs(3), "the kernel sends a SYN again after 1 s and after 3 s");
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        queue.push(stream);
    }
    let other = Script::start(ok);
    let mut setup = Setup { sticky: true, ..Setup::default() };
    setup.timeouts.connect = connect;
    let proxy = Proxy::start(setup, &[other.address, address]);
    let mut visitor = proxy.connect();
    visitor.send(&get(Some(address)));
    eventually("the proxy connects", || proxy.running(1) == 1);
    let listener = TcpListener::from(socket);
    std::thread::spawn(move || {
        loop {
            let (mut stream, _) = listener.accept().unwrap();
            std::thread::spawn(move || {
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let mut head = [0; 1024];
                if std::io::Read::read(&mut stream, &mut head).is_ok_and(|read| read > 0) {
                    std::io::Write::write_all(&mut stream, OK.as_bytes()).unwrap();
                }
            });
        }
    });
    let response = visitor.response();
    assert_eq!((response.status(), response.field("set-cookie")), (200, None));
    assert_eq!(other.heads().len(), 0);
}

#[test]
fn where_nobody_may_wait_a_visitor_whose_backend_refuses_is_given_another_one() {
    let (other, own) = (Script::start(ok), refusing());
    let mut setup = Setup { sticky: true, ..Setup::default() };
    setup.limits.waiting = 0;
    let proxy = Proxy::start(setup, &[other.address, own]);
    let response = proxy.ask(&get(Some(own)));
    assert_eq!((response.status(), response.field("set-cookie").is_some()), (200, true));
    assert_eq!(other.heads().len(), 1);
}
