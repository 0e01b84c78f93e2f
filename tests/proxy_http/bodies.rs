//! Bodies: every framing, both ways, at every speed.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::harness::{GET, OK, Proxy, Script, Setup, eventually};

#[test]
fn chunks_go_both_ways_without_extensions_and_with_trailers() {
    let got = Arc::<Mutex<Vec<u8>>>::default();
    let kept = Arc::clone(&got);
    let backend = Script::start(move |served, _| {
        served.head().unwrap();
        let body = served.bytes(b"5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 11\r\n\r\n".len());
        *kept.lock().unwrap() = body;
        served.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n");
        served.send("3;a=b\r\nabc\r\n00\r\nX-Sum: 3\r\nContent-Length: 9\r\n\r\n");
        served.rest();
    });
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: www.test\r\nTransfer-Encoding: chunked\r\n\r\n5;x=\"y\"\r\nhel");
    client.send("lo\r\n6\r\n world\r\n0\r\nX-Sum: 11\r\nHost: evil.test\r\n\r\n");
    let response = client.response();
    assert_eq!(response.body, b"abc");
    assert_eq!(response.trailers, "X-Sum: 3\r\n");
    assert_eq!(response.field("trailer"), Some("X-Sum"));
    let got = String::from_utf8(got.lock().unwrap().clone()).unwrap();
    assert_eq!(got, "5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 11\r\n\r\n");
}

#[test]
fn an_old_client_gets_chunks_as_bytes_and_a_new_one_gets_an_endless_body_as_chunks() {
    let backend = Script::start(|served, number| {
        served.head().unwrap();
        if number == 0 {
            served.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
            served.rest();
        } else {
            served.send("HTTP/1.0 200 OK\r\n\r\nendless");
        }
    });
    let setup = Setup::default();
    let proxy = Proxy::start(setup, &[backend.address]);
    let old = proxy.ask("GET / HTTP/1.0\r\nHost: www.test\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!((old.body.as_slice(), old.field("connection")), (&b"abcde"[..], Some("close")));
    assert_eq!(old.field("transfer-encoding"), None);
    // The first connection was kept by the backend; it is taken up, found closed or used: either way the second answer comes.
    drop(proxy);
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let new = proxy.ask(GET);
    assert_eq!((new.body.as_slice(), new.field("transfer-encoding")), (&b"endless"[..], Some("chunked")));
}

#[test]
fn responses_without_a_body_leave_the_connections_in_step() {
    let backend = Script::start(|served, _| {
        for response in [
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nETag: x\r\n\r\n",
            OK,
        ] {
            served.head().unwrap();
            served.send(response);
        }
        served.rest();
    });
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let mut client = proxy.connect();
    client.send("HEAD / HTTP/1.1\r\nHost: www.test\r\n\r\n");
    assert!(client.head().contains("Content-Length: 100\r\n"));
    client.send(GET);
    assert_eq!(client.response().status(), 204);
    client.send(GET);
    assert_eq!(client.response().status(), 304);
    client.send(GET);
    assert_eq!(client.response().body, b"ok");
    assert_eq!(backend.connections.load(Ordering::SeqCst), 1);
}

#[test]
fn interim_responses_pass_to_new_clients_only() {
    let backend = Script::start(|served, _| {
        while served.head().is_some() {
            served.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n");
            served.send(OK);
        }
    });
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let mut client = proxy.connect();
    client.send(GET);
    assert_eq!(client.head(), "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
    assert_eq!(client.head(), "HTTP/1.1 102 Processing\r\n\r\n");
    assert_eq!(client.response().body, b"ok");
    assert_eq!(proxy.ask("GET / HTTP/1.0\r\nHost: www.test\r\n\r\n").status(), 200);
}

const EXPECTING: &str = "POST / HTTP/1.1\r\nHost: www.test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";

#[test]
fn the_backend_decides_whether_to_continue() {
    let backend = Script::start(|served, number| {
        assert!(served.head().unwrap().contains("Expect: 100-continue\r\n"));
        if number == 0 {
            served.send("HTTP/1.1 100 Continue\r\n\r\n");
            assert_eq!(served.bytes(4), b"body");
            served.send(OK);
        } else {
            served.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
        }
        served.rest();
    });
    let mut setup = Setup::default();
    setup.limits.idle_per_backend = Some(0);
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = proxy.connect();
    client.send(EXPECTING);
    assert_eq!(client.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("body");
    assert_eq!(client.response().body, b"ok");
    client.send(EXPECTING);
    let refused = client.response();
    assert_eq!((refused.status(), refused.field("connection")), (401, Some("close")));
    client.stream.shutdown(std::net::Shutdown::Write).unwrap();
    client.assert_closed();
}

#[test]
fn a_large_upload_arrives_whole() {
    const SIZE: usize = 8 * 1024 * 1024;
    let backend = Script::start(|served, _| {
        served.head().unwrap();
        let body = served.bytes(SIZE);
        let sum: u64 = body.iter().map(|byte| u64::from(*byte)).sum();
        let text = sum.to_string();
        served.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len()));
    });
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let mut client = proxy.connect();
    client.send(&format!("PUT / HTTP/1.1\r\nHost: www.test\r\nContent-Length: {SIZE}\r\n\r\n"));
    let body: Vec<u8> = (0..SIZE).map(|index| (index % 251) as u8).collect();
    client.stream.write_all(&body).unwrap();
    let sum: u64 = body.iter().map(|byte| u64::from(*byte)).sum();
    assert_eq!(client.response().body, sum.to_string().as_bytes());
}

#[test]
fn a_slow_reader_stops_the_backend_from_sending() {
    const SIZE: usize = 256 * 1024 * 1024;
    let sent = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&sent);
    let backend = Script::start(move |served, _| {
        served.head().unwrap();
        served.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"));
        let block = [0; 64 * 1024];
        while served.stream.write_all(&block).is_ok() {
            counted.fetch_add(block.len(), Ordering::SeqCst);
        }
    });
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let mut client = proxy.connect();
    client.send(GET);
    client.head();
    // What was sent stands still once the kernel's buffers and ours are full.
    let mut last = 0;
    eventually("the backend is stopped", || {
        std::thread::sleep(Duration::from_millis(100));
        std::mem::replace(&mut last, sent.load(Ordering::SeqCst)) == sent.load(Ordering::SeqCst)
    });
    let stopped = sent.load(Ordering::SeqCst);
    assert!(stopped < 64 * 1024 * 1024, "{stopped} bytes were taken from the backend");
    let mut block = vec![0; 1024 * 1024];
    let mut read = 0;
    while read < 32 * 1024 * 1024 {
        read += client.stream.read(&mut block).unwrap();
    }
    eventually("the backend goes on", || sent.load(Ordering::SeqCst) > stopped);
}

#[test]
fn an_upgrade_becomes_a_tunnel_after_101_only() {
    let backend = Script::start(|served, number| {
        let head = served.head().unwrap();
        assert!(head.contains("Upgrade: websocket\r\n") && head.ends_with("Connection: upgrade\r\n\r\n"), "{head}");
        if number == 0 {
            served.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nearly");
            assert_eq!(served.bytes(4), b"ping");
            served.send("pong");
            assert_eq!(served.rest(), b"last");
            served.send("farewell");
        } else {
            served.send(OK);
            served.rest();
        }
    });
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let asking = "GET / HTTP/1.1\r\nHost: www.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let mut client = proxy.connect();
    client.send(asking);
    assert!(client.head().starts_with("HTTP/1.1 101 "));
    let mut bytes = [0; 5];
    client.stream.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"early");
    client.send("ping");
    client.stream.read_exact(&mut bytes[..4]).unwrap();
    assert_eq!(&bytes[..4], b"pong");
    client.send("last");
    client.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(client.rest(), b"farewell");
    let mut client = proxy.connect();
    client.send(asking);
    assert_eq!(client.response().body, b"ok");
}

#[test]
fn a_silent_tunnel_ends_at_its_limit_and_a_busy_one_does_not() {
    let backend = Script::start(|served, _| {
        served.head().unwrap();
        served.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
        for _ in 0..20 {
            std::thread::sleep(Duration::from_millis(150));
            served.send(".");
        }
        served.rest();
    });
    let mut setup = Setup::default();
    setup.timeouts.tunnel_idle = Duration::from_secs(2);
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: www.test\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    client.head();
    assert_eq!(client.rest(), [b'.'; 20]);
    assert_eq!(proxy.worker.as_ref().unwrap().counters.tunnels.load(Ordering::Relaxed), 1);
}

#[test]
fn a_visitor_who_begins_with_an_upgrade_is_told_its_backend() {
    let backend = Script::answering("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
    let proxy = Proxy::start(Setup { sticky: true, ..Setup::default() }, &[backend.address]);
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: www.test\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    let head = client.head();
    assert!(head.contains(&format!("\r\nSet-Cookie: polder-www={}; ", backend.address)), "{head}");
}
