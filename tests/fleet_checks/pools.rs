//! Names that lead to pools, and the members of these.

use serde_json::{Value, json};

use crate::example::{Example, broken, told};

/// Gives `www` another host and no certificate, which for a wildcard would be ordered another way.
fn in_clear_text(host: &'static str) -> impl Fn(&mut Value) {
    move |proxy| {
        let www = proxy["services"]["www"].as_object_mut().unwrap();
        www.retain(|key, _| !["tls", "https"].contains(&key.as_str()));
        www.insert("hosts".into(), json!([host]));
    }
}

#[test]
fn every_host_name_leads_to_a_pool() {
    for (why, from, to, expected) in [
        (
            "no such name",
            "www    300  IN CNAME  http0.l",
            "",
            "does not exist in the zone: point it to a pool with a CNAME",
        ),
        (
            "an address of its own",
            "www    300  IN CNAME  http0.l",
            "www IN A 192.0.2.11",
            "has addresses of its own in the zone: they are answered even while that machine is down; point it to a pool",
        ),
        (
            "a CNAME to a machine",
            "www    300  IN CNAME  http0.l",
            "www IN CNAME px-nl",
            "has addresses of its own in the zone (CNAME px-nl.example.net): they are answered even while that machine is \
             down; point it to a pool",
        ),
        (
            "a CNAME out of the fleet",
            "www    300  IN CNAME  http0.l",
            "www IN CNAME www.example.org.",
            "leads out of the fleet's zones (CNAME www.example.org): its addresses are somebody else's",
        ),
        (
            "no address",
            "www    300  IN CNAME  http0.l",
            "www IN TXT hello",
            "has no address and no CNAME in the zone: point it to a pool with a CNAME",
        ),
        (
            "a delegation",
            "www    300  IN CNAME  http0.l",
            "www IN NS ns.example.org.\nwww IN NS ns2.example.org.",
            "is delegated: its addresses are somebody else's",
        ),
    ] {
        let expected = format!("service www: www.example.net {expected}");
        broken(why, |example| example.zone(from, to), &[&expected]);
    }
    broken(
        "a name of no zone",
        |example| example.proxies(|proxy| proxy["services"]["www"]["hosts"] = json!(["www.example.com"])),
        &["service www: www.example.com lies in none of the fleet's zones (example.net): no visitor is led here by it"],
    );
    broken(
        "a pattern without a wildcard in the zone",
        |example| example.proxies(in_clear_text("*.example.net")),
        &["service www: *.example.net does not exist in the zone: point it to a pool with a CNAME"],
    );
    broken(
        "a pattern with one",
        |example| {
            example.proxies(in_clear_text("*.shops.example.net"));
            example.zone("; Sites.", "* IN CNAME http0.l");
        },
        &[],
    );
}

/// The first listener takes connections with a header of the PROXY protocol alone, from this network.
fn ask_for_headers(proxy: &mut Value, from: &str) {
    let listener = proxy["listeners"][0].as_object_mut().unwrap();
    listener.insert("proxy_protocol".to_owned(), json!(true));
    listener.insert("trusted_proxies".to_owned(), json!([from]));
}

#[test]
fn members_of_pools_are_proxies_that_are_where_the_check_looks() {
    const POOL: &str = "http0.l.example.net";
    broken(
        "a port that nobody listens on",
        |example| example.nameservers(|dns| dns["pools"][POOL]["check"]["port"] = json!(81)),
        &[
            "pool http0.l.example.net: its check looks at 198.51.100.11:81, and px-ch listens on 0.0.0.0:80, [::]:80, \
             0.0.0.0:443 and [::]:443: it would always be down",
            "pool http0.l.example.net: its check looks at [2001:db8:2::11]:81, and px-ch listens on 0.0.0.0:80, [::]:80, \
             0.0.0.0:443 and [::]:443: it would always be down",
            "pool http0.l.example.net: its check looks at 192.0.2.11:81, and px-nl listens on 0.0.0.0:80, [::]:80, \
             0.0.0.0:443 and [::]:443: it would always be down",
            "pool http0.l.example.net: its check looks at [2001:db8:1::11]:81, and px-nl listens on 0.0.0.0:80, [::]:80, \
             0.0.0.0:443 and [::]:443: it would always be down",
        ],
    );
    broken(
        "a listener for those alone who say who the visitor is",
        |example| example.proxies(|proxy| ask_for_headers(proxy, "192.0.2.0/24")),
        &[
            "pool http0.l.example.net: its check looks at 198.51.100.11:80, where px-ch's listener http takes connections with a \
             header of the PROXY protocol alone: it would always be down; check another port, or give the check \"send_proxy\"",
            "pool http0.l.example.net: its check looks at 192.0.2.11:80, where px-nl's listener http takes connections with a \
             header of the PROXY protocol alone: it would always be down; check another port, or give the check \"send_proxy\"",
        ],
    );
    broken(
        "a header for a listener that takes it from others, and for one that does not ask",
        |example| {
            example.proxies(|proxy| ask_for_headers(proxy, "192.0.2.0/24"));
            example.nameservers(|dns| dns["pools"][POOL]["check"]["send_proxy"] = json!("v2"));
        },
        &[
            "pool http0.l.example.net: its check looks at 198.51.100.11:80, and ns-ch may not: add them to the trusted_proxies of \
             px-ch's listener http",
            "pool http0.l.example.net: its check sends a header of the PROXY protocol to [2001:db8:2::11]:80, for which px-ch's \
             listener http6 does not ask: it would always be down",
            "pool http0.l.example.net: its check looks at 192.0.2.11:80, and ns-ch may not: add them to the trusted_proxies of \
             px-nl's listener http",
            "pool http0.l.example.net: its check sends a header of the PROXY protocol to [2001:db8:1::11]:80, for which px-nl's \
             listener http6 does not ask: it would always be down",
        ],
    );
    broken(
        "a proxy without IPv6",
        |example| {
            example.document("px-ch", "proxy.json", |proxy| {
                let listeners = proxy["listeners"].as_array_mut().unwrap();
                listeners.retain(|listener| !listener["address"].as_str().unwrap().starts_with('['));
            });
        },
        &["pool http0.l.example.net: its check looks at [2001:db8:2::11]:80, and px-ch listens on 0.0.0.0:80 and \
             0.0.0.0:443: it would always be down"],
    );
    broken(
        "one member",
        |example| {
            example.nameservers(|dns| drop(dns["pools"][POOL]["members"].as_object_mut().unwrap().remove("px-ch")));
        },
        &["pool http0.l.example.net: has fewer than two members (px-nl): it is gone with the first"],
    );
    broken(
        "a member that is no proxy, and an address that is another's",
        |example| {
            example.nameservers(|dns| {
                dns["pools"][POOL]["members"]["web-1"] = json!({ "addresses": ["192.0.2.21"] });
                dns["pools"][POOL]["members"]["px-nl"] = json!({ "addresses": ["192.0.2.12"] });
            });
        },
        &[
            "pool http0.l.example.net: 192.0.2.12 of its member px-nl is no address of that host",
            "pool http0.l.example.net: its member web-1 is no proxy of the fleet",
        ],
    );
    broken(
        "a TTL that nobody stated",
        |example| example.nameservers(|dns| dns["pools"][POOL]["ttl"] = json!(3600)),
        &["pool http0.l.example.net: its TTL is 3600, more than 300, and the fleet does not state that: set \
           polder.fleet.pools.\"http0.l.example.net\".ttl if it is meant"],
    );
    broken(
        "nameservers that differ",
        |example| example.document("ns-nl", "dns.json", |dns| dns["pools"][POOL]["ttl"] = json!(60)),
        &["pool http0.l.example.net: ns-ch and ns-nl answer it differently: their TTLs differ"],
    );
}

#[test]
fn a_long_ttl_that_is_stated_is_only_told() {
    let mut example = Example::new();
    example.nameservers(|dns| dns["pools"]["http0.l.example.net"]["ttl"] = json!(3600));
    example.fleet["pools"]["http0.l.example.net"]["ttl"] = json!(3600);
    let checked = example.checked();
    assert_eq!(told(&checked.findings), [""; 0]);
    assert_eq!(
        told(&checked.notes),
        [
            "pool http0.l.example.net: its TTL is 3600 as stated: resolvers send visitors to a proxy that is gone for up to 3600 s"
        ]
    );
}
