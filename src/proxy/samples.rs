//! Small services for the tests of the pure parts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::api::operator::OperatorState;
use crate::config::proxy::Balance;
use crate::config::{CheckConfig, ProbeKind};
use crate::health::{HealthView, Proof, Target, TargetHealth, Verdict};
use crate::proxy::control::prepared::Prepared;
use crate::proxy::snapshot::{Backend, LatchView, Service, ServiceMode};

/// A TCP check with the documents' defaults.
pub fn check() -> CheckConfig {
    CheckConfig {
        protocol: Default::default(),
        kind: ProbeKind::Tcp,
        port: None,
        interval: Duration::from_secs(2),
        fast_interval: Duration::from_millis(500),
        timeout: Duration::from_secs(1),
        rise: 2,
        fall: 3,
    }
}

/// An address told apart by its number.
pub fn address(number: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, (number % 256) as u8], 80))
}

/// A primary that is up and ready, with two workers' counters.
pub fn backend(number: usize, weight: u32) -> Backend {
    Backend {
        name: format!("web{number}").into(),
        address: address(number),
        weight,
        backup: false,
        verdict: Verdict::Up,
        proof: Proof::default(),
        operator: OperatorState::Ready,
        up_since: None,
        own_fields: None,
        slots: None,
        target: Arc::new(Target { address: address(number), check: check() }),
        counters: (0..2).map(|_| Default::default()).collect(),
    }
}

/// A service of these backends.
pub fn service(mode: ServiceMode, balance: Balance, backends: Vec<Backend>) -> Service {
    Service {
        name: "shop".into(),
        backend_version: Default::default(),
        backend_tls: None,
        send_proxy: None,
        pass_fields: Default::default(),
        mode,
        balance,
        connections: Default::default(),
        retry_budget: None,
        queue: None,
        slow_start: None,
        backends,
        verdict_bound: check().detection_bound(),
        hold_bound: check().detection_bound(),
        fence: Proof::default(),
        stays: Default::default(),
        waiting: Arc::default(),
    }
}

/// A random state of check and operator.
pub fn shake(backend: &mut Backend, random: &mut fastrand::Rng) {
    backend.verdict = [Verdict::Up, Verdict::Up, Verdict::Down, Verdict::Unchecked][random.usize(..4)];
    backend.operator =
        [OperatorState::Ready, OperatorState::Ready, OperatorState::Drain, OperatorState::Maint][random.usize(..4)];
}

/// What a latch may say of a service with so many backends.
pub fn any_latch(backends: usize, random: &mut fastrand::Rng) -> LatchView {
    let others = [LatchView::Hold, LatchView::Nobody, LatchView::Undecided, LatchView::Isolated, LatchView::Unagreed];
    let index = random.usize(..others.len() + 1);
    others.get(index).copied().unwrap_or_else(|| LatchView::Active(random.usize(..backends)))
}

/// A document with a stateless and a latched service, ready.
pub fn prepared() -> Arc<Prepared> {
    prepared_from(DOCUMENT)
}

/// Any document, ready.
pub fn prepared_from(text: &str) -> Arc<Prepared> {
    let document = crate::config::proxy::parse("proxy.json".as_ref(), text).expect("the document is valid");
    Arc::new(Prepared::new(document, |_| Ok(vec![[1; 32]])).expect("its keys are there"))
}

/// `www` (web1, web2) and `shop` (web2, backup web3).
pub const DOCUMENT: &str = r#"{
    "version": 1, "name": "px1", "state_dir": "/nowhere", "workers": 1,
    "listeners": [ { "name": "http", "address": "127.0.0.1:80" } ],
    "admin": { "socket": "/nowhere/admin.sock" },
    "services": {
        "shop": { "hosts": ["shop.example.net"], "mode": "stateful", "failover": "permanent",
                  "backends": [ { "name": "web2", "address": "192.0.2.2:8080" },
                                { "name": "web3", "address": "192.0.2.3:8080", "backup": true } ],
                  "check": { "path": "/healthz" }, "cookie": { "value": "address" } },
        "www": { "hosts": ["www.example.net", "*.www.example.net"], "paths": ["/", "/app"], "mode": "stateless",
                 "backends": [ { "name": "web1", "address": "192.0.2.1:80" },
                               { "name": "web2", "address": "192.0.2.2:80" } ],
                 "check": { "path": "/healthz" } } } }"#;

/// Health in which every target of a document has this verdict.
pub fn health(prepared: &Prepared, verdict: Verdict) -> HealthView {
    let healthy = TargetHealth {
        verdict,
        health: 0,
        reason: "connection refused".into(),
        since: SystemTime::UNIX_EPOCH,
        probed: None,
        changes: 0,
        hearsay: false,
        proof: Proof::default(),
        before: None,
    };
    prepared.targets().into_keys().map(|target| (target, healthy.clone())).collect()
}
