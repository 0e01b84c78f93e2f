//! Pools in the zones.

use std::net::IpAddr;

use hickory_proto::op::Message;
use hickory_proto::rr::RData;
use polder::dns::answer::{Client, Transport, answer};
use polder::dns::snapshot::{PoolAnswer, Snapshot};
use polder::zone::number::rtype::*;

use crate::ask::{SNAPSHOT, TCP, answer_text, expect, query};

fn soa(ttl: u32) -> String {
    format!("ns example.net. {ttl} SOA ns1.example.net. hostmaster.example.net. 2026010101 7200 3600 1209600 600")
}

const FIRST: [&str; 3] = ["192.0.2.11", "192.0.2.12", "192.0.2.13"];

fn a_lines(owner: &str) -> Vec<String> {
    FIRST.iter().map(|address| format!("an {owner} 300 A {address}")).collect()
}

#[test]
fn a_pool_and_its_alias_answer_with_the_pools_addresses() {
    for name in ["http0.l.example.net.", "example.net."] {
        let mut lines = vec!["NoError aa".to_owned()];
        lines.extend(a_lines(name));
        expect(name, A, &lines.iter().map(String::as_str).collect::<Vec<_>>());
        expect(name, AAAA, &["NoError aa", &format!("an {name} 300 AAAA 2001:db8::11")]);
    }
}

#[test]
fn a_cname_to_a_pool_and_an_mx_of_one_lead_to_it() {
    let told_cname = answer_text(&query("pooled.example.net", A), TCP);
    assert!(told_cname.ends_with(&a_lines("http0.l.example.net.").join("\n")), "{told_cname}");
    let told_mx = answer_text(&query("mx-pool.example.net", MX), TCP);
    assert!(told_mx.contains("ar http0.l.example.net. 300 A 192.0.2.11"), "{told_mx}");
    assert!(told_mx.contains("ar http0.l.example.net. 300 AAAA 2001:db8::11"), "{told_mx}");
}

#[test]
fn other_types_at_an_alias_come_from_the_file() {
    let told_txt = answer_text(&query("example.net", 16), TCP);
    assert!(told_txt.contains("v=spf1 -all"), "{told_txt}");
}

#[test]
fn negative_answers_at_a_pools_name_live_no_longer_than_its_addresses() {
    expect("http0.l.example.net", MX, &["NoError aa", &soa(300)]);
    expect("http1.l.example.net", A, &["NoError aa", &soa(300)]);
    expect("slow.l.example.net", AAAA, &["NoError aa", &soa(600)]);
    expect("l.example.net", A, &["NoError aa", &soa(600)]);
}

#[test]
fn a_wildcard_can_be_a_pools_name() {
    expect("any.pools.example.net", A, &["NoError aa", &soa(300)]);
}

#[test]
fn any_at_a_pools_name_is_its_addresses() {
    let mut lines = vec!["NoError aa".to_owned()];
    lines.extend(a_lines("http0.l.example.net."));
    expect("http0.l.example.net", ANY, &lines.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn the_order_is_rotated_by_each_query_at_the_name_and_behind_a_cname() {
    for name in ["http0.l.example.net", "pooled.example.net"] {
        let mut buffer = [0; 1232];
        let mut firsts = Vec::new();
        for rotation in 0..6 {
            let answered =
                answer(&query(name, A), &SNAPSHOT, &Client::without_cookies(Transport::Udp), rotation, &mut buffer)
                    .unwrap();
            let message = Message::from_vec(&buffer[..answered.length]).unwrap();
            let addresses: Vec<String> = message
                .answers
                .iter()
                .filter(|record| matches!(record.data, RData::A(_)))
                .map(|record| record.data.to_string())
                .collect();
            let mut sorted = addresses.clone();
            sorted.sort();
            assert_eq!(sorted, FIRST, "all of them, each once");
            firsts.push(addresses[0].clone());
        }
        assert_eq!(firsts, [FIRST, FIRST].concat(), "{name}");
    }
}

/// `SNAPSHOT`, with HTTPS records at its first pool.
fn with_https(rdata: Option<&[u8]>) -> Snapshot {
    let pools = SNAPSHOT.pools.iter().enumerate().map(|(n, pool)| {
        let addresses: Vec<IpAddr> = [A, AAAA]
            .into_iter()
            .filter_map(|rtype| pool.everywhere.set(rtype))
            .flat_map(|set| set.rdatas().collect::<Vec<_>>())
            .map(|rdata| match rdata.len() {
                4 => IpAddr::from(*rdata.first_chunk::<4>().unwrap()),
                _ => IpAddr::from(*rdata.first_chunk::<16>().unwrap()),
            })
            .collect();
        let answer = PoolAnswer::new(pool.ttl, &addresses);
        if n == 0 { answer.with_https(rdata) } else { answer }
    });
    let zones = SNAPSHOT.zones.clone();
    Snapshot { generation: 1, zones, pools: pools.collect(), ..Snapshot::default() }
}

fn https_at(snapshot: &Snapshot, name: &str) -> Message {
    let mut buffer = vec![0; 65535];
    let answered = answer(&query(name, HTTPS), snapshot, &Client::without_cookies(TCP), 1, &mut buffer).unwrap();
    Message::from_vec(&buffer[..answered.length]).unwrap()
}

#[test]
fn an_https_record_of_a_pool_stands_at_its_names_and_behind_a_cname() {
    let rdata = [0, 1, 0, 0, 1, 0, 3, 2, b'h', b'2', 0, 4, 0, 4, 192, 0, 2, 11];
    let snapshot = with_https(Some(&rdata));
    for name in ["http0.l.example.net", "example.net", "pooled.example.net"] {
        let message = https_at(&snapshot, name);
        let last = message.answers.last().unwrap();
        assert!(matches!(last.data, RData::HTTPS(_)), "{name}: {message:?}");
        assert_eq!((last.data.to_string(), last.ttl), ("1 . alpn=h2, ipv4hint=192.0.2.11,".to_owned(), 300), "{name}");
    }
}

#[test]
fn while_nobody_could_connect_a_pool_has_no_https_record() {
    let message = https_at(&with_https(None), "http0.l.example.net");
    assert_eq!((message.answers.len(), message.authorities.len()), (0, 1), "NODATA: {message:?}");
}
