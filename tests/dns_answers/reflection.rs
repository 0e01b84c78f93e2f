//! What a forger could make of the answers: how they are counted, and how little is left of them when there are too many.

use polder::dns::answer::{Client, Transport, UDP_SIZE, answer, cut};
use polder::dns::cookie::{Issuer, Secrets};
use polder::dns::rate_limit::{Account, Class};
use polder::zone::number::rtype::*;

use crate::ask::{SNAPSHOT, TCP, answer_text, edns_query, query, raw};
use crate::cookies::with_cookie;

fn account(name: &str, qtype: u16) -> Account {
    raw(&query(name, qtype), Transport::Udp).unwrap().0.account
}

#[test]
fn responses_are_imputed_to_names_that_no_forger_can_vary() {
    let same = |class: Class, names: &[(&str, u16)]| {
        let accounts: Vec<Account> = names.iter().map(|(name, qtype)| account(name, *qtype)).collect();
        assert!(accounts.iter().all(|account| *account == accounts[0]), "{names:?}: {accounts:?}");
        assert_eq!(accounts[0].class, class, "{names:?}");
        accounts[0]
    };
    let shown = [
        same(Class::Answer, &[("web.example.net", A), ("WEB.example.net", AAAA), ("web.example.net", ANY)]),
        same(Class::Answer, &[("www.example.net", A)]),
        same(Class::Answer, &[("a.wild.example.net", A), ("b.c.wild.example.net", A), ("b.wild.example.net", MX)]),
        same(Class::Answer, &[("a.star.example.net", A), ("b.star.example.net", A)]),
        same(Class::Answer, &[("x.d.example.net", A), ("y.z.d.example.net", A)]),
        same(Class::Nxdomain, &[("nowhere.example.net", A), ("a.b.c.example.net", MX)]),
        same(Class::Nodata, &[("web.example.net", MX), ("b.example.net", A), ("x.empty.example.net", A)]),
        same(Class::Referral, &[("www.child.example.net", A), ("a.b.child.example.net", MX)]),
        same(Class::Nxdomain, &[("nowhere.other.test", A)]),
        same(Class::Error, &[("www.example.com", A), ("example.net", AXFR), ("example.net", TKEY)]),
    ];
    for (n, one) in shown.iter().enumerate() {
        assert!(shown[..n].iter().all(|other| other != one), "{one:?} stands for two");
    }
}

/// What is left of an answer to a client with this query.
fn left(query: &[u8]) -> Vec<u8> {
    let secrets = Secrets::one([7; 16]);
    let issuer = Issuer { secrets: &secrets, address: "192.0.2.1".parse().unwrap(), now: 1_800_000_000 };
    let client = Client { transport: Transport::Udp, issuer: Some(issuer) };
    let mut buffer = vec![0xaa; UDP_SIZE.into()];
    answer(query, &SNAPSHOT, &client, 0, &mut buffer).unwrap();
    let answered = cut(query, &SNAPSHOT, &client, &mut buffer).unwrap();
    buffer.truncate(answered.length);
    buffer
}

#[test]
fn what_is_left_of_a_limited_answer_is_its_question_and_tc() {
    for asked in [query("large.example.net", TXT), edns_query("large.example.net", TXT, 1232)] {
        let bytes = left(&asked);
        assert_eq!(bytes.len(), asked.len(), "no longer than the query");
        assert_eq!((bytes[2] & 0x82, bytes[3] & 0x0f, &bytes[6..10]), (0x82, 0, &[0; 4][..]));
        assert_eq!(bytes[12..35], asked[12..35]);
    }
}

#[test]
fn a_client_with_half_a_cookie_or_a_bad_one_gets_badcookie_and_a_good_one() {
    for cookie in [&b"a client"[..], b"a client and what is not ours of it"] {
        let asked = with_cookie(edns_query("large.example.net", TXT, 1232), cookie);
        let bytes = left(&asked);
        // BADCOOKIE is 23: 7 in the header, 1 in the OPT.
        let opt = bytes.len() - 28 - 11;
        assert_eq!((bytes[2] & 0x02, bytes[3] & 0x0f, bytes[opt + 5]), (0, 7, 1), "{bytes:02x?}");
        assert!(bytes.len() <= asked.len() + 16, "a server's cookie longer than the query at most");
        assert_eq!(bytes[bytes.len() - 24..][..8], *b"a client");
    }
}

#[test]
fn records_that_only_help_go_to_clients_that_have_shown_where_they_are() {
    for (name, qtype) in [("example.net", MX), ("example.net", NS), ("mx-pool.example.net", MX)] {
        let lines = |transport| answer_text(&query(name, qtype), transport);
        let helped = lines(TCP);
        let plain: Vec<&str> = helped.lines().filter(|line| !line.starts_with("ar ")).collect();
        assert!(plain.len() < helped.lines().count(), "{helped}");
        assert_eq!(lines(Transport::Udp).lines().collect::<Vec<_>>(), plain);
    }
}

#[test]
fn no_small_query_gets_a_long_answer_but_for_what_the_zone_has() {
    // With IP and UDP before both, as a victim's line carries them.
    const BEFORE: f64 = 28.0;
    for (name, qtype, most) in [
        ("http0.l.example.net", A, 2.0),
        ("example.net", ANY, 2.0),
        ("example.net", MX, 1.4),
        ("example.net", NS, 1.7),
        ("nowhere.example.net", A, 1.9),
        // With six bytes that say why.
        ("www.example.com", A, 1.1),
        ("example.net", AXFR, 1.1),
    ] {
        let asked = edns_query(name, qtype, 4096);
        let (answered, _) = raw(&asked, Transport::Udp).unwrap();
        let times = (answered.length as f64 + BEFORE) / (asked.len() as f64 + BEFORE);
        assert!(times <= most, "{name} {qtype}: {times:.2} times the query");
    }
}

const TXT: u16 = 16;
