#![allow(clippy::unwrap_used)]
use std::net::SocketAddr;

use super::crc32c::crc32c;
use super::*;

fn ends(source: &str, destination: &str) -> Ends {
    Ends { source: source.parse().unwrap(), destination: destination.parse().unwrap() }
}

fn written(version: Version, ends: Option<Ends>) -> Vec<u8> {
    let mut out = Vec::new();
    write(version, ends, &mut out);
    out
}

/// A header of version 2 with these bytes behind its front.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let mut header = binary::SIGNATURE.to_vec();
    header.extend([command, family]);
    header.extend(u16::try_from(rest.len()).unwrap().to_be_bytes());
    header.extend(rest);
    header
}

fn value(kind: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    bytes.extend(value);
    bytes
}

const V4: [u8; 12] = [192, 0, 2, 7, 198, 51, 100, 1, 0x15, 0xb3, 0x01, 0xbb];

#[test]
fn what_is_written_is_read_again_in_both_versions_and_families() {
    let (v4, v6) = (ends("192.0.2.7:5555", "198.51.100.1:443"), ends("[2001:db8::7]:1", "[2001:db8::1]:65535"));
    for version in [Version::V1, Version::V2] {
        for ends in [v4, v6] {
            let header = written(version, Some(ends));
            assert_eq!(measure(&header), Ok(Some(header.len())));
            assert_eq!(read(&header).unwrap(), Header { ends: Some(ends), facts: Facts::default() });
        }
        let own = written(version, None);
        assert_eq!((measure(&own), read(&own)), (Ok(Some(own.len())), Ok(Header::default())));
    }
    assert_eq!(written(Version::V1, Some(v4)), b"PROXY TCP4 192.0.2.7 198.51.100.1 5555 443\r\n");
    assert_eq!(written(Version::V2, Some(v4)), binary(0x21, 0x11, &V4));
}

#[test]
fn ends_of_two_families_are_written_as_ipv6_and_mapped_ones_as_ipv4() {
    let mixed = written(Version::V1, Some(ends("192.0.2.7:1", "[2001:db8::1]:2")));
    assert_eq!(mixed, b"PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 1 2\r\n");
    let mapped = written(Version::V1, Some(ends("[::ffff:192.0.2.7]:1", "198.51.100.1:2")));
    assert_eq!(mapped, b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\n");
}

#[test]
fn a_header_ends_where_it_says_whatever_comes_behind_it() {
    for header in [b"PROXY UNKNOWN\r\n".to_vec(), binary(0x21, 0x11, &V4)] {
        for end in 0..header.len() {
            assert_eq!(measure(&header[..end]), Ok(None), "{end} bytes");
        }
        let followed = [&header[..], b"GET / HTTP/1.1\r\n\r\n"].concat();
        assert_eq!(measure(&followed), Ok(Some(header.len())));
    }
}

#[test]
fn what_begins_as_neither_version_is_found_out_with_its_first_wrong_byte() {
    assert_eq!(measure(b"GET / HTTP/1.1"), Err(Malformed::NoHeader));
    assert_eq!(measure(b"PROXy "), Err(Malformed::NoHeader));
    assert_eq!(measure(b"\x16\x03\x01"), Err(Malformed::NoHeader));
    assert_eq!(measure(b"\r\n\r\n\0\r\nQUIT\r"), Err(Malformed::NoHeader));
    assert_eq!(measure(&[b"PROXY ", [b'x'; 101].as_slice()].concat()), Err(Malformed::TooLong));
    assert_eq!(measure(&[&binary::SIGNATURE[..], &[0x21, 0x11, 0xff, 0xff]].concat()), Err(Malformed::TooLong));
}

#[test]
fn a_line_is_read_strictly() {
    let unknown = Ok(Header::default());
    assert_eq!(read(b"PROXY UNKNOWN\r\n"), unknown);
    assert_eq!(read(b"PROXY UNKNOWN ffff::1 whatever 1\r\n"), unknown);
    for line in [
        "PROXY\r\n",
        "PROXY \r\n",
        "PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 1 1\n",
        "PROXY TCP4  1.1.1.1 1.1.1.1 1 1\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 1 65536\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 +1 1\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1  1\r\n",
        "PROXY TCP4 1.1.1 1.1.1.1 1 1\r\n",
        "PROXY TCP4 ::1 ::1 1 1\r\n",
        "PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n",
    ] {
        assert_eq!(read(line.as_bytes()), Err(Malformed::Line), "{line:?}");
    }
}

#[test]
fn connections_of_the_sender_itself_and_of_other_families_have_no_ends() {
    let none = Ok(Header::default());
    assert_eq!(read(&binary(0x20, 0x00, &[])), none);
    assert_eq!(read(&binary(0x20, 0x11, &V4)), none, "LOCAL: addresses are to be ignored");
    assert_eq!(read(&binary(0x21, 0x00, &[])), none, "UNSPEC");
    assert_eq!(read(&binary(0x21, 0x12, &V4)), none, "UDP");
    assert_eq!(read(&binary(0x21, 0x31, &[0; 216])), none, "UNIX");
    assert_eq!(read(&binary(0x21, 0x41, &[1, 2, 3])), none, "a family to come");
    assert_eq!(read(&binary(0x11, 0x11, &V4)), Err(Malformed::Command));
    assert_eq!(read(&binary(0x22, 0x11, &V4)), Err(Malformed::Command));
    assert_eq!(read(&binary(0x21, 0x11, &V4[1..])), Err(Malformed::Addresses));
    assert_eq!(read(&binary(0x21, 0x21, &[0; 35])), Err(Malformed::Addresses));
}

#[test]
fn values_of_tls_are_kept_and_others_passed_over() {
    let tls = value(0x20, &[&[1, 0, 0, 0, 0][..], &value(0x21, b"TLSv1.3")].concat());
    let rest = [
        &V4[..],
        &value(0x01, b"h2"),
        &tls,
        &value(0x02, b"www.example.net"),
        &value(0x04, &[0; 7]),
        &value(0x05, b"id-1"),
    ];
    let Header { ends, facts } = read(&binary(0x21, 0x11, &rest.concat())).unwrap();
    assert_eq!(ends.map(|ends| ends.source), Some("192.0.2.7:5555".parse::<SocketAddr>().unwrap()));
    assert!(facts.is_secure);
    assert_eq!((facts.authority.as_deref(), facts.unique_id.as_deref()), (Some("www.example.net"), Some(&b"id-1"[..])));
    let in_clear = [&V4[..], &value(0x20, &[2, 0, 0, 0, 0])].concat();
    assert!(!read(&binary(0x21, 0x11, &in_clear)).unwrap().facts.is_secure, "a certificate without TLS is none");
    let cut = [&V4[..], &[0x02, 0, 5, b'x']].concat();
    assert_eq!(read(&binary(0x21, 0x11, &cut)), Err(Malformed::Value));
    assert_eq!(read(&binary(0x21, 0x11, &[&V4[..], &[0x02, 0]].concat())), Err(Malformed::Value));
    let local = read(&binary(0x20, 0x11, &[&V4[..], &tls].concat())).unwrap();
    assert_eq!(local.facts, Facts::default(), "the sender's own connection says nothing of a visitor");
}

#[test]
fn a_checksum_is_held_to_where_there_is_one() {
    assert_eq!(crc32c([&b"123456789"[..]]), 0xe306_9283, "the check value of CRC-32C");
    let mut header = binary(0x21, 0x11, &[&V4[..], &value(0x03, &[0; 4]), &value(0x02, b"host")].concat());
    let sum = crc32c([&header[..]]);
    header[31..35].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(read(&header).unwrap().facts.authority.as_deref(), Some("host"));
    // Its own kind aside: with another one there is no checksum.
    for byte in (16..header.len()).filter(|byte| *byte != 28) {
        let mut other = header.clone();
        other[byte] ^= 1;
        assert!(read(&other).is_err(), "byte {byte}");
    }
    assert_eq!(read(&binary(0x21, 0x11, &[&V4[..], &value(0x03, &[0; 3])].concat())), Err(Malformed::Value));
}

#[test]
fn nothing_that_may_come_breaks_the_reader() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let begin = [written(Version::V1, Some(ends("192.0.2.7:1", "192.0.2.8:2"))), binary(0x21, 0x11, &V4)];
    for _ in 0..20_000 {
        let mut bytes = random.choice(&begin).unwrap().clone();
        bytes.extend((0..random.usize(..40)).map(|_| random.u8(..)));
        for _ in 0..random.usize(..4) {
            let place = random.usize(..bytes.len());
            bytes[place] = random.u8(..);
        }
        bytes.truncate(random.usize(..=bytes.len()));
        let measured = measure(&bytes);
        if let Ok(Some(length)) = measured {
            assert!(length <= bytes.len().min(MOST), "{bytes:?}");
            let _ = read(&bytes[..length]);
        }
        // More bytes never make another header of what was one, nor one of what was none.
        let more = measure(&[&bytes[..], &[random.u8(..)]].concat());
        assert!(measured == Ok(None) || more == measured, "{bytes:?}");
    }
}
