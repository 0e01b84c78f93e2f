//! What the hot paths allocate: nothing for a query, nothing for a choice, nothing for a request on a
//! connection that is kept.
//!
//! Everything in this process is counted, whichever thread does it. So only one test runs at a time, each is measured in
//! rounds, and the least counts: what a path allocates, it allocates in every round.

#![allow(clippy::unwrap_used, clippy::panic)]
#![allow(clippy::disallowed_types, reason = "a lock keeps the tests of this file from counting each other")]

mod samples;

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use polder::config::dns::RateLimitConfig;
use polder::config::proxy::{AccessLogConfig, AccessLogFormat, AccessLogPath, AskedFields, Protocol};
use polder::daemon::ticks::Ticks;
use polder::dns::answer::{Client, Transport, UDP_SIZE, answer, cut};
use polder::dns::cookie::{Issuer, Secrets};
use polder::dns::counters::{Counters, Limited};
use polder::dns::dnstap::{self, Dnstap, Ends, Tap, Terms, Wanted, since_epoch};
use polder::dns::rate_limit::Accounts;
use polder::proxy::choose::cookie::Cookie;
use polder::proxy::choose::{BalanceState, RequestFacts, choose};
use polder::proxy::snapshot::{LatchView, ServiceMode, Snapshot};
use polder::proxy::traffic::access_log::AccessLog;
use polder::proxy::traffic::door::Door;
use polder::proxy::traffic::shared::Shared;
use polder::proxy::traffic::worker::{Command, Listening, spawn};
use polder::zone::number::rtype;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::sync::mpsc;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

const ROUNDS: usize = 5;

/// Requests of a round.
const REQUESTS: usize = 1_000;
const PATIENCE: Duration = Duration::from_secs(20);

/// Held by a test from its beginning: what another one prepares would be counted too.
fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The fewest allocations (growing a block is one too) of any round.
fn fewest(mut round: impl FnMut()) -> usize {
    let count = |_| {
        let region = Region::new(ALLOCATOR);
        round();
        let change = region.change();
        change.allocations + change.reallocations
    };
    (0..ROUNDS).map(count).min().unwrap()
}

#[test]
fn what_allocates_is_counted() {
    let _alone = alone();
    assert_eq!(fewest(|| drop(std::hint::black_box(vec![0_u8; 10]))), 1);
}

#[test]
fn no_answer_allocates() {
    let _alone = alone();
    let snapshot = samples::names(samples::small_zone());
    let (counters, mut buffer) = (Counters::default(), [0; UDP_SIZE as usize]);
    for (name, qtype) in [
        ("http0.l.example.net", rtype::A),
        ("http0.l.example.net", rtype::AAAA),
        ("pooled.example.net", rtype::A),
        ("example.net", rtype::NS),
        ("example.net", rtype::ANY),
        ("nowhere.example.net", rtype::A),
        ("any.wild.example.net", rtype::A),
        ("www.child.example.net", rtype::A),
        ("c1.example.net", rtype::A),
        ("www.example.com", rtype::A),
    ] {
        let query = samples::query(name, qtype);
        let count = fewest(|| {
            for rotation in 0..100 {
                let answered =
                    answer(&query, &snapshot, &Client::without_cookies(Transport::Udp), rotation, &mut buffer);
                counters.count(Some(answered.expect("a query is answered")));
            }
        });
        assert_eq!(count, 0, "for 100 queries for {name} {qtype}");
    }
}

#[test]
fn a_cookie_and_a_limited_answer_allocate_nothing() {
    let _alone = alone();
    let snapshot = samples::names(samples::small_zone());
    let secrets = Secrets::one([7; 16]);
    let address = "192.0.2.1".parse().unwrap();
    let client = Client { transport: Transport::Udp, issuer: Some(Issuer { secrets: &secrets, address, now: 1 }) };
    let (accounts, limits) = (Accounts::default(), RateLimitConfig { responses_per_second: 10, ..Default::default() });
    let query = samples::with_cookie(&samples::query("http0.l.example.net", rtype::A), b"a client");
    let (counters, mut buffer) = (Counters::default(), [0; UDP_SIZE as usize]);
    let count = fewest(|| {
        for rotation in 0..100 {
            let answered = answer(&query, &snapshot, &client, rotation, &mut buffer).expect("a query is answered");
            accounts.debit(&limits, address, answered.account, 1);
            counters.count_limited(&answered, Limited::Slipped, address);
            counters.count(Some(answered));
            cut(&query, &snapshot, &client, &mut buffer).expect("a query is answered");
        }
    });
    assert_eq!(count, 0, "for 100 queries");
}

#[test]
fn a_message_that_is_recorded_for_dnstap_allocates_nothing() {
    let _alone = alone();
    let mut tapped = Dnstap::new();
    let tap = Tap::new(tapped.taps(), dnstap::Protocol::Udp, Arc::default());
    let query = samples::query("http0.l.example.net", rtype::A);
    let ends = Ends::new("192.0.2.1:1024".parse().unwrap(), "192.0.2.53:53".parse().ok());
    let exchange = || {
        for _ in 0..100 {
            if tap.is_on() {
                tap.record(&ends, since_epoch(), &query, Some(&query));
            }
        }
    };
    assert_eq!(fewest(exchange), 0, "while it is off");
    let terms = Terms { queries: true, responses: true, sample: 1, ..Terms::default() };
    // Nobody is there to take it.
    tapped.want(Some(Wanted { socket: "/nowhere/dnstap.sock".into(), terms })).unwrap();
    exchange();
    assert_eq!(fewest(exchange), 0, "for 100 queries and responses");
}

#[test]
fn no_choice_allocates_after_the_first() {
    let _alone = alone();
    let settings = [
        r#""mode": "stateless", "balance": "round-robin""#,
        r#""mode": "stateless", "balance": "least-connections""#,
        r#""mode": "stateless", "balance": "random-two-choices""#,
        r#""mode": "stateful", "failover": "automatic", "cookie": { "value": "address" }"#,
    ];
    let mut services: Vec<_> = settings.map(|settings| snapshot(8, settings).services.remove(0)).into();
    let mut latched = snapshot(8, settings[0]).services.remove(0);
    let cookie = Cookie::address("polder-s0").into();
    latched.mode = ServiceMode::Latched { cookie, latch: LatchView::Active(1) };
    services.push(latched);
    for service in &services {
        let mut spread = BalanceState::default();
        let mut choose_all = || {
            for random in 0..100 {
                for cookie in [None, Some(3)] {
                    choose(
                        service,
                        RequestFacts { cookie, tried: u128::from(random) & 0b11, ..RequestFacts::default() },
                        &mut spread,
                        random << 24,
                    );
                }
            }
        };
        choose_all();
        assert_eq!(fewest(choose_all), 0, "for 200 choices by {:?}, {:?}", service.mode, service.balance);
    }
}

#[test]
fn reading_a_cookie_allocates_nothing() {
    let _alone = alone();
    let service = snapshot(8, r#""mode": "stateless""#).services.remove(0);
    let sealed = Cookie::sealed("polder-s0", "s0", &[[7; 32], [8; 32]]).unwrap();
    for cookie in [Cookie::address("polder-s0"), sealed] {
        let field = format!("theme=dark; {}", cookie.set(service.backends[5].address, true));
        let count = fewest(|| {
            let value = cookie.find(field.as_bytes()).expect("it is there");
            assert_eq!(cookie.open(value, service.addresses()), Some(5));
        });
        assert_eq!(count, 0, "{cookie:?}");
    }
}

/// Room for what is not a request's: the worker's heartbeat, and the harness of the tests.
const ASIDE: usize = 10;

#[test]
fn a_request_on_a_kept_connection_allocates_nothing() {
    let _alone = alone();
    assert_allocates_nothing(r#""mode": "stateless""#, None);
}

#[test]
fn a_request_that_is_logged_allocates_nothing() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    for format in [AccessLogFormat::Json, AccessLogFormat::Haproxy] {
        let path = folder.path().join("access.log");
        let fields = AskedFields { user_agent: true, referer: true };
        let log = AccessLogConfig { format, fields, ..AccessLogConfig::to(AccessLogPath::File(path.clone())) };
        // With an id, as where the document has `request_id`.
        let settings = r#""mode": "stateless", "request_headers": { "set": { "X-Request-Id": "{request_id}" } }"#;
        assert_allocates_nothing(settings, Some(&log));
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(written.lines().count() > ROUNDS * REQUESTS / 2, "{} lines", written.lines().count());
    }
}

#[test]
fn header_fields_that_a_service_writes_allocate_nothing() {
    let _alone = alone();
    assert_allocates_nothing(
        r#""mode": "stateless",
        "request_headers": { "set": { "X-Real-IP": "{client}", "X-Request-Id": "{request_id}" }, "remove": ["X-Debug-*", "Cookie"] },
        "response_headers": { "set": { "X-Frame-Options": "DENY", "X-Request-Id": "{request_id}" }, "add": { "X-Edge": "{service} {host}" }, "remove": ["Server"] }"#,
        None,
    );
}

/// Requests on a kept connection to a service of these settings, after the first ones.
fn assert_allocates_nothing(settings: &str, log: Option<&AccessLogConfig>) {
    let backend = start_backend();
    let mut client = TcpStream::connect(start_proxy(backend, settings, log)).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut ask_all = || {
        for _ in 0..REQUESTS {
            client
                .write_all(b"GET /page HTTP/1.1\r\nHost: s0.example.net\r\nAccept: */*\r\nUser-Agent: me\r\n\r\n")
                .unwrap();
            read_response(&mut client);
        }
    };
    ask_all();
    let count = fewest(ask_all);
    assert!(count <= ASIDE, "{count} allocations for {REQUESTS} requests");
}

fn snapshot(backends: usize, settings: &str) -> Snapshot {
    let prepared = samples::prepared(1, backends, settings);
    samples::snapshot(&prepared, &samples::all_up(&prepared), None)
}

/// A worker with one service of these settings, `s0.example.net`, of one backend.
fn start_proxy(backend: SocketAddr, settings: &str, log: Option<&AccessLogConfig>) -> SocketAddr {
    let mut snapshot = snapshot(1, settings);
    snapshot.services[0].backends[0].address = backend;
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let address = socket.local_addr().unwrap();
    let shared = Arc::new(Shared::new(snapshot, mpsc::unbounded_channel().0, AccessLog::open(log, None).unwrap(), 1));
    let worker = spawn(0, shared, Ticks::default().worker("worker-0")).unwrap();
    let door = Door { name: "http".into(), protocol: Protocol::Http, http2: true, proxies: None };
    let listening = Listening { door: Arc::new(door), socket };
    worker.commands.send(Command::Listen(vec![listening])).unwrap();
    // It serves until the process ends: dropped commands would mean a drain.
    std::mem::forget(worker);
    address
}

/// Answers each request on one connection, without allocating.
fn start_backend() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 2048];
        let mut length = 0;
        loop {
            match stream.read(&mut head[length..]) {
                Ok(0) | Err(_) => return,
                Ok(count) => length += count,
            }
            if head[..length].ends_with(b"\r\n\r\n") {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
                length = 0;
            }
        }
    });
    address
}

fn read_response(client: &mut TcpStream) {
    let mut response = [0; 2048];
    let mut length = 0;
    while !response[..length].ends_with(b"\r\n\r\nok") {
        let count = client.read(&mut response[length..]).unwrap();
        assert!(count > 0, "the proxy has closed after {:?}", String::from_utf8_lossy(&response[..length]));
        length += count;
    }
}
