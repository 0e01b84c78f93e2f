//! Choosing a backend: each balance, the latch, the cookie.

use std::hint::black_box;

use criterion::Criterion;
use polder::proxy::choose::cookie::Cookie;
use polder::proxy::choose::{BalanceState, RequestFacts, choose};
use polder::proxy::snapshot::{LatchView, Service, ServiceMode};

use crate::samples;

/// Backends of the service that is chosen from.
const BACKENDS: usize = 8;

pub fn measure(criterion: &mut Criterion) {
    for balance in ["round-robin", "least-connections", "random-two-choices"] {
        let service = service(&format!(r#""mode": "stateless", "balance": "{balance}""#));
        measure_one(criterion, balance, &service, RequestFacts::default());
    }
    let sticky = service(r#""mode": "stateful", "failover": "automatic", "cookie": { "value": "address" }"#);
    measure_one(criterion, "by cookie", &sticky, RequestFacts { cookie: Some(5), ..Default::default() });
    let latched = Service {
        mode: ServiceMode::Latched { cookie: Cookie::address("polder-s0").into(), latch: LatchView::Active(5) },
        ..service(r#""mode": "stateless""#)
    };
    measure_one(criterion, "latched", &latched, RequestFacts { cookie: Some(5), ..Default::default() });
    measure_cookies(criterion, &sticky);
}

fn service(settings: &str) -> Service {
    let prepared = samples::prepared(1, BACKENDS, settings);
    let mut snapshot = samples::snapshot(&prepared, &samples::all_up(&prepared), None);
    snapshot.services.remove(0)
}

fn measure_one(criterion: &mut Criterion, name: &str, service: &Service, ask: RequestFacts) {
    let mut spread = BalanceState::default();
    let mut random = fastrand::Rng::with_seed(1);
    criterion.benchmark_group("choose").bench_function(name, |bencher| {
        bencher.iter(|| choose(black_box(service), black_box(ask), &mut spread, random.u64(..)));
    });
}

fn measure_cookies(criterion: &mut Criterion, service: &Service) {
    let address = service.backends[5].address;
    let plain = Cookie::address("polder-s0");
    let sealed = Cookie::sealed("polder-s0", "s0", &[[7; 32], [8; 32]]).expect("there is a key");
    let mut group = criterion.benchmark_group("cookie");
    for (encoding, cookie) in [("address", plain), ("sealed", sealed)] {
        let field = format!("theme=dark; {}; lang=de", cookie.set(address, false).replace("; path=/; HttpOnly", ""));
        let field = field.as_bytes();
        group.bench_function(format!("find and open, {encoding}"), |bencher| {
            bencher.iter(|| cookie.find(black_box(field)).and_then(|value| cookie.open(value, service.addresses())));
        });
        group.bench_function(format!("set, {encoding}"), |bencher| {
            bencher.iter(|| cookie.set(black_box(address), true))
        });
    }
}
