//! The example zones in tests/data/zones, and a large one, read as the daemon reads them.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::BinDecodable as _;
use hickory_proto::serialize::txt::Parser;
use polder::config::dns::Checks;
use polder::zone::{self, ZoneFile, ZoneRecord};

fn file_of(zone: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/zones/{zone}.zone"))
}

fn load(zone: &str) -> ZoneFile {
    zone::load(zone, &file_of(zone), Checks::Strict).unwrap_or_else(|findings| panic!("{findings}"))
}

/// The record as another implementation reads it.
fn decode(record: &ZoneRecord<'_>) -> Record {
    let mut bytes = record.owner.to_vec();
    bytes.extend(record.rtype.to_be_bytes());
    bytes.extend([0, 1]);
    bytes.extend(record.ttl.to_be_bytes());
    bytes.extend(u16::try_from(record.rdata.len()).unwrap().to_be_bytes());
    bytes.extend(record.rdata);
    Record::from_bytes(&bytes).unwrap_or_else(|error| panic!("{record:?}: {error}"))
}

fn find(zone: &ZoneFile, owner: &str, rtype: RecordType) -> Vec<Record> {
    let owner = Name::from_ascii(owner).unwrap();
    zone.records
        .iter()
        .map(|record| decode(&record))
        .filter(|record| record.name == owner && record.record_type() == rtype)
        .collect()
}

#[test]
fn every_example_zone_loads_and_another_implementation_reads_its_records() {
    for zone in ["example.net", "example.org", "2.0.192.in-addr.arpa"] {
        let zone = load(zone);
        let records: Vec<Record> = zone.records.iter().map(|record| decode(&record)).collect();
        assert!(records.iter().any(|record| matches!(record.data, RData::SOA(_))));
    }
}

#[test]
fn the_example_zone_reads_as_its_author_means_it() {
    let zone = load("example.net");
    let soa = &find(&zone, "example.net.", RecordType::SOA)[0];
    assert_eq!(
        soa.to_string(),
        "example.net. 3600 IN SOA ns1.example.net. hostmaster.example.net. 2026112301 7200 900 1209600 300"
    );
    let shown =
        |owner, rtype| -> Vec<String> { find(&zone, owner, rtype).iter().map(|r| r.data.to_string()).collect() };
    assert_eq!(shown("example.net.", RecordType::MX), ["10 mail.example.net.", "20 mail.example.org."]);
    assert_eq!(shown("www.example.net.", RecordType::CNAME), ["http0.l.example.net."]);
    assert_eq!(shown("_sip._tcp.example.net.", RecordType::SRV), ["10 60 5060 sip.example.net."]);
    assert_eq!(find(&zone, "mail.example.net.", RecordType::A)[0].ttl, 300);
}

#[test]
fn included_files_are_found_beside_the_one_that_includes_them() {
    let zone = load("example.net");
    let folder = file_of("example.net").parent().unwrap().to_owned();
    assert_eq!(zone.files, ["example.net.zone", "sub/hosts.inc", "sub/more.inc"].map(|file| folder.join(file)));
    let web3 = zone.records.iter().find(|record| record.owner.starts_with(b"\x04web3")).unwrap();
    assert_eq!((web3.file, web3.line), (2, 3));
    assert_eq!(decode(&web3).name, Name::from_ascii("web3.ch.hosts.example.net.").unwrap());
    assert_eq!(find(&zone, "after.example.net.", RecordType::A).len(), 1);
}

/// One random record in one of the many ways to write it.
fn random_entry(random: &mut fastrand::Rng) -> String {
    let n = random.u32(..200);
    let owner = match random.u8(..5) {
        0 => String::new(),
        1 => format!("host{n}.example.net."),
        2 => format!("HOST{n}\\.x"),
        3 => format!("*.h{n}"),
        _ => format!("host{n}"),
    };
    let head = ["", " 1h30m", " IN", " 60 IN", " IN 60"][random.usize(..5)];
    let data = match random.u8(..8) {
        0 => format!("A 192.0.2.{n}"),
        1 => format!("AAAA 2001:db8::{n:x}"),
        2 => format!("MX ( {n} ; preference\n mail{n} )"),
        3 => format!("TXT \"a b; {n}\" word{n} \"\\\"\""),
        4 => format!("SRV {n} 0 ( 443\n\n ) target.example.org."),
        5 => format!("CAA 0 issue \"ca{n}.example.org\""),
        6 => format!("SSHFP 9 9 (\n abcd{n:04} )"),
        _ => format!("NAPTR 1 {n} \"u\" \"E2U+sip\" \"!^.*$!sip:x@example.net!\" ."),
    };
    let directive = match random.u8(..30) {
        0 => format!("$ORIGIN o{n}.example.net.\n@ TXT x\n"),
        1 => format!("$TTL {n}\n"),
        _ => String::new(),
    };
    format!("{directive}{owner}{head} {data} ; {n}\n")
}

/// What `load` makes of a text, as another implementation reads it, sorted.
fn ours(file: &Path) -> Vec<String> {
    let zone = zone::load("example.net", file, Checks::Strict).unwrap_or_else(|findings| panic!("{findings}"));
    let records = zone.records.iter().map(|record| decode(&record));
    let mut shown: Vec<String> =
        records.map(|r| format!("{} {} {}", r.name.to_lowercase(), r.record_type(), r.data)).collect();
    shown.sort();
    shown
}

/// What the other implementation's own reader makes of it, sorted.
fn theirs(text: &str) -> Vec<String> {
    let origin = Name::from_ascii("example.net.").unwrap();
    let (_, rrsets) = Parser::new(text, None, Some(origin)).parse().unwrap();
    let records = rrsets.values().flat_map(|rrset| rrset.records_without_rrsigs());
    let mut shown: Vec<String> =
        records.map(|r| format!("{} {} {}", r.name.to_lowercase(), r.record_type(), r.data)).collect();
    shown.sort();
    shown
}

#[test]
fn another_reader_finds_the_same_records_in_random_zones() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("random.zone");
    for seed in 0..60 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut text = "$TTL 1h\n@ SOA ns1 hostmaster 1 2h 15m 2w 5m\n NS ns1\nns1 A 192.0.2.53\n".to_owned();
        (0..random.usize(..100)).for_each(|_| text.push_str(&random_entry(&mut random)));
        std::fs::write(&file, &text).unwrap();
        assert_eq!(ours(&file), theirs(&text), "seed {seed}:\n{text}");
    }
}

#[test]
fn a_zone_of_a_hundred_thousand_records_loads() {
    let mut text = "$TTL 1h\n@ SOA ns1 hostmaster 1 2h 15m 2w 5m\n NS ns1\nns1 A 192.0.2.53\n".to_owned();
    for n in 0..25_000_u32 {
        let group = n % 500;
        writeln!(text, "host{n}.group{group} A 198.51.100.{}\n AAAA 2001:db8::{n:x}\n TXT \"host {n}\"", n % 256)
            .unwrap();
        writeln!(text, "_http._tcp.host{n}.group{group} SRV 0 0 80 host{n}.group{group}").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large.zone");
    std::fs::write(&file, text).unwrap();
    assert_eq!(zone::load("example.net", &file, Checks::Strict).unwrap().records.len(), 100_003);
}

#[test]
fn one_name_with_every_type_and_one_rrset_with_thousands_of_records_load() {
    let mut text = "$TTL 1h\n@ SOA ns1 hostmaster 1 2h 15m 2w 5m\n NS ns1\nns1 A 192.0.2.53\n".to_owned();
    (300..30_300).for_each(|code| writeln!(text, "all TYPE{code} \\# 1 00").unwrap());
    (0..4000).for_each(|n| writeln!(text, "many A 10.0.{}.{}", n / 256, n % 256).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("odd.zone");
    std::fs::write(&file, text).unwrap();
    assert_eq!(zone::load("example.net", &file, Checks::Strict).unwrap().records.len(), 34_003);
}
