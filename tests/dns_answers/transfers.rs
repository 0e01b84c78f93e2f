//! Whole zones: who gets them, and that every record is there once, between the SOA and the SOA.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use hickory_proto::op::{Message, ResponseCode};
use polder::config::dns::{
    AllowedConfig, Checks, IdentityConfig, PoolsInTransfer, TransferConfig, TsigAlgorithm, TsigKeyConfig, ZoneConfig,
    ZoneSource,
};
use polder::dns::answer::{self, Client, Transport, UDP_SIZE, answer};
use polder::dns::compiled;
use polder::dns::cookie::{Issuer, Secrets};
use polder::dns::journal;
use polder::dns::locality::Locations;
use polder::dns::snapshot::{PoolAnswer, Snapshot};
use polder::dns::transfer::{self, MESSAGE, Transfers};
use polder::dns::tsig::{Key, Signer};
use polder::zone;
use polder::zone::name;

use crate::ask::{TCP, pool_config};

/// The serial of the zone that [`Primary::changed`] begins with.
const BEFORE: u32 = SERIAL - 1;

const NOW: u64 = 1_800_000_000;
const SERIAL: u32 = 7;

/// A zone of these records, besides SOA, NS and the pool `www`.
struct Primary {
    snapshot: Snapshot,
}

fn head() -> String {
    format!("$TTL 300\n@ SOA ns hostmaster {SERIAL} 3600 600 86400 300\n@ NS ns\nns A 192.0.2.53\n")
}

impl Primary {
    fn of(records: &str, allow: Vec<AllowedConfig>, pools: PoolsInTransfer) -> Primary {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("example.net.zone");
        std::fs::write(&file, head() + records).unwrap();
        let secret_file = folder.path().join("secret");
        std::fs::write(&secret_file, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n").unwrap();
        let loaded = zone::load("example.net", &file, Checks::Lenient).unwrap_or_else(|found| panic!("{found}"));
        let configs = BTreeMap::from([("www.example.net".to_owned(), pool_config(&[], 300))]);
        let zones = compiled::compile(Path::new("dns.json"), &[loaded], &configs).unwrap();
        let transfer = Some(TransferConfig { allow, pools, notify: Vec::new() });
        let zone = ZoneConfig { source: ZoneSource::File(file), checks: Checks::Lenient, transfer, dnssec: None };
        let key = TsigKeyConfig { algorithm: TsigAlgorithm::HmacSha256, secret_file };
        let transfers = Transfers::read(
            &BTreeMap::from([("trans.key".to_owned(), key)]),
            &BTreeMap::from([("example.net".to_owned(), zone)]),
        );
        let addresses: Vec<IpAddr> = vec!["192.0.2.11".parse().unwrap(), "2001:db8::11".parse().unwrap()];
        let snapshot = Snapshot {
            zones: Arc::new(zones),
            pools: [PoolAnswer::new(300, &addresses)].into(),
            transfers: Arc::new(transfers.unwrap()),
            ..Snapshot::default()
        };
        Primary { snapshot }
    }

    /// Served after these records had the serial [`BEFORE`], which everybody trusts.
    fn changed(before: &str, records: &str, pools: PoolsInTransfer) -> Primary {
        let anybody = AllowedConfig { networks: vec!["0.0.0.0/0".parse().unwrap()], key: None };
        let mut primary = Primary::of(records, vec![anybody.clone()], pools);
        let transfer = Some(TransferConfig { allow: vec![anybody], pools, notify: Vec::new() });
        let config =
            ZoneConfig { source: ZoneSource::File("zone".into()), checks: Checks::Lenient, transfer, dnssec: None };
        let compiled = |serial: u32, records: &str| {
            let text = head().replace(&format!(" {SERIAL} "), &format!(" {serial} ")) + records;
            let file = zone::parse("example.net", Path::new("zone"), text.as_bytes(), Checks::Lenient).unwrap();
            let pools = BTreeMap::from([("www.example.net".to_owned(), pool_config(&[], 300))]);
            let apex = name::from_text("example.net").unwrap();
            let owners = compiled::PoolOwners::new(Path::new("dns.json"), vec![apex], &pools).unwrap();
            compiled::compile_zone(&file, &owners).unwrap()
        };
        let mut first = compiled(BEFORE - 1, "");
        journal::follow_stored(&mut first, &config, || None, || None);
        let mut second = compiled(BEFORE, before);
        journal::follow(&mut second, &config, &first);
        let mut third = compiled(SERIAL, records);
        journal::follow(&mut third, &config, &second);
        primary.snapshot.zones = Arc::new(compiled::Zones::new(vec![Arc::new(third)], Vec::new()));
        primary
    }

    fn open(records: &str) -> Primary {
        let anybody = AllowedConfig { networks: vec!["0.0.0.0/0".parse().unwrap()], key: None };
        Primary::of(records, vec![anybody], PoolsInTransfer::Present)
    }

    /// The messages of a transfer to this client; `None`: it is none.
    fn transfer(&self, query: &[u8], client: &str) -> Option<Vec<Vec<u8>>> {
        let mut transfer = transfer::begin(query, &self.snapshot, client.parse().unwrap(), NOW)?;
        let mut buffer = vec![0; MESSAGE];
        let mut messages = Vec::new();
        while let Some(length) = transfer.messages.next(&mut buffer, NOW) {
            messages.push(buffer[..length].to_vec());
        }
        Some(messages)
    }
}

fn query(qtype: u16, serial: Option<u32>) -> Vec<u8> {
    let apex = name::from_text("example.net").unwrap();
    let mut query = vec![0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, u8::from(serial.is_some()), 0, 0];
    query.extend_from_slice(&apex);
    query.extend_from_slice(&[qtype.to_be_bytes(), 1u16.to_be_bytes()].concat());
    if let Some(serial) = serial {
        query.extend_from_slice(&[0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0]);
        query.extend_from_slice(&serial.to_be_bytes());
        query.extend_from_slice(&[0; 16]);
    }
    query
}

const AXFR: u16 = 252;
const IXFR: u16 = 251;

/// All records as text, in their order.
fn records(messages: &[Vec<u8>]) -> Vec<String> {
    let decoded = messages.iter().map(|message| Message::from_vec(message).unwrap());
    decoded.flat_map(|message| message.answers.iter().map(ToString::to_string).collect::<Vec<_>>()).collect()
}

fn with_soa_at_both_ends(records: &[String]) -> BTreeSet<&str> {
    let (first, last) = (records.first().unwrap(), records.last().unwrap());
    assert!(first.contains(" SOA ") && first == last, "{first}\n{last}");
    let all: BTreeSet<&str> = records[1..].iter().map(String::as_str).collect();
    assert_eq!(all.len(), records.len() - 1, "each is there once");
    all
}

#[test]
fn a_zone_has_all_its_records_the_hidden_ones_and_what_its_pools_answer() {
    let primary = Primary::open("sub NS ns.sub\nns.sub A 192.0.2.54\ndeep.sub TXT hidden\nd DNAME example.com.\n");
    let messages = primary.transfer(&query(AXFR, None), "192.0.2.1").unwrap();
    assert_eq!(messages.len(), 1);
    let message = Message::from_vec(&messages[0]).unwrap();
    assert!(message.metadata.authoritative && message.queries.len() == 1);
    let records = records(&messages);
    let all = with_soa_at_both_ends(&records);
    for wanted in
        ["192.0.2.53", "192.0.2.54", "hidden", "DNAME", "www.example.net. 300 IN A 192.0.2.11", "2001:db8::11"]
    {
        assert!(all.iter().any(|record| record.contains(wanted)), "{wanted} in {records:#?}");
    }
}

#[test]
fn pools_can_be_left_out() {
    let anybody = AllowedConfig { networks: vec!["0.0.0.0/0".parse().unwrap()], key: None };
    let primary = Primary::of("", vec![anybody], PoolsInTransfer::LeftOut);
    let records = records(&primary.transfer(&query(AXFR, None), "192.0.2.1").unwrap());
    assert!(!records.iter().any(|record| record.contains("www.")), "{records:#?}");
}

#[test]
fn a_large_zone_takes_several_messages_and_one_large_record_a_message_to_itself() {
    let many: String = (0..5000).map(|n| format!("h{n} A 10.0.{}.{}\n", n / 250, n % 250)).collect();
    let long: String = (0..150).map(|n| format!(" \"{}\"", format!("{n:03}").repeat(85))).collect();
    let primary = Primary::open(&format!("{many}long TXT{long}\n"));
    let messages = primary.transfer(&query(AXFR, None), "192.0.2.1").unwrap();
    let records = records(&messages);
    assert_eq!(with_soa_at_both_ends(&records).len(), 5000 + 1 + 3 + 2);
    assert!(messages.len() > 5, "{}", messages.len());
    let usual = messages.iter().filter(|message| message.len() <= 0x4000).count();
    assert_eq!(usual, messages.len() - 1, "all but the one with the long record");
    assert!(messages.iter().skip(1).all(|message| message[4..6] == [0, 0]), "the question is in the first one alone");
}

#[test]
fn who_has_the_serial_gets_the_soa_alone_and_who_has_an_older_one_the_zone() {
    let primary = Primary::open("a TXT b\n");
    for (serial, count) in [(SERIAL, 1), (SERIAL + 1, 1), (SERIAL - 1, 7)] {
        let records = records(&primary.transfer(&query(IXFR, Some(serial)), "192.0.2.1").unwrap());
        assert_eq!(records.len(), count, "{serial}: {records:#?}");
    }
    assert_eq!(primary.transfer(&query(IXFR, None), "192.0.2.1"), None, "it has no SOA");
}

#[test]
fn who_has_an_earlier_serial_gets_what_is_gone_and_what_is_new_between_the_soas() {
    let primary =
        Primary::changed("a A 192.0.2.1\na A 192.0.2.2\n", "a A 192.0.2.2\nb A 192.0.2.3\n", PoolsInTransfer::LeftOut);
    let records = records(&primary.transfer(&query(IXFR, Some(BEFORE)), "192.0.2.1").unwrap());
    let brief: Vec<String> = records
        .iter()
        .map(|record| match record.split_once(" SOA ") {
            Some((_, data)) => data.split(' ').nth(2).unwrap().to_owned(),
            None => record.replace(".example.net. 300 IN A 192.0.2.", " "),
        })
        .collect();
    let [new, old] = [SERIAL, BEFORE].map(|serial| serial.to_string());
    assert_eq!(brief, [&new, &old, "a 1", &new, "b 3", &new]);
    // Nobody knows what was served as the first one.
    let whole = self::records(&primary.transfer(&query(IXFR, Some(BEFORE - 1)), "192.0.2.1").unwrap());
    assert_eq!(with_soa_at_both_ends(&whole).len(), 5, "{whole:#?}");
}

#[test]
fn copies_with_addresses_of_pools_get_the_whole_zone_again() {
    let primary = Primary::changed("", "b A 192.0.2.3\n", PoolsInTransfer::Present);
    let records = records(&primary.transfer(&query(IXFR, Some(BEFORE)), "192.0.2.1").unwrap());
    assert!(with_soa_at_both_ends(&records).iter().any(|record| record.contains("www.")), "{records:#?}");
}

#[test]
fn a_datagram_is_answered_with_the_differences_if_they_fit_and_else_with_the_soa_alone() {
    let few = Primary::changed("a A 192.0.2.1\n", "b A 192.0.2.3\n", PoolsInTransfer::LeftOut);
    let long: String = (0..30).map(|n| format!("b{n} TXT {}\n", "x".repeat(100))).collect();
    let many = Primary::changed("a A 192.0.2.1\n", &long, PoolsInTransfer::LeftOut);
    let ask = |primary: &Primary, query: &[u8], client: &str| {
        let mut buffer = [0xff; UDP_SIZE as usize];
        let brought = transfer::datagram(query, &primary.snapshot, client.parse().unwrap(), NOW, &mut buffer);
        match brought {
            Some(brought) => Some(Message::from_vec(&buffer[..brought.length]).unwrap().answers.len()),
            None => {
                assert!(buffer.iter().all(|byte| *byte == 0xff), "it is untouched");
                None
            }
        }
    };
    let older = query(IXFR, Some(BEFORE));
    assert_eq!(ask(&few, &older, "192.0.2.1"), Some(6));
    assert_eq!(ask(&many, &older, "192.0.2.1"), Some(1));
    assert_eq!(ask(&few, &query(IXFR, Some(1)), "192.0.2.1"), Some(1), "the whole zone only over TCP");
    assert_eq!(ask(&few, &query(IXFR, Some(SERIAL)), "192.0.2.1"), Some(1));
    assert_eq!(ask(&few, &signed(&older, 7), "192.0.2.1"), Some(6));
    assert_eq!(ask(&few, &signed(&older, 8), "192.0.2.1"), None, "another secret");
    assert_eq!(ask(&few, &older, "2001:db8::1"), None, "not allowed");
    assert_eq!(ask(&few, &query(AXFR, None), "192.0.2.1"), None, "RFC 5936, 4.2");
}

#[test]
fn a_query_with_edns_is_answered_with_edns_in_each_message() {
    let many: String = (0..5000).map(|n| format!("h{n} A 10.0.{}.{}\n", n / 250, n % 250)).collect();
    let mut asked = query(AXFR, None);
    asked[11] = 1;
    asked.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    let messages = Primary::open(&many).transfer(&asked, "192.0.2.1").unwrap();
    assert!(messages.len() > 1);
    assert!(messages.iter().all(|message| Message::from_vec(message).unwrap().edns.is_some()));
}

#[test]
fn a_signed_query_beyond_the_rate_limit_gets_a_signed_answer_without_records() {
    let primary = Primary::open("");
    let mut buffer = [0; UDP_SIZE as usize];
    let asked = signed(&query(6, None), 7);
    let client = Client::without_cookies(Transport::Udp);
    let answered = answer::cut(&asked, &primary.snapshot, &client, &mut buffer).unwrap();
    // Who asks without a clock, as this client does, asks at another time than ours.
    assert_eq!(buffer[10..12], [0, 1], "it has a TSIG: {:?}", &buffer[..answered.length]);
}

fn signed(query: &[u8], secret: u8) -> Vec<u8> {
    let key = Key::new(&name::from_text("trans.key").unwrap(), TsigAlgorithm::HmacSha256, &[secret; 32]);
    let mut buffer = [query, &[0; 256]].concat();
    let length = Signer::new(&key).sign(&mut buffer, query.len(), NOW);
    buffer.truncate(length);
    buffer
}

#[test]
fn networks_and_keys_must_both_hold_where_both_are_asked_for() {
    let allow = |networks: &[&str], key: Option<&str>| AllowedConfig {
        networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
        key: key.map(str::to_owned),
    };
    let rules = vec![allow(&["192.0.2.0/28"], None), allow(&["2001:db8::/32"], Some("trans.key"))];
    let primary = Primary::of("", rules, PoolsInTransfer::Present);
    let plain = query(AXFR, None);
    let (ours, theirs) = (signed(&plain, 7), signed(&plain, 8));
    for (query, client, allowed) in [
        (&plain, "192.0.2.1", true),
        (&plain, "192.0.2.16", false),
        (&plain, "2001:db8::1", false),
        (&ours, "2001:db8::1", true),
        (&ours, "192.0.2.16", false),
        (&ours, "192.0.2.1", true),
        // Who signs wants to be known; with a wrong key he is not.
        (&theirs, "192.0.2.1", false),
    ] {
        assert_eq!(primary.transfer(query, client).is_some(), allowed, "{client}");
    }
    let messages = primary.transfer(&ours, "2001:db8::1").unwrap();
    assert!(messages.iter().all(|message| message[10..12] == [0, 1]), "each has its TSIG");
}

#[test]
fn a_signed_query_with_the_longest_names_is_answered_over_udp_however_little_its_client_takes() {
    let label = "a".repeat(63);
    let longest = name::from_text(&format!("{label}.{label}.{label}.{}", "b".repeat(61))).unwrap();
    assert_eq!(longest.len(), 255);
    let folder = tempfile::tempdir().unwrap();
    let secret_file = folder.path().join("secret");
    std::fs::write(&secret_file, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n").unwrap();
    let config = TsigKeyConfig { algorithm: TsigAlgorithm::HmacSha512, secret_file };
    let keys = BTreeMap::from([(name::to_text(&longest), config)]);
    let transfers = Arc::new(Transfers::read(&keys, &BTreeMap::new()).unwrap());
    let snapshot = Snapshot { transfers, ..Snapshot::default() };
    let plain = [&[0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &longest, &[0, 1, 0, 1]].concat();
    let key = Key::new(&longest, TsigAlgorithm::HmacSha512, &[7; 32]);
    for (now, rcode) in [(0, 5), (1_000, 9)] {
        let mut query = [&plain[..], &[0; 512]].concat();
        let length = Signer::new(&key).sign(&mut query, plain.len(), now);
        let mut buffer = vec![0; usize::from(UDP_SIZE)];
        let client = Client::without_cookies(Transport::Udp);
        let answered = answer(&query[..length], &snapshot, &client, 0, &mut buffer).unwrap();
        assert_eq!((answered.rcode, &buffer[10..12]), (rcode, &[0, 1][..]), "signed, and said at {now}");
    }

    // And with everything that a response can say in its OPT, to a client that takes little.
    let options = [
        &[0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8][..],
        &[0, 3, 0, 0],
        &[0, 8, 0, 20, 0, 2, 128, 0, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    ]
    .concat();
    let mut plain = [&plain[..], &[0, 0, 41, 2, 0, 0, 0, 0, 0, 0, options.len() as u8], &options].concat();
    plain[11] = 1;
    let locations = BTreeMap::from([("here".to_owned(), vec!["2001:db8::/32".parse().unwrap()])]);
    let identity = IdentityConfig { server: Some("n".repeat(64)), version: None };
    let snapshot = Snapshot { locations: Arc::new(Locations::new(&locations)), identity, ..snapshot };
    let secrets = Secrets::one([7; 16]);
    let issuer = Issuer { secrets: &secrets, address: "192.0.2.1".parse().unwrap(), now: 0 };
    let client = Client { transport: Transport::Udp, issuer: Some(issuer) };
    let mut query = [&plain[..], &[0; 512]].concat();
    let length = Signer::new(&key).sign(&mut query, plain.len(), 0);
    let mut buffer = vec![0; usize::from(UDP_SIZE)];
    let answered = answer(&query[..length], &snapshot, &client, 0, &mut buffer).unwrap();
    let message = Message::from_vec(&buffer[..answered.length]).unwrap();
    assert_eq!((answered.rcode, message.edns.unwrap().options().as_ref().len()), (5, 4), "an extended error too");
}

#[test]
fn what_is_not_allowed_is_refused_and_an_unknown_key_is_no_key() {
    let primary = Primary::of(
        "",
        vec![AllowedConfig { networks: vec![], key: Some("trans.key".into()) }],
        PoolsInTransfer::Present,
    );
    let ask = |query: &[u8]| {
        let mut buffer = vec![0; MESSAGE];
        let answered = answer(query, &primary.snapshot, &Client::without_cookies(TCP), 0, &mut buffer).unwrap();
        Message::from_vec(&buffer[..answered.length]).unwrap().metadata.response_code
    };
    assert_eq!(ask(&query(AXFR, None)), ResponseCode::Refused);
    assert_eq!(ask(&signed(&query(AXFR, None), 8)), ResponseCode::NotAuth);
}
