//! Every limit of `timeouts` ends what it bounds and has a log code of its own; whatever the end, nothing stays counted
//! as running.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use polder::config::proxy::TimeoutsConfig;
use polder::proxy::snapshot::LatchView;

use crate::harness::{GET, OK, PATIENCE, Proxy, Script, Setup, eventually, refusing};
use crate::logged::{self, with_log};

/// A limit that ends what a test lets stand still, and nothing that goes on.
const SHORT: Duration = Duration::from_secs(1);

/// The codes in the access log after `play` on a proxy with these limits.
fn ends(limit: impl FnOnce(&mut TimeoutsConfig), backend: SocketAddr, play: impl FnOnce(&mut Proxy)) -> Vec<String> {
    let (folder, mut setup) = with_log(Setup::default());
    limit(&mut setup.timeouts);
    let mut proxy = Proxy::start(setup, &[backend]);
    play(&mut proxy);
    eventually("every connection ends", || proxy.shared.admission.connections() == 0);
    assert_eq!(proxy.running(0), 0);
    logged::ends(&folder, proxy)
}

/// Reads one head, says this, and then neither reads nor writes.
fn stuck_after(words: &'static str) -> Script {
    Script::start(move |served, _| {
        served.head();
        served.send(words);
        loop {
            std::thread::park();
        }
    })
}

/// Sends this, and waits for the end of the connection.
fn say(words: &'static str) -> impl FnOnce(&mut Proxy) {
    move |proxy| {
        let mut client = proxy.connect();
        client.send(words);
        client.rest();
    }
}

#[test]
fn a_head_that_does_not_end_is_cr() {
    assert_eq!(ends(|limits| limits.request_head = SHORT, refusing(), say("GET / HTTP/1.1\r\nHost: w")), ["cR"]);
}

#[test]
fn a_client_that_asks_no_more_is_ck() {
    let backend = Script::answering(OK);
    assert_eq!(ends(|limits| limits.keep_alive = SHORT, backend.address, say(GET)), ["--", "cK"]);
}

#[test]
fn a_client_that_stops_sending_its_body_is_cd() {
    let half = "POST / HTTP/1.1\r\nHost: www.test\r\nContent-Length: 9\r\n\r\nhalf";
    assert_eq!(ends(|limits| limits.body_idle = SHORT, stuck_after("").address, say(half)), ["cD"]);
}

#[test]
fn a_client_that_stops_taking_its_response_is_cd() {
    let endless = Script::start(|served, _| {
        served.head();
        served.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
        while served.stream.write_all(&[0; 65536]).is_ok() {}
    });
    let found = ends(
        |limits| limits.body_idle = SHORT,
        endless.address,
        |proxy| {
            let mut client = proxy.connect();
            client.send(GET);
            client.head();
            eventually("the response is cut", || proxy.running(0) == 0);
        },
    );
    assert_eq!(found, ["cD"]);
}

#[test]
fn a_backend_that_stops_sending_its_body_is_sd() {
    let half = stuck_after("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    assert_eq!(ends(|limits| limits.body_idle = SHORT, half.address, say(GET)), ["sD"]);
}

#[test]
fn a_backend_that_stops_taking_the_body_is_sd() {
    let found = ends(
        |limits| limits.body_idle = SHORT,
        stuck_after("").address,
        |proxy| {
            let mut client = proxy.connect();
            client.send("POST / HTTP/1.1\r\nHost: www.test\r\nContent-Length: 1000000000\r\n\r\n");
            client.stream.set_write_timeout(Some(PATIENCE)).unwrap();
            while client.stream.write_all(&[0; 65536]).is_ok() {}
        },
    );
    assert_eq!(found, ["sD"]);
}

#[test]
fn a_connection_that_does_not_open_is_sc() {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    // A full queue of accepted connections: the kernel answers no more.
    let mut queue = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, SHORT) {
        queue.push(stream);
    }
    let close = "GET / HTTP/1.1\r\nHost: www.test\r\nConnection: close\r\n\r\n";
    assert_eq!(ends(|limits| limits.connect = SHORT, address, say(close)), ["sC"]);
}

#[test]
fn a_backend_that_owes_its_head_is_sh() {
    let close = "GET / HTTP/1.1\r\nHost: www.test\r\nConnection: close\r\n\r\n";
    assert_eq!(ends(|limits| limits.response_head = SHORT, stuck_after("").address, say(close)), ["sH"]);
}

#[test]
fn a_silent_tunnel_is_ct() {
    let backend = stuck_after("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
    let upgrade = say("GET / HTTP/1.1\r\nHost: www.test\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    assert_eq!(ends(|limits| limits.tunnel_idle = SHORT, backend.address, upgrade), ["cT"]);
}

#[test]
fn what_runs_at_the_drains_limit_is_k() {
    let found = ends(
        |limits| limits.drain = SHORT,
        stuck_after("").address,
        |proxy| {
            let mut client = proxy.connect();
            client.send(GET);
            eventually("it runs", || proxy.running(0) == 1);
            proxy.drain();
            client.rest();
        },
    );
    assert_eq!(found, ["K-"]);
}

#[test]
fn a_connection_to_a_backend_is_kept_no_longer_than_its_limit() {
    let backend = Script::answering(OK);
    let mut setup = Setup::default();
    setup.timeouts.backend_keep_alive = SHORT;
    let proxy = Proxy::start(setup, &[backend.address]);
    for _ in 0..2 {
        assert_eq!(proxy.ask(GET).body, b"ok");
        std::thread::sleep(SHORT * 2);
    }
    assert_eq!(backend.connections.load(Ordering::SeqCst), 2);
}

#[test]
fn an_upload_to_a_backend_that_never_says_continue_may_take_longer_than_its_head() {
    let backend = Script::start(|served, _| {
        served.head().unwrap();
        assert_eq!(served.bytes(8), b"12345678");
        served.send(OK);
        served.rest();
    });
    let mut setup = Setup::default();
    setup.timeouts.response_head = SHORT;
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: www.test\r\nExpect: 100-continue\r\nContent-Length: 8\r\n\r\n");
    for piece in ["12", "34", "56", "78"] {
        // A slow client: the time is the test's input.
        std::thread::sleep(SHORT / 3);
        client.send(piece);
    }
    assert_eq!(client.response().body, b"ok");
}

#[test]
fn whatever_the_end_nothing_stays_counted() {
    let backend = Script::start(|served, _| {
        while let Some(head) = served.head() {
            match head.split_whitespace().nth(1).unwrap() {
                "/ok" => served.send(OK),
                "/cut" => return served.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
                "/garbage" => return served.send("garbage\r\n\r\n"),
                "/closed" => return,
                "/half" => served.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
                "/tunnel" => served.send("HTTP/1.1 101 OK\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
                _ => {}
            }
        }
    });
    let mut setup = Setup { latch: Some(LatchView::Active(0)), ..Setup::default() };
    setup.verdict_bound = SHORT;
    let mut proxy = Proxy::start(setup, &[backend.address, refusing()]);
    let request = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nHost: www.test\r\n{more}\r\n");
    let nothing_runs = |proxy: &Proxy, what: &str| {
        eventually(what, || {
            proxy.running(0) + proxy.running(1) == 0
                && proxy.shared.admission.connections() == 0
                && proxy.waiting.load(Ordering::Relaxed) == 0
        });
    };
    for (path, more) in [("/ok", ""), ("/ok", "Connection: close\r\n"), ("/cut", ""), ("/garbage", ""), ("/closed", "")]
    {
        let mut client = proxy.connect();
        client.send(&request(path, more));
        client.head();
        if path == "/cut" {
            client.rest();
        }
        drop(client);
        nothing_runs(&proxy, path);
    }
    let failed = |proxy: &Proxy| {
        let counters = &proxy.shared.snapshot.load().services[0].backends[0].counters[0];
        counters.failed_attempts.load(Ordering::Relaxed)
    };
    let failed_by_itself = failed(&proxy);
    assert!(failed_by_itself >= 2);
    for (path, more) in [("/silent", ""), ("/half", ""), ("/tunnel", "Connection: upgrade\r\nUpgrade: x\r\n")] {
        for moves in [false, true] {
            let mut client = proxy.connect();
            client.send(&request(path, more));
            eventually("it runs", || proxy.running(0) == 1);
            if path != "/silent" {
                client.head();
            }
            if moves {
                proxy.swap(|setup| setup.latch = Some(LatchView::Active(1)));
                eventually("it has left", || proxy.running(0) == 0);
            }
            client.reset();
            nothing_runs(&proxy, path);
            proxy.swap(|setup| setup.latch = Some(LatchView::Active(0)));
        }
    }
    let mut client = proxy.connect();
    client.send("POST /silent HTTP/1.1\r\nHost: www.test\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    assert_eq!(client.response().status(), 400);
    drop(client);
    nothing_runs(&proxy, "a malformed body");
    let counters = &proxy.shared.snapshot.load().services[0].backends[0].counters[0];
    assert_eq!(counters.aborted.load(Ordering::Relaxed), 3, "one cut by the backend, a body and a tunnel by the latch");
    assert_eq!(failed(&proxy), failed_by_itself, "clients' faults are not the backend's");
}
