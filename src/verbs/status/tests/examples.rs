//! Statuses for the tests of the verbs: a fleet that is well, web2 of www drained by its operator.

use std::path::Path;

use crate::api;
use crate::api::daemon::{Daemon, DaemonStatus};
use crate::api::operator::{OperatorNote, OperatorState};
use crate::api::proxy::{BackendStatus, LatchStatus, ServiceStatus, Status};
use crate::health::Verdict;
use crate::push::error::Error;
use crate::verbs::endpoint::Endpoint;
use crate::verbs::replies::DaemonReply;

/// A proxy with a stateless service `www` (web1, web2) and a latched one `shop` (web2, web3).
pub fn proxy() -> Status {
    let mut www = service("www", "stateless", &["web1", "web2"]);
    www.backends[1].operator = OperatorState::Drain;
    www.backends[1].note = Some(OperatorNote {
        state: OperatorState::Drain,
        who: "alice@admin-nl".to_owned(),
        when: 1_700_000_000_000,
        since: None,
        by: "px-1".to_owned(),
        why: "new disk".to_owned(),
        until: None,
    });
    let mut shop = service("shop", "latched", &["web2", "web3"]);
    shop.backends[1].backup = true;
    shop.latch = Some(LatchStatus {
        active: Some("web2".to_owned()),
        epoch: 0,
        by: "px-1".to_owned(),
        reason: "start".to_owned(),
        at: 1_700_000_000_000,
        spent: Vec::new(),
        stored: true,
    });
    Status {
        daemon: daemon(Daemon::Proxy, "px-1", "192.0.2.11:80"),
        connections: 0,
        requests: 0,
        services: vec![shop, www],
        certificates: Vec::new(),
        agreement: None,
    }
}

fn daemon(role: Daemon, name: &str, listener: &str) -> DaemonStatus {
    DaemonStatus {
        role,
        name: name.to_owned(),
        version: "0.1.0".to_owned(),
        pid: 1,
        uptime_s: 5,
        generation: 3,
        ready: true,
        draining: false,
        listeners: vec![listener.to_owned()],
        settings: Default::default(),
        peers: Vec::new(),
        alarms: Vec::new(),
        last_reload: None,
    }
}

fn service(name: &str, mode: &str, backends: &[&str]) -> ServiceStatus {
    let backend = |name: &&str| BackendStatus {
        name: (*name).to_owned(),
        address: "192.0.2.21:80".to_owned(),
        weight: 100,
        backup: false,
        check: Verdict::Up,
        check_reason: "200 in 1 ms".to_owned(),
        check_since: 1_700_000_000_000,
        operator: OperatorState::Ready,
        note: None,
        running: 0,
        requests: 0,
        by_cookie: None,
    };
    ServiceStatus {
        target: None,
        name: name.to_owned(),
        fingerprint: String::new(),
        hosts: vec![format!("{name}.example.net")],
        mode: mode.to_owned(),
        usable: true,
        why_unusable: None,
        latch: None,
        backends: backends.iter().map(backend).collect(),
    }
}

/// A nameserver with one pool of two proxies.
pub fn nameserver() -> api::dns::Status {
    let member = |name: &str, address: &str| api::dns::MemberStatus {
        name: name.to_owned(),
        operator: OperatorState::Ready,
        note: None,
        addresses: vec![api::dns::AddressStatus {
            address: address.to_owned(),
            check: Verdict::Up,
            check_reason: "200 in 1 ms".to_owned(),
            check_since: 1_700_000_000_000,
            answered: true,
            unjudged: false,
        }],
    };
    api::dns::Status {
        daemon: daemon(Daemon::Nameserver, "ns-1", "192.0.2.53:53"),
        queries: 0,
        no_ipv6: false,
        zones: Vec::new(),
        failed_zones: Vec::new(),
        other_zones: None,
        no_zone: None,
        dnstap: None,
        challenges: Vec::new(),
        certificates: Vec::new(),
        pools: vec![api::dns::PoolStatus {
            name: "http0.l.example.net".to_owned(),
            fingerprint: String::new(),
            ttl: 300,
            answers: vec!["192.0.2.11".to_owned(), "192.0.2.12".to_owned()],
            near: Default::default(),
            all_down: None,
            decided_by: Default::default(),
            isolated: None,
            kept_until: None,
            members: vec![member("px-1", "192.0.2.11"), member("px-2", "192.0.2.12")],
        }],
    }
}

/// What a daemon of this name answers.
pub fn reply(name: &str, answer: Result<api::status::Status, Error>) -> DaemonReply {
    DaemonReply { endpoint: Endpoint { name: Some(name.to_owned()), ..Endpoint::at(Path::new("/nowhere")) }, answer }
}

/// What these two answer: px-1 and ns-1.
pub fn replies_of(proxy: Status, nameserver: api::dns::Status) -> Vec<DaemonReply> {
    vec![
        reply("px-1", Ok(api::status::Status::Proxy(Box::new(proxy)))),
        reply("ns-1", Ok(api::status::Status::Nameserver(Box::new(nameserver)))),
    ]
}

/// What the whole fleet answers.
pub fn replies() -> Vec<DaemonReply> {
    replies_of(proxy(), nameserver())
}

/// A zone that is signed with these keys, and whose first signature runs out nine days after [`NOW`].
pub fn signed_zone(keys: Vec<api::dns::ZoneKeyStatus>) -> api::dns::ZoneStatus {
    api::dns::ZoneStatus {
        name: "example.net".to_owned(),
        serial: 7,
        records: 9,
        copy_because: None,
        catalog: None,
        signed: "nsec with signatures of 14d".to_owned(),
        dnssec: Some(api::dns::DnssecStatus {
            good_from_ms: None,
            given_by: None,
            expires_ms: Some(NOW + 9 * 86_400_000),
            lifetime_s: 14 * 86_400,
            key_ttl_s: 3600,
            folder: "/var/lib/dnssec".to_owned(),
            keys,
            schedule: None,
            bogus: None,
        }),
        queries: None,
    }
}

/// A moment of the examples, in milliseconds since the epoch.
pub const NOW: u64 = 1_700_000_000_000;

/// A key that signs for good.
pub fn zone_key(tag: u16, role: api::dns::ZoneKeyRole) -> api::dns::ZoneKeyStatus {
    let has_ds = role != api::dns::ZoneKeyRole::Zsk;
    api::dns::ZoneKeyStatus {
        tag,
        algorithm: "ECDSAP256SHA256".to_owned(),
        role,
        published: true,
        published_ms: None,
        signs: true,
        overdue: false,
        next: None,
        ds: has_ds.then(|| format!("{tag} 13 2 {}", "0a".repeat(32))),
    }
}
