//! A request's head on its way to the backend, the response's on its way back, and the route between.

use std::hint::black_box;
use std::net::Ipv4Addr;

use criterion::Criterion;
use polder::config::proxy::HostPattern;
use polder::proxy::choose::cookie::Cookie;
use polder::proxy::route::Router;
use polder::proxy::traffic::http1::forwarded::Client;
use polder::proxy::traffic::http1::vet::vet;
use polder::proxy::traffic::http1::{request, response};
use polder::proxy::traffic::message::{Scheme, Version};

/// What a browser sends.
const REQUEST: &[u8] = b"GET /articles/2026/on-pumps?page=2 HTTP/1.1\r\n\
    Host: www.example.net\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
    Accept-Language: de,en-US;q=0.7,en;q=0.3\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Referer: http://www.example.net/articles\r\n\
    Connection: keep-alive\r\n\
    Cookie: theme=dark; polder-www=192.0.2.21:80; lang=de\r\n\
    Upgrade-Insecure-Requests: 1\r\n\
    Priority: u=0, i\r\n\r\n";

/// What a webserver answers.
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\n\
    Server: nginx\r\n\
    Date: Mon, 23 Nov 2026 03:32:11 GMT\r\n\
    Content-Type: text/html; charset=utf-8\r\n\
    Content-Length: 10240\r\n\
    Last-Modified: Sun, 22 Nov 2026 10:00:00 GMT\r\n\
    Connection: keep-alive\r\n\
    ETag: \"65a1b2c3-2800\"\r\n\
    Accept-Ranges: bytes\r\n\r\n";

pub fn measure(criterion: &mut Criterion) {
    measure_routes(criterion);
    measure_request(criterion);
    measure_response(criterion);
}

fn measure_routes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("route");
    for hosts in [1, 100, 10_000] {
        let exact = |host| (HostPattern::Exact(format!("h{host}.example.net")), "/".to_owned(), host);
        let router = Router::new((0..hosts).map(exact));
        let asked: Vec<String> = (0..hosts).map(|host| format!("h{host}.example.net:80")).collect();
        let mut random = fastrand::Rng::with_seed(1);
        group.bench_function(format!("{hosts} hosts"), |bencher| {
            bencher.iter(|| router.route(asked[random.usize(..hosts)].as_bytes(), black_box(b"/articles/2026")));
        });
    }
    let router = Router::new([(HostPattern::Suffix("example.net".into()), "/".into(), 0)]);
    group.bench_function("a suffix four labels up", |bencher| {
        bencher.iter(|| router.route(black_box(b"a.b.c.d.example.net"), black_box(b"/articles/2026")));
    });
}

fn measure_request(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("request head");
    let mut fields = Vec::new();
    group.bench_function("vet", |bencher| bencher.iter(|| vet(black_box(REQUEST), Scheme::Http, 100, &mut fields)));
    let request = vet(REQUEST, Scheme::Http, 100, &mut fields).expect("the request is sound");
    let client = Client::new((Ipv4Addr::new(203, 0, 113, 7), 5000).into());
    let cookie = Cookie::address("polder-www");
    let passed = Default::default();
    let edits = request::Edits {
        client: &client,
        trusted: false,
        passed,
        own_fields: None,
        cookie: Some(&cookie),
        via: Some("px-nl1"),
        headers: None,
        vouched: request::Vouched::default(),
    };
    let mut out = Vec::new();
    group.bench_function("rewrite", |bencher| {
        bencher.iter(|| {
            out.clear();
            request::write(&mut out, black_box(REQUEST), &request, &fields, edits);
        });
    });
}

fn measure_response(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("response head");
    let mut fields = Vec::new();
    group.bench_function("vet", |bencher| bencher.iter(|| response::vet(black_box(RESPONSE), false, &mut fields)));
    let response = response::vet(RESPONSE, false, &mut fields).expect("the response is sound");
    let mut out = Vec::new();
    group.bench_function("rewrite", |bencher| {
        bencher.iter(|| {
            out.clear();
            let edits = response::Edits { version: Version::Http11, keep: true, edit: Default::default() };
            response::write(&mut out, black_box(RESPONSE), &response, &fields, edits);
        });
    });
}
