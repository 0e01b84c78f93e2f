//! The zones of tests/data/dns behind the engine, and questions to it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::{RData, Record};
use polder::config::CheckConfig;
use polder::config::ProbeKind;
use polder::config::dns::{Checks, IdentityConfig, PoolConfig, WhenAllDown};
use polder::dns::answer::{Answered, Client, Transport, UDP_SIZE, answer};
use polder::dns::compiled;
use polder::dns::snapshot::{PoolAnswer, Snapshot};
use polder::zone;
use polder::zone::name;
use polder::zone::number::rtype::DNAME;

pub const TCP: Transport = Transport::Tcp { keepalive: 100 };

/// The pools in the order of their names, with what they answer now.
const POOLS: [(&str, &[&str], u32, &[&str]); 3] = [
    ("http0.l.example.net", &["example.net"], 300, &["192.0.2.11", "192.0.2.12", "192.0.2.13", "2001:db8::11"]),
    ("http1.l.example.net", &["*.pools.example.net"], 300, &[]),
    ("slow.l.example.net", &[], 86400, &["192.0.2.14"]),
];

pub static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dns");
    let files: Vec<_> = ["example.net", "other.test", "own.example.net"]
        .iter()
        .map(|apex| {
            zone::load(apex, &folder.join(format!("{apex}.zone")), Checks::Strict)
                .unwrap_or_else(|found| panic!("{found}"))
        })
        .collect();
    let configs: BTreeMap<String, PoolConfig> =
        POOLS.iter().map(|(name, aliases, ttl, _)| ((*name).into(), pool_config(aliases, *ttl))).collect();
    let zones = compiled::compile(Path::new("dns.json"), &files, &configs).unwrap_or_else(|found| panic!("{found}"));
    let pools = POOLS.iter().map(|(_, _, ttl, addresses)| {
        let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        PoolAnswer::new(*ttl, &addresses)
    });
    let identity = IdentityConfig { server: Some("ns-test".into()), version: Some("polder".into()) };
    Snapshot { generation: 1, zones: Arc::new(zones), pools: pools.collect(), identity, ..Snapshot::default() }
});

pub fn pool_config(aliases: &[&str], ttl: u32) -> PoolConfig {
    let second = Duration::from_secs(1);
    let check = CheckConfig {
        protocol: Default::default(),
        kind: ProbeKind::Tcp,
        port: Some(80),
        interval: second,
        fast_interval: second,
        timeout: second,
        rise: 2,
        fall: 3,
    };
    let aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
    PoolConfig {
        fingerprint: Default::default(),
        ttl,
        aliases,
        when_all_down: WhenAllDown::All,
        keep_answer: Default::default(),
        members: BTreeMap::new(),
        check,
        https: None,
        nearby_at_least: 2,
    }
}

/// One zone without pools.
pub fn snapshot_of(apex: &str, text: &str) -> Snapshot {
    let file = zone::parse(apex, Path::new("zone"), text, Checks::Lenient).unwrap_or_else(|found| panic!("{found}"));
    let zones = compiled::compile(Path::new("dns.json"), &[file], &BTreeMap::new()).unwrap();
    Snapshot { generation: 1, zones: Arc::new(zones), ..Snapshot::default() }
}

/// A query without EDNS.
pub fn query(text: &str, qtype: u16) -> Vec<u8> {
    let mut query = vec![0x12, 0x34, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend_from_slice(&wire(text));
    query.extend_from_slice(&qtype.to_be_bytes());
    query.extend_from_slice(&1u16.to_be_bytes());
    query
}

/// A name in its own case.
pub fn wire(text: &str) -> Vec<u8> {
    let lower = name::from_text(text).unwrap();
    let mut wire = lower.to_vec();
    for (n, label) in text.trim_end_matches('.').split('.').enumerate().filter(|(_, label)| !label.is_empty()) {
        let before: usize = text.split('.').take(n).map(|label| label.len() + 1).sum();
        wire[before + 1..=before + label.len()].copy_from_slice(label.as_bytes());
    }
    wire
}

/// The same with an OPT that takes `udp_size`.
pub fn edns_query(text: &str, qtype: u16, udp_size: u16) -> Vec<u8> {
    let mut query = query(text, qtype);
    query[11] = 1;
    query.extend_from_slice(&[0, 0, 41]);
    query.extend_from_slice(&udp_size.to_be_bytes());
    query.extend_from_slice(&[0; 6]);
    query
}

/// What the engine answers, raw.
pub fn raw(query: &[u8], transport: Transport) -> Option<(Answered, Vec<u8>)> {
    let size = if transport == Transport::Udp { usize::from(UDP_SIZE) } else { usize::from(u16::MAX) };
    let mut buffer = vec![0xaa; size];
    let answered = answer(query, &SNAPSHOT, &Client::without_cookies(transport), 0, &mut buffer)?;
    buffer.truncate(answered.length);
    Some((answered, buffer))
}

/// The answer in words: the error code with the flags that are set, then a line for each record.
pub fn answer_text(query: &[u8], transport: Transport) -> String {
    let (_, bytes) = raw(query, transport).expect("a query is answered");
    message_text(&Message::from_vec(&bytes).unwrap_or_else(|error| panic!("{error}: {bytes:02x?}")))
}

pub fn message_text(message: &Message) -> String {
    let flags = message.metadata;
    let mut lines = vec![format!("{:?}", message.metadata.response_code)];
    let named = [
        (flags.authoritative, "aa"),
        (flags.truncation, "tc"),
        (flags.recursion_available, "ra"),
        (flags.authentic_data, "ad"),
    ];
    for (_, name) in named.iter().filter(|(set, _)| *set) {
        lines[0].push_str(&format!(" {name}"));
    }
    let sections: [(&str, &Vec<Record>); 3] =
        [("an", &message.answers), ("ns", &message.authorities), ("ar", &message.additionals)];
    for (section, records) in sections {
        lines.extend(records.iter().map(|record| format!("{section} {}", in_words(record))));
    }
    lines.join("\n")
}

fn in_words(record: &Record) -> String {
    let data = match &record.data {
        RData::Unknown { code, rdata } if u16::from(*code) == DNAME => {
            format!("{}.", name::to_text(&rdata.anything))
        }
        data => data.to_string(),
    };
    format!("{} {} {} {data}", record.name, record.ttl, record.record_type())
}

/// Asks over TCP, where nothing is cut, and compares; the answer's lines are given apart.
pub fn expect(text: &str, qtype: u16, lines: &[&str]) {
    let shown = answer_text(&query(text, qtype), TCP);
    assert_eq!(shown.lines().collect::<Vec<_>>(), lines, "{text} {qtype}");
}
