//! Forged queries and their victims: response rate limiting and cookies of a running nameserver.

use std::net::{Ipv4Addr, UdpSocket};

use hickory_proto::op::{Message, ResponseCode};
use serde_json::{Value, json};

use crate::fleet::*;

const TXT: u16 = 16;
const NAME: &str = "big.example.net";

/// Long: the answer is worth forging a query for.
fn zone_line() -> String {
    format!("big TXT {}", format!("\"{}\" ", "x".repeat(200)).repeat(5))
}

/// One response a second, and a window that no slow machine outlives.
fn strict() -> Value {
    json!({ "responses_per_second": 1, "window": "60s", "slip": 2 })
}

fn start(rate_limit: Value) -> Daemon {
    let members = Members::start(1);
    let mut daemon = Daemon::prepare(&members);
    daemon.write_zone(1, &zone_line());
    daemon.document["rate_limit"] = rate_limit;
    daemon.write_document();
    daemon.run();
    daemon
}

/// A query with EDNS, and with a cookie where one is given.
fn edns(name: &str, qtype: u16, cookie: &[u8]) -> Vec<u8> {
    let mut asked = query(name, qtype);
    asked[11] = 1;
    asked.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0]);
    let option = if cookie.is_empty() { Vec::new() } else { [&[0, 10, 0, cookie.len() as u8], cookie].concat() };
    asked.extend_from_slice(&(option.len() as u16).to_be_bytes());
    asked.extend_from_slice(&option);
    asked
}

/// One client with one socket, so that one worker answers it, in order.
struct Asker {
    socket: UdpSocket,
    cookie: Vec<u8>,
}

impl Asker {
    fn new(daemon: &Daemon) -> Asker {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.connect((Ipv4Addr::LOCALHOST, daemon.port)).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        Asker { socket, cookie: Vec::new() }
    }

    fn send(&self, query: &[u8]) {
        self.socket.send(query).unwrap();
    }

    fn receive(&self) -> Vec<u8> {
        let mut buffer = [0; 4096];
        let length = self.socket.recv(&mut buffer).unwrap();
        buffer[..length].to_vec()
    }

    /// Asks with half a cookie, and keeps the whole one that comes. A name of its own: another account.
    fn learn_cookie(&mut self) {
        self.send(&edns("ns1.example.net", 1, b"a client"));
        let answer = self.receive();
        self.cookie = answer[answer.len() - 24..].to_vec();
        assert_eq!(self.cookie[..8], *b"a client");
    }

    /// What comes of these queries. A client with a good cookie is always answered: that answer is the last.
    fn flood(&mut self, count: usize, query: impl Fn() -> Vec<u8>) -> Told {
        if self.cookie.is_empty() {
            self.learn_cookie();
        }
        let mut told = Told::default();
        for _ in 0..count {
            let asked = query();
            told.queried += asked.len();
            self.send(&asked);
            let last = edns("example.net", 6, &self.cookie);
            self.send(&last);
            loop {
                let bytes = self.receive();
                if bytes[..2] == last[..2] && bytes[12..25] == last[12..25] {
                    break;
                }
                told.take(&bytes);
            }
        }
        told
    }
}

#[derive(Debug, Default, PartialEq)]
struct Told {
    whole: usize,
    cut: usize,
    bad_cookie: usize,
    other: usize,
    queried: usize,
    answered: usize,
}

impl Told {
    fn take(&mut self, bytes: &[u8]) {
        self.answered += bytes.len();
        let message = Message::from_vec(bytes).unwrap();
        match (message.metadata.response_code, message.metadata.truncation) {
            (ResponseCode::NoError, true) => self.cut += 1,
            (ResponseCode::NoError, false) if !message.answers.is_empty() => self.whole += 1,
            _ if bytes[3] & 0x0f == 7 => self.bad_cookie += 1,
            _ => self.other += 1,
        }
    }
}

/// The sum of the samples of a metric whose labels have this in them.
fn metric(daemon: &Daemon, name: &str, label: &str) -> usize {
    let page = block_on(daemon.client().get_text("/metrics")).unwrap();
    let lines = page.lines().filter(|line| line.starts_with(name) && line.contains(label));
    lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<usize>().unwrap()).sum()
}

#[test]
fn forged_queries_bring_their_victim_less_than_the_forger_has_sent() {
    let daemon = start(strict());
    let told = Asker::new(&daemon).flood(400, || edns(NAME, TXT, b""));
    assert!((1..=60).contains(&told.whole), "{told:?}");
    assert!(told.cut.abs_diff((400 - told.whole) / 2) <= told.whole, "every second one slips: {told:?}");
    assert_eq!((told.bad_cookie, told.other), (0, 0));
    let of_zone = metric(&daemon, "polder_zone_responses_total", "zone=\"example.net\",transport=\"udp\"");
    // Beside them, those that end each look, and the one that brought the cookie.
    assert_eq!(of_zone, told.whole + told.cut + 400 + 1, "what was cut is about the zone, too");
    assert!(told.answered < 60 * 1100 + told.queried / 2, "{told:?}");
    assert_eq!(metric(&daemon, "polder_responses_rate_limited_total", "class=\"answer\",action=\"slipped\""), told.cut);
    let dropped = metric(&daemon, "polder_responses_rate_limited_total", "class=\"answer\",action=\"dropped\"");
    assert_eq!(dropped, 400 - told.whole - told.cut);
    wait_for("a line in the log", || daemon.log().contains("responses are limited: ").then_some(()));
}

#[test]
fn what_protects_is_counted_for_each_zone_and_a_reload_that_brings_another_takes_nothing_from_it() {
    let mut daemon = start(strict());
    let mut asker = Asker::new(&daemon);
    let told = asker.flood(100, || edns(NAME, TXT, b""));
    let elsewhere = asker.flood(50, || edns("www.example.com", 1, b"a client with 16 forged bytes..."));
    let counted = |daemon: &Daemon| {
        let cookie = |label: &str| metric(daemon, "polder_zone_queries_by_cookie_total", label);
        let limited = |label: &str| metric(daemon, "polder_zone_responses_rate_limited_total", label);
        let good = cookie("zone=\"example.net\",cookie=\"good\"");
        let absent = cookie("zone=\"example.net\",cookie=\"absent\"");
        let bad = cookie("zone=\"none\",cookie=\"bad\"");
        let slipped = limited("zone=\"example.net\",class=\"answer\",action=\"slipped\"");
        let dropped = limited("zone=\"example.net\",class=\"answer\",action=\"dropped\"");
        let errors = limited("zone=\"none\",class=\"error\"");
        [good, absent, bad, slipped, dropped, errors]
    };
    let answered_elsewhere = elsewhere.other + elsewhere.bad_cookie;
    let expected = [150, told.whole + told.cut, answered_elsewhere, told.cut, 100 - told.whole - told.cut];
    assert_eq!(counted(&daemon)[..5], expected, "{told:?} {elsewhere:?}");
    assert!(counted(&daemon)[5] >= 50 - answered_elsewhere, "{elsewhere:?}");
    assert_eq!(metric(&daemon, "polder_zone_responses_rate_limited_total", "zone=\"none\",class=\"answer\""), 0);
    assert_eq!(metric(&daemon, "polder_zone_responses_total", ""), metric(&daemon, "polder_responses_total", ""));

    let before = counted(&daemon);
    let zone = "$TTL 60\n@ SOA ns1.example.net. host.example.net. 1 7200 3600 1209600 60\n@ NS ns1.example.net.\n";
    std::fs::write(daemon.folder.path().join("another.zone"), zone).unwrap();
    daemon.document["zones"]["another.example"] = json!({ "file": "another.zone" });
    daemon.write_document();
    daemon.reload().unwrap();
    assert_eq!(counted(&daemon), before);
    asker.flood(10, || edns("www.another.example", 1, b""));
    assert!(metric(&daemon, "polder_zone_responses_total", "zone=\"another.example\",transport=\"udp\"") > 0);
    let status = daemon.status();
    let zone = |name: &str| status.zones.iter().find(|zone| zone.name == name).unwrap().queries.unwrap();
    let queries = zone("example.net");
    let limited = (queries.rate_limited.slipped, queries.rate_limited.dropped);
    assert_eq!(limited, (told.cut as u64, (100 - told.whole - told.cut) as u64));
    assert_eq!(queries.cookies.good, 160, "those that end each look");
    assert!(zone("another.example").answered > 0);
    assert_eq!(status.no_zone.unwrap().cookies.bad, answered_elsewhere as u64);
    assert_eq!(status.other_zones, None);
}

#[test]
fn names_that_do_not_exist_are_limited_together_and_what_else_the_client_asks_is_not() {
    let daemon = start(strict());
    let mut asker = Asker::new(&daemon);
    let told = asker.flood(200, || edns(&format!("n{}.example.net", fastrand::u32(..)), 1, b""));
    assert!(told.cut >= 60, "{told:?}");
    assert_eq!(asker.flood(1, || edns(NAME, TXT, b"")).whole, 1, "another account");
}

#[test]
fn errors_slip_through_as_they_are() {
    let daemon = start(strict());
    let told = Asker::new(&daemon).flood(100, || edns("www.example.com", 1, b""));
    assert_eq!((told.whole, told.cut, told.bad_cookie), (0, 0, 0));
    assert!((50..90).contains(&told.other), "{told:?}");
}

#[test]
fn who_has_a_good_cookie_or_comes_over_tcp_is_never_limited() {
    let daemon = start(strict());
    let mut asker = Asker::new(&daemon);
    asker.flood(50, || edns(NAME, TXT, b""));
    let cookie = asker.cookie.clone();
    assert_eq!(asker.flood(100, || edns(NAME, TXT, &cookie)).whole, 100);
    let mut stream = connect(daemon.port);
    for _ in 0..100 {
        write_framed(&mut stream, &edns(NAME, TXT, b""));
        assert_eq!(read_framed(&mut stream).unwrap().answers.len(), 1);
    }
    assert!(metric(&daemon, "polder_queries_by_cookie_total", "cookie=\"good\"") >= 150);
}

#[test]
fn a_client_with_half_a_cookie_or_a_forged_one_is_asked_to_come_back_with_a_good_one() {
    let daemon = start(strict());
    let mut asker = Asker::new(&daemon);
    let half = asker.flood(100, || edns(NAME, TXT, b"a client"));
    assert!(half.bad_cookie >= 30 && half.cut == 0, "{half:?}");
    let forged = asker.flood(100, || edns(NAME, TXT, b"a client with 16 forged bytes..."));
    assert!(forged.bad_cookie >= 30 && forged.cut == 0, "{forged:?}");
    assert!(metric(&daemon, "polder_queries_by_cookie_total", "cookie=\"bad\"") > 0);
}

#[test]
fn exempt_clients_are_not_limited_and_a_limit_that_is_tried_out_only_counts() {
    let mut exempt = strict();
    exempt["exempt"] = json!(["127.0.0.0/8"]);
    let daemon = start(exempt);
    assert_eq!(Asker::new(&daemon).flood(100, || edns(NAME, TXT, b"")).whole, 100);
    assert_eq!(metric(&daemon, "polder_responses_rate_limited_total", ""), 0);

    let mut tried = strict();
    tried["log_only"] = json!(true);
    let daemon = start(tried);
    assert_eq!(Asker::new(&daemon).flood(100, || edns(NAME, TXT, b"")).whole, 100);
    assert!(metric(&daemon, "polder_responses_rate_limited_total", "action=\"log_only\"") >= 60);
}

#[test]
fn the_default_limit_lets_a_busy_resolver_through() {
    let daemon = start(json!({}));
    assert_eq!(Asker::new(&daemon).flood(200, || edns(NAME, TXT, b"")).whole, 200);
}

#[test]
fn a_reload_puts_other_limits_in_force() {
    let mut daemon = start(strict());
    let mut asker = Asker::new(&daemon);
    assert!(asker.flood(60, || edns(NAME, TXT, b"")).cut > 0);
    daemon.document["rate_limit"]["responses_per_second"] = json!(0);
    daemon.write_document();
    daemon.reload().unwrap();
    assert_eq!(asker.flood(60, || edns(NAME, TXT, b"")).whole, 60);
}

#[test]
fn nameservers_with_one_secret_accept_each_others_cookies_also_while_it_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = ("e5e973e5a6b2a43f48e7dc849e37bfcf", "445536bcd2513298075a5d379663c962");
    let members = Members::start(1);
    let server = |key_file: &str, keys: &str| {
        let path = folder.path().join(key_file);
        std::fs::write(&path, keys).unwrap();
        let mut daemon = Daemon::prepare(&members);
        daemon.document["cookies"] = json!({ "key_file": path });
        daemon.write_document();
        daemon.run();
        daemon
    };
    let (one, other) = (server("one", old), server("other", old));
    let mut asker = Asker::new(&one);
    asker.learn_cookie();
    let cookie = asker.cookie.clone();
    let good = |daemon: &Daemon| {
        let before = metric(daemon, "polder_queries_by_cookie_total", "cookie=\"good\"");
        let asker = Asker::new(daemon);
        asker.send(&edns("ns1.example.net", 1, &cookie));
        asker.receive();
        metric(daemon, "polder_queries_by_cookie_total", "cookie=\"good\"") == before + 1
    };
    assert!(good(&one) && good(&other));
    // The new secret makes, the old one still verifies.
    std::fs::write(folder.path().join("other"), format!("{new}\n{old}\n")).unwrap();
    other.reload().unwrap();
    assert!(good(&other), "while both are there");
    std::fs::write(folder.path().join("other"), "hunter2\n").unwrap();
    let refused = format!("{:?}", other.reload().unwrap_err());
    assert!(refused.contains("cookies.key_file") && refused.contains(":1: no key"), "{refused}");
    assert!(!refused.contains("hunter2"), "{refused}");
    assert!(good(&other), "what was in force stays");
    std::fs::write(folder.path().join("other"), new).unwrap();
    other.reload().unwrap();
    assert!(!good(&other), "without the old secret");
}

#[test]
fn a_reload_without_a_key_file_spoils_no_cookie() {
    let daemon = start(strict());
    let mut asker = Asker::new(&daemon);
    asker.learn_cookie();
    daemon.write_zone(2, &zone_line());
    daemon.reload().unwrap();
    let cookie = asker.cookie.clone();
    assert_eq!(asker.flood(20, || edns(NAME, TXT, &cookie)).whole, 20);
}

#[test]
fn a_key_file_of_cookies_that_cannot_be_used_is_reported_at_the_start_and_by_the_live_check() {
    let members = Members::start(1);
    let mut daemon = Daemon::prepare(&members);
    daemon.document["cookies"] = json!({ "key_file": "/dev/zero" });
    daemon.write_document();
    for arguments in [&[][..], &["--check-config", "--live"]] {
        let output = daemon.output(arguments);
        assert!(!output.status.success());
        let printed = text(&output.stderr);
        assert!(printed.contains("cookies.key_file: /dev/zero: cannot be read: it is a device"), "{printed}");
    }
}
