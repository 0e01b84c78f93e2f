//! DNS cookies (RFC 7873, 9018) in the engine's answers.

use polder::dns::answer::{Answered, Client, Transport, UDP_SIZE, answer};
use polder::dns::cookie::{Issuer, Secrets, Standing};
use polder::zone::number::rtype::*;

use crate::ask::{SNAPSHOT, TCP, edns_query, query, raw};

const NOW: u32 = 1_800_000_000;
const CLIENT: [u8; 8] = *b"a client";

/// The query with a COOKIE option behind whatever options it has.
pub fn with_cookie(mut query: Vec<u8>, data: &[u8]) -> Vec<u8> {
    let option = [&[0, 10, 0, data.len() as u8], data].concat();
    let length = query.len();
    let of_all = u16::from_be_bytes([query[length - 2], query[length - 1]]) + option.len() as u16;
    query[length - 2..].copy_from_slice(&of_all.to_be_bytes());
    query.extend_from_slice(&option);
    query
}

/// What a client at an address is answered.
fn ask_from(address: &str, query: &[u8], transport: Transport) -> (Answered, Vec<u8>) {
    let secrets = Secrets::one([7; 16]);
    let issuer = Issuer { secrets: &secrets, address: address.parse().unwrap(), now: NOW };
    let client = Client { transport, issuer: Some(issuer) };
    let mut buffer = vec![0xaa; if transport == TCP { 65535 } else { UDP_SIZE.into() }];
    let answered = answer(query, &SNAPSHOT, &client, 0, &mut buffer).unwrap();
    buffer.truncate(answered.length);
    (answered, buffer)
}

fn ask(query: &[u8]) -> (Answered, Vec<u8>) {
    ask_from("192.0.2.1", query, Transport::Udp)
}

/// What a client is answered that has shown where it is.
pub fn ask_with_a_good_cookie(query: Vec<u8>) -> (Answered, Vec<u8>) {
    ask(&with_cookie(query, &fresh()))
}

/// The 24 bytes of the cookie that an answer ends with.
fn given(answer: &[u8]) -> &[u8] {
    let (rest, cookie) = answer.split_at(answer.len() - 24);
    assert!(rest.ends_with(&[0, 10, 0, 24]), "{answer:02x?}");
    cookie
}

/// A cookie that the client was given.
fn fresh() -> Vec<u8> {
    given(&ask(&with_cookie(edns_query("web.example.net", A, 1232), &CLIENT)).1).to_vec()
}

#[test]
fn the_answer_is_the_same_with_a_cookie_behind_it() {
    for (name, qtype) in
        [("http0.l.example.net", A), ("web.example.net", A), ("nowhere.example.net", A), ("example.net", NS)]
    {
        let plain = edns_query(name, qtype, 1232);
        let (without, mut expected) = raw(&plain, Transport::Udp).unwrap();
        let (with, bytes) = ask(&with_cookie(plain, &CLIENT));
        let length = expected.len();
        expected[length - 1] = 28;
        assert_eq!(bytes[..length], expected, "{name}");
        assert_eq!((bytes.len(), given(&bytes)[..8].to_vec()), (length + 28, CLIENT.to_vec()), "{name}");
        assert_eq!((with.rcode, with.cookie, without.cookie), (without.rcode, Standing::Asked, Standing::Absent));
    }
}

#[test]
fn a_good_cookie_comes_back_and_a_bad_one_is_answered_with_a_good_one() {
    let cookie = fresh();
    let asked = |cookie: &[u8]| with_cookie(edns_query("web.example.net", A, 1232), cookie);
    let (answered, bytes) = ask(&asked(&cookie));
    assert_eq!((answered.cookie, given(&bytes)), (Standing::Good, &cookie[..]));
    let mut forged = cookie.clone();
    forged[23] ^= 1;
    let (answered, bytes) = ask(&asked(&forged));
    assert_eq!((answered.rcode, answered.cookie, given(&bytes)), (0, Standing::Bad, &cookie[..]));
    assert_eq!(bytes[7], 1, "it is answered");
    assert_eq!(ask_from("192.0.2.2", &asked(&cookie), Transport::Udp).0.cookie, Standing::Bad, "from elsewhere");
    assert_eq!(ask_from("192.0.2.1", &asked(&cookie), TCP).0.cookie, Standing::Good, "over TCP");
}

#[test]
fn a_cookie_of_an_impossible_length_is_formerr() {
    for length in (0..8).chain(9..16).chain([41, 60]) {
        let (answered, bytes) = ask(&with_cookie(edns_query("web.example.net", A, 1232), &vec![1; length]));
        assert_eq!((answered.rcode, bytes[7]), (1, 0), "{length} bytes");
    }
}

#[test]
fn of_two_cookies_the_first_counts() {
    let cookie = fresh();
    let asked = with_cookie(edns_query("web.example.net", A, 1232), &cookie);
    let head = asked.len() - 28 - 2;
    let mut two = asked.clone();
    two.extend_from_slice(&[0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
    two[head + 1] = 28 + 12;
    let (answered, bytes) = ask(&two);
    assert_eq!((answered.cookie, given(&bytes)), (Standing::Good, &cookie[..]));
}

#[test]
fn a_query_for_a_cookie_alone_gets_one() {
    let question = wire_length("web.example.net");
    let alone = |cookie: &[u8]| {
        let mut asked = edns_query("web.example.net", A, 1232);
        asked[5] = 0;
        asked.drain(12..12 + question);
        with_cookie(asked, cookie)
    };
    let cookie = fresh();
    let mut forged = cookie.clone();
    forged[20] ^= 1;
    for (presented, rcode) in [(&CLIENT[..], 0), (&cookie, 0), (&forged, 23)] {
        let (answered, bytes) = ask(&alone(presented));
        assert_eq!((answered.rcode, bytes[5], bytes[7], bytes.len()), (rcode, 0, 0, 12 + 11 + 28), "{presented:02x?}");
        assert_eq!(given(&bytes), cookie);
    }
    let mut without = edns_query("web.example.net", A, 1232);
    without[5] = 0;
    without.drain(12..12 + question);
    assert_eq!(ask(&without).0.rcode, 1, "without a cookie there is nothing that it asks");
}

fn wire_length(name: &str) -> usize {
    query(name, A).len() - 12
}

#[test]
fn an_error_carries_a_cookie_too() {
    let mut update = with_cookie(edns_query("web.example.net", A, 1232), &CLIENT);
    update[2] |= 5 << 3;
    let (answered, bytes) = ask(&update);
    assert_eq!((answered.rcode, &given(&bytes)[..8]), (4, &CLIENT[..]));
}

#[test]
fn the_cookie_counts_for_the_size_of_the_answer() {
    for size in 512..=1232 {
        let (answered, bytes) = ask(&with_cookie(edns_query("large.example.net", TXT, size), &CLIENT));
        assert!(bytes.len() <= size.into() && given(&bytes).len() == 24, "{size}: {answered:?}");
    }
}

const TXT: u16 = 16;
