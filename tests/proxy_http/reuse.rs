//! Whose requests go over which connection to a backend.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use polder::config::proxy::{ConnectionsConfig, Reuse};

use crate::harness::{GET, OK, Proxy, Script, Setup, eventually, field};

/// A backend that authenticates connections: whoever speaks on one with credentials is known on it from then on.
pub fn knows_connections(scheme: &'static str) -> Script {
    Script::start(move |served, number| {
        let mut visitor = None;
        while let Some(head) = served.head() {
            if let Some(credentials) = field(&head, "authorization") {
                visitor = Some(credentials.to_owned());
            }
            match &visitor {
                Some(visitor) => {
                    let page = format!("{number}: {visitor}");
                    served.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{page}", page.len()));
                }
                None => served.send(&format!(
                    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a\", {scheme}\r\nContent-Length: 0\r\n\r\n"
                )),
            }
        }
    })
}

fn with_credentials(credentials: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: www.test\r\nAuthorization: {credentials}\r\n\r\n")
}

#[test]
fn a_connection_that_was_authenticated_serves_its_visitor_alone() {
    for scheme in ["NTLM", "Negotiate", "negotiate", "NTLM\t"] {
        let backend = knows_connections(scheme);
        let proxy = Proxy::start(Setup::default(), &[backend.address]);
        let (mut alice, mut bob) = (proxy.connect(), proxy.connect());
        alice.send(&with_credentials(&format!("{scheme} alice")));
        assert_eq!(alice.response().body, format!("0: {scheme} alice").as_bytes());
        bob.send(GET);
        assert_eq!(bob.response().status(), 401, "Bob is nobody yet");
        alice.send(GET);
        assert_eq!(
            alice.response().body,
            format!("0: {scheme} alice").as_bytes(),
            "Alice is known without credentials"
        );
        bob.send(GET);
        assert_eq!(bob.response().status(), 401);
        assert_eq!(backend.connections.load(Ordering::SeqCst), 2);
        drop((alice, bob));
        assert_eq!(proxy.ask(GET).status(), 401, "whoever comes later is nobody either");
    }
}

#[test]
fn a_challenge_keeps_the_connection_for_the_visitor_who_got_it() {
    let backend = knows_connections("NTLM");
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let (mut alice, mut bob) = (proxy.connect(), proxy.connect());
    for client in [&mut alice, &mut bob] {
        client.send(GET);
        assert_eq!(client.response().status(), 401);
    }
    assert_eq!(backend.connections.load(Ordering::SeqCst), 2, "the handshake of each has a connection of its own");
    alice.send(&with_credentials("NTLM alice"));
    assert_eq!(alice.response().body, b"0: NTLM alice");
    bob.send(&with_credentials("NTLM bob"));
    assert_eq!(bob.response().body, b"1: NTLM bob");
}

#[test]
fn a_handshake_of_several_requests_stays_on_one_backend() {
    let backends = [knows_connections("NTLM"), knows_connections("NTLM")];
    for sticky in [false, true] {
        let setup = Setup { sticky, ..Setup::default() };
        let proxy = Proxy::start(setup, &backends.each_ref().map(|backend| backend.address));
        let mut alice = proxy.connect();
        let before = backends.each_ref().map(|backend| backend.heads().len());
        for request in [GET, &with_credentials("NTLM alice"), GET, GET] {
            alice.send(request);
            alice.response();
        }
        let mut asked = [0, 1].map(|index| backends[index].heads().len() - before[index]);
        asked.sort_unstable();
        assert_eq!(asked, [0, 4], "sticky: {sticky}");
    }
}

#[test]
fn basic_credentials_are_those_of_the_request_and_the_connection_is_anybodys() {
    let backend = Script::answering(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a\"\r\nContent-Length: 0\r\n\r\n",
    );
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    for request in [&with_credentials("Basic YTpi"), GET, GET] {
        assert_eq!(proxy.ask(request).status(), 401);
    }
    assert_eq!(backend.connections.load(Ordering::SeqCst), 1);
}

#[test]
fn a_service_says_whose_requests_go_over_an_idle_connection() {
    // Two visitors in turn; the pool gives the connection that was used last.
    for (reuse, expected) in [(Reuse::Always, "0000"), (Reuse::Safe, "0111"), (Reuse::Never, "0101")] {
        let backend = Script::start(|served, number| {
            while served.head().is_some() {
                served.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}"));
            }
        });
        let setup =
            Setup { connections: ConnectionsConfig { reuse, ..ConnectionsConfig::default() }, ..Setup::default() };
        let proxy = Proxy::start(setup, &[backend.address]);
        let mut visitors = [proxy.connect(), proxy.connect()];
        let mut served = String::new();
        for visitor in [0, 1, 0, 1] {
            visitors[visitor].send(GET);
            served.push_str(std::str::from_utf8(&visitors[visitor].response().body).unwrap());
        }
        assert_eq!(served, expected, "{reuse:?}");
    }
}

#[test]
fn a_connection_that_was_opened_to_be_shared_with_nobody_never_is() {
    let backend = Script::start(|served, number| {
        while served.head().is_some() {
            served.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}"));
        }
    });
    let with = |reuse| ConnectionsConfig { reuse, ..ConnectionsConfig::default() };
    let mut proxy = Proxy::start(Setup { connections: with(Reuse::Never), ..Setup::default() }, &[backend.address]);
    let (mut alice, mut bob) = (proxy.connect(), proxy.connect());
    alice.send(GET);
    assert_eq!(alice.response().body, b"0");
    // As if her next request were for another service of the same backend.
    proxy.swap(|setup| setup.connections = with(Reuse::Always));
    alice.send(GET);
    alice.response();
    bob.send(GET);
    assert_eq!(bob.response().body, b"1");
}

#[test]
fn a_visitor_whose_connections_are_his_own_has_one_at_a_time() {
    let ended = Arc::new(AtomicBool::new(false));
    let has_ended = Arc::clone(&ended);
    let one = Script::start(move |served, _| {
        while served.head().is_some() {
            served.send(OK);
        }
        ended.store(true, Ordering::SeqCst);
    });
    let two = Script::start(move |served, _| {
        served.head().unwrap();
        eventually("his connection to the other backend is closed", || has_ended.load(Ordering::SeqCst));
        served.send(OK);
    });
    let connections = ConnectionsConfig { reuse: Reuse::Never, ..ConnectionsConfig::default() };
    let proxy = Proxy::start(Setup { connections, ..Setup::default() }, &[one.address, two.address]);
    let mut visitor = proxy.connect();
    for _ in 0..2 {
        visitor.send(GET);
        assert_eq!(visitor.response().status(), 200);
    }
    assert_eq!((one.heads().len(), two.heads().len()), (1, 1));
}
