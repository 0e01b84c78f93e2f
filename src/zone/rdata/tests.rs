#![allow(clippy::unwrap_used, clippy::panic)]

use hickory_proto::rr::{RData, Record};
use hickory_proto::serialize::binary::{BinDecodable as _, BinEncodable as _, BinEncoder, NameEncoding};

mod records;

use super::super::lexer::Lexer;
use super::*;
use records::RECORDS;

const ORIGIN: &[u8] = b"\x07example\x03net\x00";

/// Reads `TYPE DATA`.
fn read_text(text: &str) -> Result<(u16, Vec<u8>), String> {
    let entry = Lexer::new(text.as_bytes()).next().unwrap().map_err(|fault| fault.message)?;
    let mut words = Words::new(&entry.tokens, entry.line);
    let mut record = || {
        let rtype = types::parse(words.word()?)?;
        read(rtype, &mut words, ORIGIN).map(|wire| (rtype, wire))
    };
    record().map_err(|fault: Fault| fault.to_string())
}

fn wire(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| *byte != b' ').collect();
    value::hex(&digits).unwrap()
}

/// The record as another implementation reads it.
fn decode(rtype: u16, rdata: &[u8]) -> Record {
    let length = u16::try_from(rdata.len()).unwrap().to_be_bytes();
    let bytes = [b"\x00".as_slice(), &rtype.to_be_bytes(), &[0, 1, 0, 0, 0, 60], &length, rdata].concat();
    let record = Record::from_bytes(&bytes).unwrap_or_else(|error| panic!("{rtype} {rdata:02x?}: {error}"));
    let mut written = Vec::new();
    let mut encoder = BinEncoder::new(&mut written);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    record.emit(&mut encoder).unwrap();
    assert_eq!(written, bytes, "type {rtype}");
    record
}

#[test]
fn text_becomes_the_wire_format_of_the_rfcs() {
    for (text, expected, _) in RECORDS {
        let (_, found) = read_text(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(found, wire(expected), "{text}");
    }
}

#[test]
fn another_implementation_reads_and_writes_the_same_bytes() {
    for (text, expected, shown) in RECORDS {
        let rtype = read_text(text).unwrap().0;
        let found = decode(rtype, &wire(expected)).data.to_string();
        if !shown.is_empty() {
            assert_eq!(found, *shown, "{text}");
        }
    }
}

#[test]
fn another_implementation_finds_every_string_of_a_txt() {
    let (rtype, rdata) = read_text("TXT a \"b c\" \"\\\"d\\\"\"").unwrap();
    let RData::TXT(txt) = decode(rtype, &rdata).data else { panic!("not TXT") };
    let strings: Vec<&[u8]> = txt.txt_data.iter().map(|text| &**text).collect();
    assert_eq!(strings, [b"a".as_slice(), b"b c", b"\"d\""]);
}

#[test]
fn what_is_written_as_text_reads_back_as_the_same_bytes() {
    for (text, ..) in RECORDS {
        let (rtype, wire) = read_text(text).unwrap();
        let shown = format!("{} {}", types::to_text(rtype), show(rtype, &wire));
        assert_eq!(read_text(&shown), Ok((rtype, wire)), "{text} as {shown}");
    }
}

#[test]
fn data_is_written_as_people_write_it() {
    for (text, expected) in [
        ("A 192.0.2.1", "192.0.2.1"),
        ("MX 10 mail", "10 mail.example.net."),
        ("TXT \"a;b\" c\\\"d", "\"a;b\" \"c\\\"d\""),
        ("CAA 0 issue \"ca.example.org\"", "0 issue \"ca.example.org\""),
        ("SOA ns1 hostmaster 7 1h 15m 1w 5m", "ns1.example.net. hostmaster.example.net. 7 3600 900 604800 300"),
        ("HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1 port=8443", "1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.1"),
        ("TYPE65280 \\# 2 abcd", "\\# 2 abcd"),
        ("TYPE65280 \\# 0", "\\# 0"),
        ("CSYNC 66 3 A NS AAAA", "66 3 A NS AAAA"),
    ] {
        let (rtype, wire) = read_text(text).unwrap();
        assert_eq!(show(rtype, &wire), expected, "{text}");
    }
}

#[test]
fn every_type_of_the_table_is_tried() {
    for known in types::KNOWN {
        assert!(RECORDS.iter().any(|(text, ..)| text.split(' ').next() == Some(known.name)), "{}", known.name);
    }
}

#[test]
fn the_documentation_lists_every_type_of_the_table() {
    for document in [include_str!("../../../docs/zones.md"), include_str!("../../zone.rs")] {
        let words: Vec<&str> = document.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').collect();
        for known in types::KNOWN {
            assert!(words.contains(&known.name), "{}", known.name);
        }
    }
}

#[test]
fn known_types_may_be_written_as_bytes() {
    for (text, hex, _) in RECORDS {
        let (rtype, expected) = read_text(text).unwrap();
        let generic = format!("TYPE{rtype} \\# {} {hex}", expected.len());
        assert_eq!(read_text(&generic), Ok((rtype, expected)), "{text}");
    }
}

#[test]
fn bytes_that_another_implementation_refuses_are_refused() {
    for (generic, why) in [
        ("A \\# 3 c00002", "the data after \\#: the address: the data ends too early"),
        ("A \\# 5 c000020100", "the data after \\#: the fields take 4 bytes of 5"),
        ("A \\# 4 c00002", "after \\# the length is 4, but 3 bytes follow"),
        ("A \\# 4 c00002zz", "\"c00002zz\" is not hexadecimal"),
        ("A \\# 4 c000020", "\"c000020\" has an odd number of hexadecimal digits"),
        ("A \\# x", "the length after \\#: \"x\" is not a number from 0 to 65535"),
        ("A \\#", "the length after \\#: it is missing"),
        ("NS \\# 2 c00c", "the data after \\#: the nameserver: the name is compressed or malformed"),
        ("NS \\# 2 0161", "the data after \\#: the nameserver: the name has no end"),
        ("TXT \\# 0", "the data after \\#: the text: the data ends too early"),
        ("TXT \\# 2 0561", "the data after \\#: the text: the data ends too early"),
        (
            "CAA \\# 3 00012e",
            "the data after \\#: the tag: \".\" is not a tag: ASCII letters and digits, such as issue",
        ),
        ("DNSKEY \\# 5 0101 02 0f 01", "the data after \\#: the protocol: it is 2, but must be 3"),
        ("LOC \\# 1 01", "the data after \\#: the place: the version is not 0"),
        ("CSYNC \\# 8 00000001 0000 0000", "the data after \\#: the types: the windows of types are malformed"),
        ("SVCB \\# 4 0001 00 00", "the data after \\#: the parameters: the data ends within a parameter"),
        (
            "SVCB \\# 13 0001 00 0004 0000 0003 0002 0035",
            "the data after \\#: the parameters: ipv4hint: it is not a list of addresses of 4 bytes",
        ),
        (
            "SVCB \\# 13 0001 00 0008 0000 0003 0002 0035",
            "the data after \\#: the parameters: port is not in ascending order",
        ),
    ] {
        assert_eq!(read_text(generic).unwrap_err(), why, "{generic}");
    }
}

#[test]
fn what_is_not_record_data_is_refused_in_words() {
    for (text, why) in [
        ("A", "the address is missing"),
        ("A 192.0.2.1 192.0.2.2", "\"192.0.2.2\" is left over at the end"),
        ("A 192.0.2.010", "the address: \"192.0.2.010\" is not an IPv4 address"),
        ("A 2001:db8::1", "the address: \"2001:db8::1\" is not an IPv4 address"),
        ("AAAA 192.0.2.1", "the address: \"192.0.2.1\" is not an IPv6 address"),
        ("AAAA \"2001:db8::1\"", "the address: \"2001:db8::1\" stands in quotes: write it without"),
        ("MX mail", "the preference: \"mail\" is not a number from 0 to 65535"),
        ("MX 65536 mail", "the preference: \"65536\" is not a number from 0 to 65535"),
        ("MX +1 mail", "the preference: \"+1\" is not a number from 0 to 65535"),
        ("MX 10", "the mail server is missing"),
        ("CNAME a..b", "the target: the name \"a..b\" has an empty label"),
        ("SOA ns1 admin 1 2 3 4", "the negative TTL is missing"),
        ("SOA ns1 admin 1 2x 3 4 5", "the refresh: \"2x\" is not a time: seconds (3600), or w, d, h, m and s (1h30m)"),
        ("TXT", "the text is missing"),
        ("TXT k=\"v\"", "the text: k=\"v\" is quoted only in part: write \"k=v\""),
        ("TXT \"\\256\"", "the text: \\256 is not a byte: \\000 to \\255"),
        ("TXT \"\\25\"", "the text: a backslash and a digit begin \\DDD, a byte in three decimal digits"),
        ("CAA 0 is-sue x", "the tag: \"is-sue\" is not a tag: ASCII letters and digits, such as issue"),
        ("TLSA 3 1 1 0102", "the association data: it has 2 bytes, but one of type 1 has 32"),
        ("SSHFP 1 1 0102", "the fingerprint: it has 2 bytes, but one of type 1 has 20"),
        ("DS 1 8 2 0102", "the digest: it has 2 bytes, but one of type 2 has 32"),
        (
            "DS 1 RSA 2 0102",
            "the algorithm: \"RSA\" is neither a number from 0 to 255 nor an algorithm (ECDSAP256SHA256)",
        ),
        ("DNSKEY 257 2 8 AQID", "the protocol: it is 2, but must be 3"),
        ("DNSKEY 257 3 8 AQI", "the public key: \"AQI\" is not Base64"),
        ("CERT X509 0 0 AQID", "the type: \"X509\" is neither a number from 0 to 65535 nor a certificate type (PKIX)"),
        ("URI 1 1 \"\"", "the target: it is empty"),
        ("CSYNC 1 1 NS AAAAA", "the types: \"AAAAA\" is no record type"),
        ("LOC 91 N 4 E 0m", "the place: the latitude is DEGREES [MINUTES [SECONDS]] N or S, at most 90 degrees"),
        (
            "LOC 90 0 0.001 N 4 E 0m",
            "the place: the latitude is DEGREES [MINUTES [SECONDS]] N or S, at most 90 degrees",
        ),
        ("LOC 52 N 4 60 E 0m", "the place: the longitude is DEGREES [MINUTES [SECONDS]] E or W, at most 180 degrees"),
        ("LOC 52 N 4 E", "the place: the altitude is missing"),
        ("LOC 52 N 4 E high", "the place: \"high\" is not an altitude: -100000.00m to 42849672.95m"),
        ("LOC 52 N 4 E 0m 90000000.01m", "the place: \"90000000.01m\" is not a size: 0m to 90000000m"),
        ("OPT 1", "\"OPT\" is no record type known here: any type can be written as TYPEnnn \\# LENGTH HEX (RFC 3597)"),
        ("TYPE41 \\# 0", "TYPE41 is for messages, not for zones"),
        ("TYPE65280 abc", "the data of TYPE65280 is written as \\# LENGTH HEX"),
        ("NSAP 47.0005", "the address: \"47.0005\" does not begin with 0x"),
        ("NSAP 0x47.000", "the address: \"47000\" has an odd number of hexadecimal digits"),
        ("ISDN 150862028003217 004 5", "\"5\" is left over at the end"),
        ("HIP 2 2001001 AwEAAbdx", "the host identity: the tag: \"2001001\" has an odd number of hexadecimal digits"),
        ("HIP 2 2001", "the host identity: the public key: it is missing"),
        ("HIP 2 2001 AwEAAbdx rvs..", "the host identity: a rendezvous server: the name \"rvs..\" has an empty label"),
        ("TYPE55 \\# 6 020200012001", "the data after \\#: the host identity: the data ends too early"),
        ("AMTRELAY 10 2 1 192.0.2.1", "the relay: whether discovery is optional: \"2\" is not a number from 0 to 1"),
        ("AMTRELAY 10 0 0 192.0.2.1", "the relay: it must be \".\" where its type is 0"),
        (
            "TYPE260 \\# 2 0a04",
            "the data after \\#: the relay: its type 4 is none of 0 (none), 1 (IPv4), 2 (IPv6) and 3 (a name)",
        ),
        ("SINK 1 0 0 AA==", "the fields of SINK are not known here: write it as TYPE40 \\# LENGTH HEX (RFC 3597)"),
        // RFC 9460, appendix D.3.
        ("SVCB 1 . key123=abc key123=def", "the parameters: key123 is there twice"),
        (
            "SVCB 1 . mandatory",
            "the parameters: mandatory: \"\" is no parameter known here: any one can be written as keyNNNNN (key0 to key65534)",
        ),
        ("SVCB 1 . alpn", "the parameters: alpn: \"\" is not a protocol of 1 to 255 bytes"),
        ("SVCB 1 . port", "the parameters: port: \"\" is not a number from 0 to 65535"),
        ("SVCB 1 . ipv4hint", "the parameters: ipv4hint: \"\" is not an IPv4 address"),
        ("SVCB 1 . ipv6hint", "the parameters: ipv6hint: \"\" is not an IPv6 address"),
        ("SVCB 1 . alpn=h2 no-default-alpn=abc", "the parameters: no-default-alpn: it takes no value"),
        ("SVCB 1 . mandatory=key123", "the parameters: key123 is mandatory, but not there"),
        ("SVCB 1 . mandatory=mandatory", "the parameters: mandatory: it cannot list itself"),
        ("SVCB 1 . mandatory=key123,key123 key123=abc", "the parameters: mandatory: key123 is listed twice"),
        // Beyond them.
        ("SVCB 1 . no-default-alpn", "the parameters: no-default-alpn needs alpn beside it"),
        ("SVCB 0 ns1 port=53", "the parameters: a record with priority 0 is an alias: it has none"),
        ("SVCB 1 . \"port=53\"", "the parameters: \"port=53\" stands in quotes: write KEY=\"VALUE\""),
        (
            "SVCB 1 . key007=x",
            "the parameters: \"key007\" is no parameter known here: any one can be written as keyNNNNN (key0 to \
             key65534)",
        ),
        (
            "SVCB 1 . key65535=x",
            "the parameters: \"key65535\" is no parameter known here: any one can be written as keyNNNNN (key0 to \
             key65534)",
        ),
        ("SVCB 1 . ech", "the parameters: ech: it needs a value"),
        // Types that zones rarely hold.
        ("APL 3:x/8", "the prefixes: \"3:x/8\" is not a prefix: 1:192.0.2.0/24 or !2:2001:db8::/32"),
        ("APL 1:192.0.2.0/33", "the prefixes: \"1:192.0.2.0/33\" is not a prefix: 1:192.0.2.0/24 or !2:2001:db8::/32"),
        (
            "EUI48 00-00-5e-00-53",
            "the address: \"00-00-5e-00-53\" is not 6 bytes in hexadecimal with hyphens between them (00-00-5e-00-53-2a)",
        ),
        (
            "NID 10 14:4fff:ff20",
            "the node identifier: \"14:4fff:ff20\" is not four hexadecimal numbers with colons between them (14:4fff:ff20:ee64)",
        ),
        ("IPSECKEY 10 4 2 . AQNR", "the gateway: its type 4 is none of 0 (none), 1 (IPv4), 2 (IPv6) and 3 (a name)"),
        ("IPSECKEY 10 0 2 gw AQNR", "the gateway: it must be \".\" where its type is 0"),
        (
            "WKS 192.0.2.1 tcp mail",
            "the services: \"mail\" is neither a port nor the name of a well-known one (smtp, 25)",
        ),
        ("SVCB 1 . port=65536", "the parameters: port: \"65536\" is not a number from 0 to 65535"),
        (
            "SVCB 1 . alpn=\\\\h2",
            "the parameters: alpn: in a list a backslash escapes a comma or a backslash, and is itself doubled",
        ),
        (
            "SVCB 1 . dohpath=/dns-query",
            "the parameters: dohpath: \"/dns-query\" is not a path with the variable dns, such as /dns-query{?dns}",
        ),
    ] {
        assert_eq!(read_text(text).unwrap_err(), why, "{text}");
    }
}

#[test]
fn strings_of_255_bytes_are_read_and_longer_ones_refused() {
    assert!(read_text(&format!("TXT {}", "x".repeat(255))).is_ok());
    assert_eq!(
        read_text(&format!("TXT {}", "x".repeat(256))).unwrap_err(),
        "the text: a string of 256 bytes: at most 255, split it into several"
    );
}

#[test]
fn data_beyond_65535_bytes_is_refused() {
    let strings = " xxxxxxxxxxxxxxx".repeat(4096);
    assert_eq!(read_text(&format!("TXT{strings}")).unwrap_err(), "its data takes 65536 bytes: at most 65535");
}

#[test]
fn records_that_differ_in_the_case_of_a_name_are_the_same() {
    let (rtype, one) = read_text("MX 10 Mail").unwrap();
    let (_, other) = read_text("MX 10 mAIL.EXAMPLE.net.").unwrap();
    assert_ne!(one, other);
    assert_eq!(canonical(rtype, &one), canonical(rtype, &other));
    let (rtype, one) = read_text("TXT Mail").unwrap();
    let (_, other) = read_text("TXT mail").unwrap();
    assert_ne!(canonical(rtype, &one), canonical(rtype, &other));
}

#[test]
fn no_bytes_make_measuring_panic() {
    let seed = 0x706f_6c64_6572;
    let mut random = fastrand::Rng::with_seed(seed);
    let mut accepted = 0;
    for round in 0..50_000 {
        let (text, hex, _) = &RECORDS[random.usize(..RECORDS.len())];
        let rtype = read_text(text).unwrap().0;
        let mut bytes = wire(hex);
        for _ in 0..random.usize(..4) {
            match (random.u8(..3), bytes.len()) {
                (0, length @ 1..) => bytes[random.usize(..length)] = random.u8(..),
                (1, length @ 1..) => bytes.truncate(random.usize(..length)),
                _ => bytes.push(random.u8(..)),
            }
        }
        if measure(rtype, &bytes).is_ok() {
            accepted += 1;
            assert_eq!(canonical(rtype, &bytes).len(), bytes.len(), "seed {seed}, round {round}");
        }
    }
    assert!(accepted > 1000, "only {accepted} were accepted: the test tries nothing");
}
