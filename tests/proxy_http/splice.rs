//! Long bodies and busy tunnels in clear text, which pass within the kernel.

use std::io::{Read, Write};
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::harness::{Client, GET, OK, Proxy, Script, Setup, eventually};

/// Long enough to be spliced many times over.
const LONG: usize = 5 * 1024 * 1024;

/// Bytes of which no two near each other are alike.
fn body() -> Vec<u8> {
    (0..LONG as u32).flat_map(|index| (index.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()).take(LONG).collect()
}

fn spliced(proxy: &Proxy) -> u64 {
    proxy.worker.as_ref().unwrap().counters.spliced_bytes.load(Ordering::Relaxed)
}

fn taken(proxy: &Proxy) -> u64 {
    proxy.shared.snapshot.load().services[0].backends[0].counters[0].bytes_in.load(Ordering::Relaxed)
}

const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n";

fn upgrade(proxy: &Proxy) -> Client {
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: www.test\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    assert_eq!(client.head().lines().next(), Some("HTTP/1.1 101 Switching Protocols"));
    client
}

#[test]
fn long_bodies_pass_within_the_kernel_both_ways_and_both_connections_stay_in_step() {
    let backend = Script::start(move |served, _| {
        for _ in 0..2 {
            served.head().unwrap();
            let got = served.bytes(LONG);
            served.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {LONG}\r\n\r\n"));
            served.stream.write_all(&got).unwrap();
        }
        served.head().unwrap();
        served.send(OK);
        served.rest();
    });
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let mut client = proxy.connect();
    let body = body();
    for _ in 0..2 {
        client.send(&format!("PUT / HTTP/1.1\r\nHost: www.test\r\nContent-Length: {LONG}\r\n\r\n"));
        client.stream.write_all(&body).unwrap();
        assert!(client.response().body == body, "another body than was sent");
    }
    client.send(GET);
    assert_eq!(client.response().body, b"ok");
    assert_eq!(backend.connections.load(Ordering::SeqCst), 1);
    assert_eq!(taken(&proxy), 2 * LONG as u64 + 2);
    let spliced = spliced(&proxy);
    assert!(spliced > 3 * LONG as u64, "{spliced} of {}", 4 * LONG);
}

#[test]
fn what_has_frames_of_its_own_or_is_short_is_copied() {
    let backend = Script::start(|served, number| {
        served.head().unwrap();
        let body = body();
        match number {
            0 => {
                served.send(&format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{LONG:x}\r\n"));
                served.stream.write_all(&body).unwrap();
                served.send("\r\n0\r\n\r\n");
            }
            1 => {
                served.send("HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n");
                served.stream.write_all(&body[..40_000]).unwrap();
            }
            // To a client of HTTP/1.1 it becomes chunks.
            _ => {
                served.send("HTTP/1.0 200 OK\r\n\r\n");
                let _ = served.stream.write_all(&body);
            }
        }
    });
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    assert!(proxy.ask(GET).body == body());
    assert!(proxy.ask(GET).body == body()[..40_000]);
    assert!(proxy.ask(GET).body == body());
    assert_eq!(spliced(&proxy), 0);
    assert!(proxy.ask("GET / HTTP/1.0\r\nHost: www.test\r\n\r\n").body == body(), "its end is the connection's");
    assert!(spliced(&proxy) > 0);
}

#[test]
fn a_body_that_breaks_off_is_not_taken_for_whole() {
    let backend = Script::start(|served, _| {
        served.head().unwrap();
        served.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", LONG + 1));
        served.stream.write_all(&body()).unwrap();
    });
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let mut client = proxy.connect();
    client.send(GET);
    client.head();
    assert!(client.rest() == body(), "all that came, and then the end");
    assert!(spliced(&proxy) > 0);
}

/// Sends without an end.
fn endless() -> Script {
    Script::start(|served, _| {
        served.head().unwrap();
        served.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 1000 * LONG));
        let body = body();
        while served.stream.write_all(&body).is_ok() {}
    })
}

#[test]
fn clients_that_take_nothing_take_no_pipe_from_others_that_they_could_not_do_without() {
    let backend = endless();
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let mut stuck: Vec<Client> = (0..20).map(|_| proxy.connect()).collect();
    for client in &mut stuck {
        client.send(GET);
        client.head();
    }
    // More than there are pipes for: whoever finds none has it copied.
    let mut reader = proxy.connect();
    reader.send(GET);
    reader.head();
    let mut some = vec![0; 4 * LONG];
    reader.stream.read_exact(&mut some).unwrap();
    let body = body();
    assert!(some.chunks(LONG).all(|part| part == body));
    drop((reader, stuck));
    eventually("all are gone", || proxy.shared.admission.connections() == 0);
    eventually("and so are their backends", || backend.closed.load(Ordering::SeqCst) == 21);
}

#[test]
fn a_client_that_takes_nothing_for_too_long_loses_its_connection() {
    let backend = endless();
    let mut setup = Setup::default();
    setup.timeouts.body_idle = Duration::from_secs(1);
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = proxy.connect();
    client.send(GET);
    client.head();
    eventually("it is gone", || proxy.shared.admission.connections() == 0);
    eventually("and so is its backend", || backend.closed.load(Ordering::SeqCst) == 1);
}

#[test]
fn much_in_a_tunnel_passes_within_the_kernel_and_its_ends_are_passed_on() {
    let backend = Script::start(|served, _| {
        served.head().unwrap();
        served.send(SWITCHED);
        assert_eq!(served.bytes(4), b"ping");
        served.stream.write_all(&body()).unwrap();
        assert!(served.rest() == body(), "what the client sent is something else");
        served.send("farewell");
    });
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let mut client = upgrade(&proxy);
    client.send("ping");
    let mut got = vec![0; LONG];
    client.stream.read_exact(&mut got).unwrap();
    assert!(got == body(), "what the backend sent is something else");
    client.stream.write_all(&body()).unwrap();
    client.close_half();
    assert_eq!(client.rest(), b"farewell");
    let spliced = spliced(&proxy);
    assert!(spliced > LONG as u64, "{spliced} of {}", 2 * LONG);
    assert_eq!(taken(&proxy), LONG as u64 + 8);
}
