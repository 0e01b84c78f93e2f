//! Documents, snapshots and zones to measure on.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use polder::config::dns::{PoolConfig, WhenAllDown};
use polder::config::{CheckConfig, ProbeKind};
use polder::daemon::operator::OperatorStates;
use polder::dns::snapshot::PoolAnswer;
use polder::dns::{self, compiled};
use polder::health::{HealthView, TargetHealth, Verdict};
use polder::proxy::control::build::{SnapshotInput, build};
use polder::proxy::control::prepared::Prepared;
use polder::proxy::latch::Now;
use polder::proxy::snapshot::Snapshot;
use polder::zone::ZoneFile;

/// A document of so many services `s0`, `s1`, … under `s0.example.net`, …, each with so many backends. `settings` are
/// the members of each service besides.
pub fn prepared(services: usize, backends: usize, settings: &str) -> Prepared {
    let mut text = String::from(
        r#"{ "version": 1, "name": "px", "state_dir": "/nowhere", "admin": { "socket": "/nowhere/admin.sock" },
             "listeners": [{ "name": "http", "address": "127.0.0.1:80" }], "services": {"#,
    );
    for service in 0..services {
        let comma = if service > 0 { "," } else { "" };
        write!(text, r#"{comma} "s{service}": {{ "hosts": ["s{service}.example.net"], {settings}, "backends": ["#)
            .unwrap();
        for backend in 0..backends {
            let comma = if backend > 0 { "," } else { "" };
            let (high, low) = (service / 256, service % 256);
            write!(text, r#"{comma} {{ "name": "web{backend}", "address": "10.{high}.{low}.{}:80" }}"#, backend + 1)
                .unwrap();
        }
        text.push_str("] }");
    }
    text.push_str("} }");
    let document = polder::config::proxy::parse("proxy.json".as_ref(), &text).unwrap();
    Prepared::new(document, |_| Ok(vec![[7; 32]])).unwrap()
}

/// Every backend up.
pub fn all_up(prepared: &Prepared) -> HealthView {
    let up = TargetHealth {
        verdict: Verdict::Up,
        health: 4,
        reason: "200".into(),
        since: SystemTime::UNIX_EPOCH,
        probed: None,
        changes: 1,
        hearsay: false,
        proof: Default::default(),
        before: None,
    };
    prepared.targets().into_keys().map(|target| (target, up.clone())).collect()
}

/// The snapshot of a document, after another one of it or as the first.
pub fn snapshot(prepared: &Prepared, health: &HealthView, previous: Option<&Snapshot>) -> Snapshot {
    let circumstances = SnapshotInput {
        own: "px",
        health,
        operator: &OperatorStates::default(),
        latch: &|_| None,
        now: Now { running: Duration::from_secs(60), unix_ms: 1_800_000_000_000 },
        draining: false,
        peers: &Default::default(),
        agreement: None,
        isolation: &Default::default(),
        challenges: Default::default(),
        workers: 2,
    };
    build(prepared, &circumstances, previous)
}

/// A nameserver's snapshot of one zone, `example.net`, in which `http0.l.example.net` is a pool of four addresses.
pub fn names(zone: ZoneFile) -> dns::snapshot::Snapshot {
    let check = CheckConfig {
        protocol: Default::default(),
        kind: ProbeKind::Tcp,
        port: Some(80),
        interval: Duration::from_secs(2),
        fast_interval: Duration::from_millis(500),
        timeout: Duration::from_secs(1),
        rise: 2,
        fall: 3,
    };
    let (aliases, members) = (Vec::new(), BTreeMap::new());
    let pool = PoolConfig {
        fingerprint: Default::default(),
        ttl: 300,
        aliases,
        when_all_down: WhenAllDown::All,
        keep_answer: Default::default(),
        members,
        check,
        https: None,
        nearby_at_least: 2,
    };
    let pools = BTreeMap::from([("http0.l.example.net".to_owned(), pool)]);
    let zones = compiled::compile("dns.json".as_ref(), &[zone], &pools).expect("the sample is valid");
    let addresses = ["192.0.2.11", "192.0.2.12", "192.0.2.13", "2001:db8::11"].map(|text| text.parse().unwrap());
    let pools = Box::new([PoolAnswer::new(300, &addresses)]);
    dns::snapshot::Snapshot { generation: 1, zones: Arc::new(zones), pools, ..Default::default() }
}

/// The zone of the tests: every kind of name is in it.
pub fn small_zone() -> ZoneFile {
    load_zone(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dns/example.net.zone"))
}

/// Reads `example.net`.
pub fn load_zone(file: &Path) -> ZoneFile {
    polder::zone::load("example.net", file, polder::config::dns::Checks::Strict).expect("the sample is valid")
}

/// A query as resolvers send it: EDNS, 1232 bytes.
pub fn query(name: &str, qtype: u16) -> Vec<u8> {
    let mut query = vec![0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    for label in name.split('.') {
        query.push(label.len() as u8);
        query.extend_from_slice(label.as_bytes());
    }
    query.push(0);
    query.extend_from_slice(&qtype.to_be_bytes());
    query.extend_from_slice(&[0, 1, 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
    query
}

/// The same with a COOKIE option.
pub fn with_cookie(query: &[u8], cookie: &[u8]) -> Vec<u8> {
    let (before, _) = query.split_at(query.len() - 2);
    let length = cookie.len() as u8;
    [before, &[0, length + 4, 0, 10, 0, length], cookie].concat()
}
