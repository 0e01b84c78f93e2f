//! A message to the nameserver: the answer engine takes any bytes.
//!
//! What must hold (RFC 1035, 4.1 and 4.2.1; RFC 6891, 6.2): a response gets no answer and a query gets one; the answer is a whole
//! message, says the same identifier and question, is no longer than was asked for, and holds nothing of what stood in the
//! buffer before.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use hickory_proto::op::Message;
use polder::config::dns::{PoolConfig, WhenAllDown};
use polder::config::{CheckConfig, ProbeKind};
use polder::dns::answer::{Answered, Transport, UDP_SIZE, answer};
use polder::dns::snapshot::{PoolAnswer, Snapshot};
use polder::dns::{compiled, zone};

use crate::wire;

/// The zones of the nameserver's own tests, with every kind of name in them.
const ZONES: [(&str, &str); 3] = [
    ("example.net", include_str!("../../tests/data/dns/example.net.zone")),
    ("other.test", include_str!("../../tests/data/dns/other.test.zone")),
    ("own.example.net", include_str!("../../tests/data/dns/own.example.net.zone")),
];

/// Pools: name, aliases, TTL, and what they answer now.
const POOLS: [(&str, &[&str], u32, &[&str]); 3] = [
    ("http0.l.example.net", &["example.net"], 300, &["192.0.2.11", "192.0.2.12", "192.0.2.13", "2001:db8::11"]),
    ("http1.l.example.net", &["*.pools.example.net"], 300, &[]),
    ("slow.l.example.net", &[], 86400, &["192.0.2.14"]),
];

static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| {
    let read = |(apex, text)| zone::parse(apex, Path::new(apex), text).expect("the tests' zones are sound");
    let files: Vec<_> = ZONES.map(read).into();
    let configs = POOLS.iter().map(|(name, aliases, ttl, _)| ((*name).to_owned(), pool(aliases, *ttl)));
    let configs: BTreeMap<String, PoolConfig> = configs.collect();
    let zones = compiled::compile(Path::new("dns.json"), &files, &configs).expect("the tests' zones are sound");
    let answers = POOLS.iter().map(|(_, _, ttl, addresses)| {
        let addresses: Vec<IpAddr> = addresses.iter().filter_map(|text| text.parse().ok()).collect();
        PoolAnswer::new(*ttl, &addresses)
    });
    Snapshot { generation: 1, zones: Arc::new(zones), pools: answers.collect() }
});

fn pool(aliases: &[&str], ttl: u32) -> PoolConfig {
    let second = Duration::from_secs(1);
    let check = CheckConfig {
        kind: ProbeKind::Tcp,
        port: Some(80),
        interval: second,
        fast_interval: second,
        timeout: second,
        rise: 2,
        fall: 3,
    };
    let aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
    PoolConfig { ttl, aliases, when_all_down: WhenAllDown::All, members: BTreeMap::new(), check }
}

/// The longest message, a length of two bytes before it being what a TCP client can say.
const LONGEST: usize = u16::MAX as usize;

/// One message, over UDP and over TCP.
pub fn check(message: &[u8]) {
    let message = &message[..message.len().min(LONGEST)];
    let udp = answered(message, Transport::Udp, usize::from(UDP_SIZE));
    let tcp = answered(message, Transport::Tcp { keepalive: 100 }, LONGEST);
    let answerable = message.len() >= 12 && message[2] & 0x80 == 0;
    assert_eq!((udp.is_some(), tcp.is_some()), (answerable, answerable), "who gets an answer");
    let (Some((udp, datagram)), Some((tcp, stream))) = (udp, tcp) else { return };

    let most = most_over_udp(message);
    assert!(datagram.len() <= most, "{} bytes over UDP, {most} were asked for", datagram.len());
    assert!(!tcp.truncated || stream.len() > 1232, "cut over TCP at {} bytes", stream.len());
    assert_eq!(udp.rcode, tcp.rcode, "the error code depends on the transport");
    answers(message, udp, &datagram);
    answers(message, tcp, &stream);
}

/// The answer, which must be the same whatever the buffer held before.
fn answered(message: &[u8], transport: Transport, size: usize) -> Option<(Answered, Vec<u8>)> {
    let rotation = message.len();
    let fill = |byte: u8| {
        let mut buffer = vec![byte; size];
        let answered = answer(message, &SNAPSHOT, transport, rotation, &mut buffer)?;
        buffer.truncate(answered.length);
        Some((answered, buffer))
    };
    let (first, second) = (fill(0xaa), fill(0x55));
    assert_eq!(first, second, "something of the buffer is in the answer");
    first
}

/// What a second reader of the query says of its UDP size. A query that it cannot read may have an EDNS record all the same.
fn most_over_udp(message: &[u8]) -> usize {
    match Message::from_vec(message).map(|message| message.edns) {
        Ok(None) => 512,
        Ok(Some(edns)) => usize::from(edns.max_payload()).clamp(512, usize::from(UDP_SIZE)),
        Err(_) => usize::from(UDP_SIZE),
    }
}

fn answers(query: &[u8], answered: Answered, bytes: &[u8]) {
    assert_eq!(bytes[..2], query[..2], "the identifier");
    assert_eq!(bytes[2] & 0xf9, 0x80 | (query[2] & 0x79), "QR, opcode and RD");
    assert_eq!(answered.truncated, bytes[2] & 0x02 != 0, "TC");
    let walked = wire::walk(bytes).expect("the answer is a whole message");
    assert_eq!(u16::from(bytes[3] & 0x0f) | walked.extended_rcode << 4, answered.rcode, "the error code");
    if let Some(end) = walked.question_end {
        assert_eq!(bytes[12..end], query[12..end], "the question as it was asked");
    }
    // The other reader knows no messages of other opcodes.
    if (query[2] >> 3) & 0x0f == 0 {
        Message::from_vec(bytes).expect("another reader can read the answer");
    }
}
