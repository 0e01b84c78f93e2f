#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;
use crate::fleet::System;

fn example() -> Fleet {
    let text = std::fs::read_to_string("tests/data/fleet/example.json").unwrap();
    crate::fleet::parse(std::path::Path::new("example.json"), &text).unwrap()
}

/// What runs on px-nl, if that is what the example wants, changed.
fn before(fleet: &Fleet, change: impl FnOnce(&mut Value)) -> BTreeMap<String, Running> {
    let Some(System::Rendered { proxy: Some(text), .. }) = fleet.systems.get("px-nl") else { unreachable!() };
    let mut document = serde_json::from_str(text).unwrap();
    change(&mut document);
    let documents = [("proxy.json".to_owned(), document.to_string())].into();
    [("px-nl".to_owned(), Running { documents, ..Running::default() })].into()
}

fn hosts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// What is told of a service's sessions when px-nl alone changes.
fn sessions_after(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let fleet = example();
    let old = before(&fleet, change);
    let mut risks = risks(&fleet, &old, &[hosts(&["px-nl"])], &[]);
    risks.retain(|risk| risk.starts_with("service"));
    risks
}

#[test]
fn sessions_that_end_and_what_is_left_meanwhile_are_the_risks() {
    let fleet = example();
    let old = before(&fleet, |proxy| proxy["services"]["shop"]["backends"][0]["address"] = json!("192.0.2.99:8080"));
    let batches = ["ns-nl", "px-nl", "web-1"].map(|host| hosts(&[host]));
    assert_eq!(
        risks(&fleet, &old, &batches, &[]),
        [
            "service shop: sessions on web-2 (192.0.2.99:8080) are orphaned",
            "pool http0.l.example.net: 1 of 2 proxies stay untouched while the others are switched",
            "service www: 1 of 2 backends stay untouched while the others are switched",
            "zone example.net: 1 of 2 nameservers stay untouched while the others are switched",
        ]
    );
}

#[test]
fn a_skipped_host_counts_as_dead() {
    let fleet = example();
    let batches = [hosts(&["ns-nl"]), hosts(&["web-1"])];
    assert_eq!(
        risks(&fleet, &BTreeMap::new(), &batches, &hosts(&["ns-ch", "px-ch"])),
        [
            "service www: 1 of 2 backends stay untouched while the others are switched",
            "zone example.net: nothing is left of 2 nameservers at some time, ns-ch skipped",
        ]
    );
}

#[test]
fn services_on_the_same_hosts_share_a_line() {
    let mut fleet = example();
    for system in fleet.systems.values_mut() {
        let System::Rendered { proxy: Some(text), .. } = system else { continue };
        let mut document: Value = serde_json::from_str(text).unwrap();
        let mut another = document["services"]["www"].clone();
        another["hosts"] = json!(["blog.example.net"]);
        document["services"]["blog"] = another;
        *text = document.to_string();
    }
    assert_eq!(
        risks(&fleet, &BTreeMap::new(), &[hosts(&["web-1"])], &[]),
        ["services blog, www: 1 of 2 backends stay untouched while the others are switched"]
    );
}

#[test]
fn each_way_to_lose_sessions_has_its_own_words() {
    let shop = |change: fn(&mut Value)| sessions_after(|proxy| change(&mut proxy["services"]["shop"]));
    assert_eq!(shop(|_| {}), [""; 0]);
    let all = "service shop: all sessions are orphaned";
    assert_eq!(
        shop(|shop| shop["cookie"] = json!({ "name": "old", "key_file": "/var/lib/polder-keys/cookies" })),
        [format!("{all}: its cookie is called polder-shop and no longer old")]
    );
    assert_eq!(
        shop(|shop| shop["cookie"] = json!({ "value": "address" })),
        [format!("{all}: its cookies are written in another way")]
    );
    assert_eq!(
        shop(|shop| shop["backends"][0]["name"] = json!("web-9")),
        ["service shop: web-9 is called web-2 now; at the same address it stays active or failed as it is"]
    );
    assert_eq!(
        shop(|shop| shop["backends"][0] = json!({ "name": "web-9", "address": "192.0.2.99:8080" })),
        [
            "service shop: sessions on web-9 (192.0.2.99:8080) are orphaned; if it is the active one, the service fails over for good"
        ]
    );
}

#[test]
fn another_file_of_keys_orphans_sessions_unless_it_has_the_old_ones() {
    assert_eq!(
        sessions_after(|proxy| proxy["services"]["shop"]["cookie"]["key_file"] = json!("/old")),
        ["service shop: all sessions are orphaned, unless /var/lib/polder-keys/cookies has the keys of /old too"]
    );
}

#[test]
fn what_does_not_change_in_this_push_is_no_risk_of_it() {
    let fleet = example();
    let old = before(&fleet, |proxy| {
        proxy["services"]["shop"]["cookie"] = json!({ "name": "old", "key_file": "/var/lib/polder-keys/cookies" })
    });
    assert_eq!(risks(&fleet, &old, &[hosts(&["admin-nl"])], &[]), [""; 0]);
}

#[test]
fn a_zone_that_becomes_signed_or_is_no_longer_says_what_its_parent_has_to_do() {
    let mut fleet = example();
    let signed = |text: &str| {
        let mut document: Value = serde_json::from_str(text).unwrap();
        document["zones"]["example.net"]["dnssec"] = json!({ "keys": "/keys" });
        document.to_string()
    };
    let Some(System::Rendered { dns: Some(unsigned), .. }) = fleet.systems.get("ns-nl").cloned() else {
        unreachable!()
    };
    let running = |text: String| {
        let documents = [("dns.json".to_owned(), text)].into();
        [("ns-nl".to_owned(), Running { documents, ..Running::default() })].into()
    };
    let of_zone = |fleet: &Fleet, old: String| {
        let mut risks = risks(fleet, &running(old), &[hosts(&["ns-nl"])], &[]);
        risks.retain(|risk| risk.starts_with("zone example.net: it "));
        risks
    };
    assert_eq!(
        of_zone(&fleet, signed(&unsigned)),
        [
            "zone example.net: it is no longer signed: while its parent has a DS of it, validating resolvers answer SERVFAIL; take that away first, \
             and wait until its TTL is over"
        ]
    );
    assert_eq!(of_zone(&fleet, unsigned.clone()), [""; 0]);
    let Some(System::Rendered { dns: Some(text), .. }) = fleet.systems.get_mut("ns-nl") else { unreachable!() };
    *text = signed(&unsigned);
    assert_eq!(
        of_zone(&fleet, unsigned.clone()),
        ["zone example.net: it becomes signed: its parent gets the DS when all nameservers sign it, and not before"]
    );
    assert_eq!(of_zone(&fleet, signed(&unsigned)), [""; 0]);
}
