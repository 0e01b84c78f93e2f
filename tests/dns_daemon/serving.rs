//! Answers over UDP and TCP, and what checks do to them.

use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use serde_json::json;

use crate::fleet::*;

#[test]
fn a_member_that_fails_its_checks_leaves_the_answer_and_comes_back() {
    let members = Members::start(2);
    let daemon = Daemon::start(&members);
    daemon.wait_answer("www.example.net", &["127.0.0.1", "127.0.0.2"]);
    members.set(0, false);
    daemon.wait_answer("www.example.net", &["127.0.0.2"]);
    let status = daemon.status();
    assert!(status.daemon.alarms.iter().any(|alarm| alarm.contains("only one member")), "{:?}", status.daemon.alarms);
    members.set(0, true);
    daemon.wait_answer("www.example.net", &["127.0.0.1", "127.0.0.2"]);
}

#[test]
fn when_all_members_are_down_all_are_answered_and_the_status_says_so() {
    let members = Members::start(2);
    members.set(0, false);
    members.set(1, false);
    let daemon = Daemon::start(&members);
    assert_eq!(daemon.addresses(POOL), ["127.0.0.1", "127.0.0.2"]);
    assert_eq!(daemon.status().pools[0].all_down.as_deref(), Some("all"));
}

#[test]
fn queries_on_one_connection_are_answered_in_their_order_also_when_sent_at_once() {
    let daemon = Daemon::start(&Members::start(1));
    let mut stream = connect(daemon.port);
    let names = ["www.example.net", "ns1.example.net", "nope.example.net", POOL];
    let queries: Vec<Vec<u8>> = names.iter().map(|name| query(name, 1)).collect();
    for query in &queries {
        write_framed(&mut stream, query);
    }
    for query in &queries {
        let message = read_framed(&mut stream).unwrap();
        assert_eq!(message.metadata.id.to_be_bytes(), query[..2]);
    }
}

#[test]
fn an_idle_connection_and_one_with_half_a_query_are_closed() {
    let members = Members::start(1);
    let mut daemon = Daemon::prepare(&members);
    daemon.document["tcp"] = json!({ "idle": "1s" });
    daemon.write_document();
    daemon.run();
    let mut idle = connect(daemon.port);
    let mut half = connect(daemon.port);
    std::io::Write::write_all(&mut half, &[0, 40, 1, 2, 3]).unwrap();
    for stream in [&mut idle, &mut half] {
        let ended = read_framed(stream).unwrap_err();
        assert_eq!(ended.kind(), std::io::ErrorKind::UnexpectedEof, "{ended}");
    }
}

#[test]
fn connections_beyond_the_cap_of_an_address_are_closed_and_a_free_place_is_used_again() {
    let members = Members::start(1);
    let mut daemon = Daemon::prepare(&members);
    daemon.document["tcp"] = json!({ "connections_per_address": 2 });
    daemon.write_document();
    daemon.run();
    let ask = |stream: &mut std::net::TcpStream| {
        write_framed(stream, &query("ns1.example.net", 1));
        read_framed(stream).is_ok()
    };
    let mut first = connect(daemon.port);
    let mut second = connect(daemon.port);
    assert!(ask(&mut first) && ask(&mut second));
    let mut third = connect(daemon.port);
    let refused = read_framed(&mut third).unwrap_err();
    assert_ne!(refused.kind(), std::io::ErrorKind::WouldBlock, "it is closed at once");
    drop(first);
    wait_for("the place of a closed connection", || {
        let mut stream = connect(daemon.port);
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let framed = [&[0, 33][..], &query("ns1.example.net", 1)].concat();
        std::io::Write::write_all(&mut stream, &framed).ok()?;
        read_framed(&mut stream).ok()
    });
}

#[test]
fn wildcard_sockets_answer_from_the_address_that_was_asked() {
    let members = Members::start(1);
    let mut daemon = Daemon::prepare(&members);
    let has_v6 = std::net::UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    let mut listeners = vec![format!("0.0.0.0:{}", daemon.port)];
    if has_v6 {
        listeners.push(format!("[::]:{}", daemon.port));
    }
    daemon.document["listeners"] = json!(listeners);
    daemon.write_document();
    daemon.run();
    for _ in 0..3 {
        for address in ["127.0.0.1", "127.0.0.7", "127.1.2.3"] {
            let server = SocketAddr::new(address.parse().unwrap(), daemon.port);
            assert_eq!(udp(server, &query("ns1.example.net", 1)).answers.len(), 1, "{address}");
        }
        if has_v6 {
            let server = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), daemon.port);
            assert_eq!(udp(server, &query("ns1.example.net", 1)).answers.len(), 1);
        }
    }
}

#[test]
fn who_asks_for_a_and_aaaa_in_turn_gets_every_order() {
    let members = Members::start(2);
    let mut daemon = Daemon::prepare(&members);
    daemon.document["workers"] = json!(1);
    daemon.write_document();
    daemon.run();
    let server = SocketAddr::new([127, 0, 0, 1].into(), daemon.port);
    let mut firsts = std::collections::BTreeMap::new();
    for _ in 0..64 {
        *firsts.entry(udp(server, &query(POOL, 1)).answers[0].data.to_string()).or_insert(0) += 1;
        udp(server, &query(POOL, 28));
    }
    assert!(firsts.len() == 2 && firsts.values().all(|times| *times > 8), "{firsts:?}");
}

#[test]
fn a_burst_of_queries_is_answered_whole() {
    let daemon = Daemon::start(&Members::start(2));
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(crate::fleet::LIMIT)).unwrap();
    let mut waiting = std::collections::HashSet::new();
    for id in 0..200u16 {
        let mut query = query(POOL, 1);
        query[..2].copy_from_slice(&id.to_be_bytes());
        socket.send_to(&query, ("127.0.0.1", daemon.port)).unwrap();
        waiting.insert(id);
    }
    let mut buffer = [0; 1232];
    while !waiting.is_empty() {
        let (length, _) = socket.recv_from(&mut buffer).unwrap_or_else(|error| panic!("{error}: {waiting:?}"));
        assert!(length > 12);
        waiting.remove(&u16::from_be_bytes([buffer[0], buffer[1]]));
    }
}

#[test]
fn the_metrics_count_what_was_answered() {
    let daemon = Daemon::start(&Members::start(1));
    daemon.addresses("nope.example.net");
    let page = block_on(daemon.client().get_text("/metrics")).unwrap();
    for line in [
        "polder_responses_total{daemon=\"nameserver\",transport=\"udp\",rcode=\"NXDOMAIN\"} 1",
        "polder_zone_responses_total{daemon=\"nameserver\",zone=\"example.net\",transport=\"udp\",rcode=\"NXDOMAIN\"} 1",
        "polder_zone_responses_total{daemon=\"nameserver\",zone=\"example.net\",transport=\"tcp\",rcode=\"NXDOMAIN\"} 0",
        "polder_pool_members_usable{daemon=\"nameserver\",pool=\"http0.l.example.net\"} 1",
        "polder_zone_serial{daemon=\"nameserver\",zone=\"example.net\"} 1",
        "polder_ready{daemon=\"nameserver\"} 1",
    ] {
        assert!(page.contains(line), "{line} in:\n{page}");
    }
}

#[test]
fn explain_shows_the_chain_and_why() {
    let members = Members::start(2);
    let daemon = Daemon::start(&members);
    let told = daemon.get("/explain?name=www.example.net").unwrap();
    assert_eq!(told["chain"], json!(["www.example.net", POOL]));
    assert_eq!(told["pool"], POOL);
    assert_eq!(told["addresses"], json!(["127.0.0.1", "127.0.0.2"]));
    assert_eq!(told["ttl"], 5);
    let elsewhere = daemon.get("/explain?name=example.com").unwrap();
    assert_eq!(elsewhere["zone"], json!(null));
}
