//! Challenges of certificate authorities that proxies have told: what they answer, and that they take no answer away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::Message;
use polder::config::dns::{AcmeChallengesConfig, ChallengesFrom};
use polder::daemon::challenges::{Name, Told, Value};
use polder::dns::answer::{Client, Transport, UDP_SIZE, answer};
use polder::dns::challenges::Challenges;
use polder::dns::snapshot::Snapshot;
use polder::zone::name;
use polder::zone::number::rtype::*;

use crate::ask::{TCP, message_text, query, snapshot_of};
use polder::dns::signing::Signers;

const ZONE: &str = "$TTL 300\n\
    @ SOA ns1 hostmaster 1 3600 600 86400 60\n\
    @ NS ns1\n\
    ns1 A 192.0.2.53\n\
    *.wild A 192.0.2.99\n\
    *.led CNAME elsewhere.test.\n\
    _acme-challenge TXT \"of the zone\"\n\
    _acme-challenge CAA 0 issue \";\"\n\
    _acme-challenge.pointed CNAME _acme-challenge.shop\n\
    away NS ns.away.test.\n\
    moved DNAME example.test.\n";

const SOA_LINE: &str = "ns example.net. 60 SOA ns1.example.net. hostmaster.example.net. 1 3600 600 86400 60";

/// A value that can be told apart.
fn value(n: u8) -> String {
    char::from(b'a' + n).to_string().repeat(43)
}

/// The zone with these values told, by name; and the names that are refused.
fn told(names: &[(&str, &[u8])]) -> (Snapshot, BTreeMap<String, String>) {
    let snapshot = snapshot_of("example.net", ZONE);
    let challenge = |(name, values): &(&str, &[u8])| {
        let values = values.iter().map(|n| Value::try_from(value(*n)).unwrap());
        (Name::try_from((*name).to_owned()).unwrap(), values.collect())
    };
    let told = Told { hold: Duration::from_secs(60), challenges: names.iter().map(challenge).collect() };
    let mut challenges = Challenges::default();
    let from = ChallengesFrom { addresses: vec![], keys: vec![], zones: None };
    let (listen, key_file) = ("127.0.0.1:1".parse().unwrap(), "key".into());
    let config = AcmeChallengesConfig { listen, key_file, from: [("proxy1".to_owned(), from)].into() };
    let (_, refused) = challenges.tell("proxy1", told, (Some(&config), &snapshot.zones), Duration::ZERO);
    let answers = challenges.answers(&BTreeMap::new(), &snapshot.zones, (&Signers::default(), 0), None).map(Arc::new);
    (Snapshot { challenges: answers, ..snapshot }, refused)
}

fn ask(snapshot: &Snapshot, name: &str, qtype: u16, transport: Transport) -> String {
    let size = if transport == Transport::Udp { usize::from(UDP_SIZE) } else { usize::from(u16::MAX) };
    let mut buffer = vec![0; size];
    let client = Client::without_cookies(transport);
    let answered = answer(&query(name, qtype), snapshot, &client, 0, &mut buffer).unwrap();
    message_text(&Message::from_vec(&buffer[..answered.length]).unwrap())
}

fn expect(snapshot: &Snapshot, name: &str, qtype: u16, lines: &[&str]) {
    let shown = ask(snapshot, name, qtype, TCP);
    assert_eq!(shown.lines().collect::<Vec<_>>(), lines, "{name} {qtype}");
}

fn line(name: &str, text: &str) -> String {
    format!("an {name}. 5 TXT {text}")
}

#[test]
fn told_values_are_answered_all_at_once_for_five_seconds_and_in_any_case() {
    let (snapshot, refused) = told(&[("_acme-challenge.shop.example.net", &[0, 1])]);
    assert_eq!(refused, BTreeMap::new());
    for name in ["_acme-challenge.shop.example.net", "_ACME-challenge.SHOP.Example.NET"] {
        let (first, second) = (line(name, &value(0)), line(name, &value(1)));
        expect(&snapshot, name, TXT, &["NoError aa", &first, &second]);
        expect(&snapshot, name, ANY, &["NoError aa", &first, &second]);
    }
}

#[test]
fn another_type_at_a_told_name_is_nodata_also_where_a_wildcard_would_have_one() {
    let name = "_acme-challenge.a.wild.example.net";
    let (snapshot, _) = told(&[("_acme-challenge.shop.example.net", &[0]), (name, &[1])]);
    expect(&snapshot, "_acme-challenge.shop.example.net", A, &["NoError aa", SOA_LINE]);
    expect(&snapshot, name, A, &["NoError aa", SOA_LINE]);
    expect(&snapshot, name, TXT, &["NoError aa", &line(name, &value(1))]);
}

#[test]
fn a_told_name_beats_the_cname_that_a_wildcard_would_make_for_it() {
    let name = "_acme-challenge.a.led.example.net";
    let (snapshot, refused) = told(&[(name, &[0])]);
    assert_eq!(refused, BTreeMap::new());
    expect(&snapshot, name, TXT, &["NoError aa", &line(name, &value(0))]);
}

#[test]
fn a_name_above_a_told_one_exists_and_a_wildcard_goes_on_answering_for_it() {
    let (snapshot, _) =
        told(&[("_acme-challenge.new.example.net", &[0]), ("_acme-challenge.a.wild.example.net", &[1])]);
    expect(&snapshot, "new.example.net", A, &["NoError aa", SOA_LINE]);
    expect(&snapshot, "other.example.net", A, &["NXDomain aa", SOA_LINE]);
    expect(&snapshot, "a.wild.example.net", A, &["NoError aa", "an a.wild.example.net. 300 A 192.0.2.99"]);
}

#[test]
fn text_of_the_zone_at_a_told_name_is_answered_beside_what_was_told_and_other_types_stay() {
    let name = "_acme-challenge.example.net";
    let (snapshot, refused) = told(&[(name, &[0])]);
    assert_eq!(refused, BTreeMap::new());
    let shown = ask(&snapshot, name, TXT, TCP);
    let mut lines: Vec<&str> = shown.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["NoError aa", &line(name, &value(0)), &line(name, "of the zone")]);
    assert!(ask(&snapshot, name, 257, TCP).contains("CAA"), "{}", ask(&snapshot, name, 257, TCP));
}

#[test]
fn a_cname_of_the_zone_that_leads_to_a_told_name_is_followed_there() {
    let (snapshot, _) = told(&[("_acme-challenge.shop.example.net", &[0])]);
    let cname = "an _acme-challenge.pointed.example.net. 300 CNAME _acme-challenge.shop.example.net.";
    let told = line("_acme-challenge.shop.example.net", &value(0));
    expect(&snapshot, "_acme-challenge.pointed.example.net", TXT, &["NoError aa", cname, &told]);
}

#[test]
fn names_that_this_nameserver_does_not_answer_itself_are_refused_with_the_reason() {
    let (snapshot, refused) = told(&[
        ("_acme-challenge.shop.example.org", &[0]),
        ("_acme-challenge.away.example.net", &[1]),
        ("_acme-challenge.x.moved.example.net", &[2]),
        ("_acme-challenge.pointed.example.net", &[3]),
    ]);
    let words: Vec<String> = refused.iter().map(|(name, why)| format!("{name} {why}")).collect();
    assert_eq!(
        words,
        [
            "_acme-challenge.away.example.net is delegated to other nameservers, at away.example.net",
            "_acme-challenge.pointed.example.net has a CNAME to _acme-challenge.shop.example.net in the zone, which is \
             followed: take it out; a proxy can order by http-01 instead",
            "_acme-challenge.shop.example.org is in none of this nameserver's zones",
            "_acme-challenge.x.moved.example.net is led elsewhere by the DNAME at moved.example.net",
        ]
    );
    assert!(snapshot.challenges.is_none(), "{:?}", snapshot.challenges);
}

#[test]
fn more_values_than_a_datagram_holds_are_cut_over_udp_and_whole_over_tcp() {
    let name = "_acme-challenge.shop.example.net";
    let values: Vec<u8> = (0..26).collect();
    let (snapshot, _) = told(&[(name, &values)]);
    assert!(ask(&snapshot, name, TXT, Transport::Udp).starts_with("NoError aa tc"));
    assert_eq!(ask(&snapshot, name, TXT, TCP).lines().count(), 1 + values.len());
}

/// Told names change the answers of no other name, except that names above them exist.
#[test]
fn answers_beside_the_told_names_are_what_they_were() {
    const LABELS: [&str; 9] = ["_acme-challenge", "a", "shop", "wild", "led", "away", "moved", "pointed", "*"];
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut random_name = || {
        let labels: Vec<&str> = (0..random.usize(..4)).map(|_| LABELS[random.usize(..LABELS.len())]).collect();
        labels.iter().map(|label| format!("{label}.")).collect::<String>() + "example.net"
    };
    for _ in 0..200 {
        let names: Vec<String> = (0..3).map(|_| format!("_acme-challenge.{}", random_name())).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| !name.contains('*')).collect();
        let (with, refused) = told(&names.iter().map(|name| (*name, &[0][..])).collect::<Vec<_>>());
        let without = snapshot_of("example.net", ZONE);
        let told: Vec<&str> = names.into_iter().filter(|name| !refused.contains_key(*name)).collect();
        for _ in 0..30 {
            let name = random_name();
            for qtype in [A, TXT, CNAME, ANY] {
                let (before, now) = (ask(&without, &name, qtype, TCP), ask(&with, &name, qtype, TCP));
                // The name, and where a CNAME leads from it.
                let targets = before.lines().filter_map(|line| line.split_once("CNAME ")).map(|(_, target)| target);
                let met: Vec<&str> =
                    std::iter::once(&*name).chain(targets).map(|name| name.trim_end_matches('.')).collect();
                if met.iter().any(|name| told.contains(name)) {
                    continue;
                }
                let wire = |text: &str| name::from_text(text).unwrap();
                // The response code is that of the last one (RFC 6604, 3).
                let is_above = |name: &&str| told.iter().any(|told| name::is_within(&wire(told), &wire(name)));
                let is_above = met.last().is_some_and(is_above);
                let expected = if is_above { before.replace("NXDomain", "NoError") } else { before };
                assert_eq!(now, expected, "{name} {qtype} with {told:?}");
            }
        }
    }
}
