#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::fleet::System;

fn example() -> Fleet {
    let text = std::fs::read_to_string("tests/data/fleet/example.json").unwrap();
    crate::fleet::parse(std::path::Path::new("example.json"), &text).unwrap()
}

fn words(host: &str) -> Vec<String> {
    probes(&example(), host).asked.iter().map(Probe::to_string).collect()
}

#[test]
fn a_nameserver_is_asked_for_its_zones_and_pools_at_each_address() {
    let words = words("ns-nl");
    for expected in [
        "192.0.2.1:53 answers for example.net over UDP",
        "192.0.2.1:53 answers for example.net over TCP",
        "[2001:db8:1::1]:53 answers for example.net over UDP",
        "192.0.2.1:53 has addresses for http0.l.example.net",
        "192.0.2.1:53 has addresses for example.net",
    ] {
        assert!(words.iter().any(|word| word == expected), "{words:?}\nlacks {expected}");
    }
}

#[test]
fn a_proxy_is_asked_for_every_route() {
    let words = words("px-ch");
    for expected in [
        "198.51.100.11:80 is ready",
        "198.51.100.11:80 serves shop.example.net/",
        "[2001:db8:2::11]:80 serves example.net/",
    ] {
        assert!(words.iter().any(|word| word == expected), "{words:?}\nlacks {expected}");
    }
}

#[test]
fn nothing_is_asked_in_clear_text_of_a_listener_that_speaks_https() {
    let words = words("px-ch");
    assert!(words.iter().all(|word| word.contains(":80 ")), "{words:?}");
}

#[test]
fn nothing_is_asked_of_a_listener_that_takes_connections_of_proxies_alone() {
    let mut fleet = example();
    let Some(System::Rendered { proxy: Some(text), .. }) = fleet.systems.get_mut("px-ch") else { panic!() };
    let mut document: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(document["listeners"][0]["address"], "0.0.0.0:80");
    document["listeners"][0]["proxy_protocol"] = true.into();
    document["listeners"][0]["trusted_proxies"] = serde_json::json!(["10.0.0.1"]);
    *text = document.to_string();
    let words: Vec<String> = probes(&fleet, "px-ch").asked.iter().map(Probe::to_string).collect();
    assert!(words.iter().all(|word| word.starts_with("[2001:db8:2::11]:80 ")), "{words:?}");
}

#[test]
fn of_a_backend_the_proxies_are_asked_and_given_the_time_to_notice() {
    let probes = probes(&example(), "web-2");
    let words: Vec<String> = probes.asked.iter().map(Probe::to_string).collect();
    assert_eq!(
        words,
        [
            "px-ch finds shop/web-2 up",
            "px-ch finds www/web-2 up",
            "px-nl finds shop/web-2 up",
            "px-nl finds www/web-2 up"
        ]
    );
    assert_eq!(probes.steady, Duration::from_secs(5));
}

#[test]
fn nothing_is_asked_of_a_machine_that_serves_nobody() {
    assert!(probes(&example(), "admin-nl").asked.is_empty());
}

#[test]
fn a_host_that_keeps_the_agreement_is_asked_whether_its_member_is_well() {
    let fleet = Fleet { agreement: vec!["px-ch".to_owned()], ..example() };
    let member = Probe::member("198.51.100.11".parse().unwrap());
    assert_eq!(member.to_string(), "198.51.100.11:2381 (etcd) is healthy");
    assert!(probes(&fleet, "px-ch").asked.contains(&member));
    assert!(!probes(&fleet, "px-nl").asked.iter().any(|probe| matches!(probe, Probe::Member { .. })));
}
