//! A message to the nameserver: the answer engine takes any bytes.
//!
//! What must hold (RFC 1035, 4.1 and 4.2.1; RFC 6891, 6.2): a response gets no answer and a query gets one; the answer is a whole
//! message, says the same identifier and question, is no longer than was asked for, and holds nothing of what stood in the
//! buffer before.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use hickory_proto::op::Message;
use polder::config::dns::{AllowedConfig, Checks, PoolConfig, TransferConfig, WhenAllDown, ZoneConfig, ZoneSource};
use polder::config::{CheckConfig, ProbeKind};
use polder::dns::answer::{Answered, Client, Transport, UDP_SIZE, answer, cut};
use polder::dns::compiled;
use polder::dns::cookie::{Issuer, Secrets, Standing};
use polder::dns::locality::Locations;
use polder::dns::snapshot::{PoolAnswer, PoolRecords, Snapshot};
use polder::dns::transfer::{self, Transfers};
use polder::zone;

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
    let read =
        |(apex, text)| zone::parse(apex, Path::new(apex), text, Checks::Strict).expect("the tests' zones are sound");
    let files: Vec<_> = ZONES.map(read).into();
    let configs = POOLS.iter().map(|(name, aliases, ttl, _)| ((*name).to_owned(), pool(aliases, *ttl)));
    let configs: BTreeMap<String, PoolConfig> = configs.collect();
    let zones = compiled::compile(Path::new("dns.json"), &files, &configs).expect("the tests' zones are sound");
    let answers = POOLS.iter().map(|(_, _, ttl, addresses)| {
        let addresses: Vec<IpAddr> = addresses.iter().filter_map(|text| text.parse().ok()).collect();
        let near = addresses.iter().take(1).map(|address| (0, PoolRecords::new(*ttl, [address]))).collect();
        PoolAnswer { near, ..PoolAnswer::new(*ttl, &addresses) }
    });
    let near = vec!["10.0.0.0/8".parse().expect("a network"), "2001:db8::/32".parse().expect("a network")];
    let locations = Arc::new(Locations::new(&BTreeMap::from([("near".to_owned(), near)])));
    let transfers = Arc::new(Transfers::read(&BTreeMap::new(), &given()).expect("no key is read"));
    Snapshot {
        generation: 1,
        zones: Arc::new(zones),
        pools: answers.collect(),
        transfers,
        locations,
        ..Snapshot::default()
    }
});

/// Everybody gets the first zone.
fn given() -> BTreeMap<String, ZoneConfig> {
    let anybody = AllowedConfig { networks: vec!["0.0.0.0/0".parse().expect("a network")], key: None };
    let transfer = Some(TransferConfig { allow: vec![anybody], ..TransferConfig::default() });
    BTreeMap::from([(
        ZONES[0].0.to_owned(),
        ZoneConfig { source: ZoneSource::File("zone".into()), checks: Checks::Strict, transfer, dnssec: None },
    )])
}

fn pool(aliases: &[&str], ttl: u32) -> PoolConfig {
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

/// The longest message, a length of two bytes before it being what a TCP client can say.
const LONGEST: usize = u16::MAX as usize;

/// Who asks: an address of documentation, at some time.
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
const TIME: u32 = 1_800_000_000;

static SECRETS: LazyLock<Secrets> = LazyLock::new(|| Secrets::one([7; 16]));

/// How a client is told something: the whole answer, or that it has had too many of them.
type Tell = fn(&[u8], &Client<'_>, &mut [u8]) -> Option<Answered>;

/// One message, over UDP and over TCP.
pub fn check(message: &[u8]) {
    let message = &message[..message.len().min(LONGEST)];
    let issuer = Issuer { secrets: &SECRETS, address: ADDRESS, now: TIME };
    let udp = Client { transport: Transport::Udp, issuer: Some(issuer) };
    let tcp = Client { transport: Transport::Tcp { keepalive: 100 }, issuer: Some(issuer) };
    let plain = Client::without_cookies(Transport::Udp);
    let whole: Tell = |message, client, buffer| answer(message, &SNAPSHOT, client, message.len(), buffer);

    let brief: Tell = |message, client, buffer| cut(message, &SNAPSHOT, client, buffer);

    transferred(message);
    let answerable = message.len() >= 12 && message[2] & 0x80 == 0;
    let answers: Vec<_> = [(whole, &udp), (whole, &tcp), (whole, &plain), (brief, &udp), (brief, &plain)]
        .map(|(tell, client)| told(message, client, tell))
        .into();
    assert!(answers.iter().all(|told| told.is_some() == answerable), "who gets an answer");
    let answers: Vec<_> = answers.into_iter().flatten().collect();
    answers.iter().for_each(|(answered, bytes)| answers_to(message, *answered, bytes));
    let [udp, tcp, plain, cut, cut_plain] = answers.as_slice() else { return };

    let most = most_over_udp(message);
    for (_, bytes) in [udp, plain, cut, cut_plain] {
        assert!(bytes.len() <= most, "{} bytes over UDP, {most} were asked for", bytes.len());
    }
    assert!(!tcp.0.truncated || tcp.1.len() > 1232, "cut over TCP at {} bytes", tcp.1.len());
    assert_eq!(udp.0.rcode, tcp.0.rcode, "the error code depends on the transport");
    assert_eq!(plain.0.cookie, Standing::Absent, "a cookie is looked at where there are none");
    // What a flood of forged queries sends on to its victim: never much more than it costs to ask.
    for (_, bytes) in [cut, cut_plain] {
        assert!(bytes.len() <= message.len().max(12) + 40, "{} bytes in place of an answer", bytes.len());
    }
    assert!(udp.0.cookie != Standing::Good || is_ours(message), "a cookie is good that we did not make");
}

/// What comes of a message that asks for a whole zone: messages that can be read, each with the query's identifier.
fn transferred(message: &[u8]) {
    let Some(mut transfer) = transfer::begin(message, &SNAPSHOT, ADDRESS, TIME.into()) else { return };
    let mut buffer = vec![0; transfer::MESSAGE];
    while let Some(length) = transfer.messages.next(&mut buffer, TIME.into()) {
        assert_eq!(buffer[..2], message[..2], "the identifier");
        wire::walk(&buffer[..length]).expect("it is a whole message");
        Message::from_vec(&buffer[..length]).expect("another reader can read it");
    }
    assert!(transfer.messages.records >= 1, "the SOA at least");
}

/// The answer, which must be the same whatever the buffer held before.
fn told(message: &[u8], client: &Client<'_>, tell: Tell) -> Option<(Answered, Vec<u8>)> {
    let size = if client.transport == Transport::Udp { usize::from(UDP_SIZE) } else { LONGEST };
    let fill = |byte: u8| {
        let mut buffer = vec![byte; size];
        let answered = tell(message, client, &mut buffer)?;
        buffer.truncate(answered.length);
        Some((answered, buffer))
    };
    let (first, second) = (fill(0xaa), fill(0x55));
    assert_eq!(first, second, "something of the buffer is in the answer");
    first
}

/// The query has a server's part with our hash: a corpus may hold one, and nobody finds one.
fn is_ours(message: &[u8]) -> bool {
    let secrets = &SECRETS;
    let issuer = Issuer { secrets, address: ADDRESS, now: TIME };
    let client = |at: usize| message.get(at..at + 8);
    (12..message.len()).filter_map(client).any(|client| {
        let presented = polder::dns::cookie::Presented::read(client).expect("a client's part");
        let (_, reply) = issuer.judge(&presented);
        memchr::memmem::find(message, &reply).is_some()
    })
}

/// What a second reader of the query says of its UDP size. A query that it cannot read may have an EDNS record all the same.
fn most_over_udp(message: &[u8]) -> usize {
    match Message::from_vec(message).map(|message| message.edns) {
        Ok(None) => 512,
        Ok(Some(edns)) => usize::from(edns.max_payload()).clamp(512, usize::from(UDP_SIZE)),
        Err(_) => usize::from(UDP_SIZE),
    }
}

fn answers_to(query: &[u8], answered: Answered, bytes: &[u8]) {
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
