//! The answer engine: a query's bytes in, a response's bytes out.

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use polder::config::dns::RateLimitConfig;
use polder::dns::answer::{Client, Transport, UDP_SIZE, answer};
use polder::dns::cookie::{Issuer, Secrets};
use polder::dns::counters::Counters;
use polder::dns::dnstap::{Dnstap, Ends, Protocol, Tap, Terms, Wanted, since_epoch};
use polder::dns::rate_limit::Accounts;
use polder::dns::snapshot::Snapshot;
use polder::zone::number::rtype;

use crate::{building, samples};

/// What is asked, and what it is an example of.
pub const QUERIES: [(&str, &str, u16); 7] = [
    ("a pool's name", "http0.l.example.net", rtype::A),
    ("a CNAME to a pool", "pooled.example.net", rtype::A),
    ("the apex's NS", "example.net", rtype::NS),
    ("no such name", "nowhere.example.net", rtype::A),
    ("a wildcard", "any.wild.example.net", rtype::A),
    ("a referral", "www.child.example.net", rtype::A),
    ("not our zone", "www.example.com", rtype::A),
];

pub fn measure(criterion: &mut Criterion) {
    let snapshot = samples::names(samples::small_zone());
    let mut group = criterion.benchmark_group("answer");
    for (what, name, qtype) in QUERIES {
        let query = samples::query(name, qtype);
        let mut rotation = 0;
        group.bench_function(what, |bencher| {
            bencher.iter(|| {
                rotation += 1;
                one(black_box(&query), &snapshot, rotation)
            });
        });
    }
    let query = samples::query("http0.l.example.net", rtype::A);
    group.bench_function("a pool's name, counted in all and for its zone", |bencher| {
        let (counters, client) = (Counters::default(), Client::without_cookies(Transport::Udp));
        let (mut rotation, mut buffer) = (0, [0; UDP_SIZE as usize]);
        bencher.iter(|| {
            rotation += 1;
            counters.count(answer(black_box(&query), &snapshot, &client, rotation, &mut buffer));
        });
    });
    recorded(&mut group, &query, &snapshot);
    let (accounts, limits) = (Accounts::default(), RateLimitConfig::default());
    let mut now = 0;
    group.bench_function("a pool's name, counted for the rate limit", |bencher| {
        let client = Client::without_cookies(Transport::Udp);
        let mut buffer = [0; UDP_SIZE as usize];
        bencher.iter(|| {
            now += 1;
            let answered =
                answer(black_box(&query), &snapshot, &client, now, &mut buffer).expect("a query is answered");
            accounts.debit(&limits, IpAddr::from([192, 0, (now >> 8) as u8, now as u8]), answered.account, 7)
        });
    });
    group.bench_function("a pool's name with a good cookie", |bencher| {
        let secrets = Secrets::one([7; 16]);
        let issuer = Issuer { secrets: &secrets, address: IpAddr::from([192, 0, 2, 1]), now: 1 };
        let client = Client { transport: Transport::Udp, issuer: Some(issuer) };
        let mut buffer = [0; UDP_SIZE as usize];
        let half = samples::with_cookie(&query, b"a client");
        let length = answer(&half, &snapshot, &client, 0, &mut buffer).expect("a query is answered").length;
        let whole = samples::with_cookie(&query, &buffer[length - 24..length]);
        bencher.iter(|| answer(black_box(&whole), &snapshot, &client, 0, &mut buffer).map(|answered| answered.length));
    });
    let file = building::write_zone();
    let snapshot = samples::names(samples::load_zone(file.path()));
    let queries: Vec<_> =
        (0..building::RECORDS).map(|n| samples::query(&format!("host-{n}.example.net"), rtype::A)).collect();
    let mut random = fastrand::Rng::with_seed(1);
    group.bench_function("any of 100,000 names", |bencher| {
        bencher.iter(|| one(&queries[random.usize(..queries.len())], &snapshot, 0));
    });
}

/// The same with what dnstap costs: while it is off, and while a receiver takes everything.
fn recorded(group: &mut BenchmarkGroup<'_, WallTime>, query: &[u8], snapshot: &Snapshot) {
    let mut dnstap = Dnstap::new();
    let tap = Tap::new(dnstap.taps(), Protocol::Udp, Arc::default());
    let ends = Ends::new(SocketAddr::from(([192, 0, 2, 1], 1024)), Some(SocketAddr::from(([192, 0, 2, 53], 53))));
    let client = Client::without_cookies(Transport::Udp);
    let (mut rotation, mut buffer) = (0, [0; UDP_SIZE as usize]);
    let mut exchange = || {
        rotation += 1;
        let answered = answer(black_box(query), snapshot, &client, rotation, &mut buffer);
        if tap.is_on() {
            let response = answered.map(|answered| &buffer[..answered.length]);
            tap.record(&ends, since_epoch(), query, response);
        }
    };
    group.bench_function("a pool's name while dnstap is off", |bencher| bencher.iter(&mut exchange));
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("dnstap.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a sender");
        // READY and ACCEPT are the same but for their number.
        let mut control = [0; 42];
        stream.read_exact(&mut control).expect("READY");
        control[11] = 1;
        stream.write_all(&control).expect("ACCEPT");
        std::io::copy(&mut stream, &mut std::io::sink())
    });
    let terms = Terms { queries: true, responses: true, sample: 1, ..Terms::default() };
    dnstap.want(Some(Wanted { socket, terms })).expect("a thread");
    group.bench_function("a pool's name, recorded for dnstap", |bencher| bencher.iter(&mut exchange));
    dnstap.want(None).expect("it runs");
}

fn one(query: &[u8], snapshot: &Snapshot, rotation: usize) -> usize {
    let mut buffer = [0; UDP_SIZE as usize];
    answer(query, snapshot, &Client::without_cookies(Transport::Udp), rotation, &mut buffer)
        .map_or(0, |answered| answered.length)
}
