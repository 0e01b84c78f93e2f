//! The checks across hosts, on the example fleet of hosts/ as Nix evaluates it (tests/data/fleet), broken in one place
//! at a time: the findings, word for word.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

use polder::fleet;
use polder::fleet::check::{Checked, Finding, SerialFacts, Served, ZoneChange, check};
use serde_json::{Value, json};

/// The example fleet, to be broken.
struct Example {
    fleet: Value,
    zone: String,
    known: SerialFacts,
}

impl Example {
    fn new() -> Example {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let fleet = fs::read_to_string(root.join("tests/data/fleet/example.json")).unwrap();
        let zone = fs::read_to_string(root.join("hosts/zones/example.net.zone")).unwrap();
        let known = SerialFacts {
            served: [("example.net".to_owned(), vec![served(2_026_112_301)])].into(),
            changes: Vec::new(),
        };
        Example { fleet: serde_json::from_str(&fleet).unwrap(), zone, known }
    }

    /// Changes the document of a host.
    fn document(&mut self, host: &str, file: &str, change: impl FnOnce(&mut Value)) {
        let text = &mut self.fleet["systems"][host]["documents"][file];
        let mut document: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
        change(&mut document);
        *text = json!(document.to_string());
    }

    fn proxies(&mut self, change: impl Fn(&mut Value)) {
        for host in ["px-nl", "px-ch"] {
            self.document(host, "proxy.json", &change);
        }
    }

    fn nameservers(&mut self, change: impl Fn(&mut Value)) {
        for host in ["ns-nl", "ns-ch"] {
            self.document(host, "dns.json", &change);
        }
    }

    fn zone(&mut self, from: &str, to: &str) {
        assert!(self.zone.contains(from), "{from} is not in the zone");
        self.zone = self.zone.replace(from, to);
    }

    fn checked(&self) -> Checked {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ZONE"), &self.zone).unwrap();
        let mut fleet = self.fleet.clone();
        fleet["zones"]["example.net"]["file"] = json!("ZONE");
        let file = folder.path().join("fleet.json");
        fs::write(&file, fleet.to_string()).unwrap();
        let mut checked = check(&fleet::load(&file).unwrap(), &self.known);
        let here = format!("{}/", folder.path().display());
        for one in checked.findings.iter_mut().chain(&mut checked.notes) {
            one.place = one.place.replace(&here, "");
            one.message = one.message.replace(&here, "");
        }
        checked
    }
}

fn served(serial: u32) -> Served {
    Served::Serial { by: "ns-nl".to_owned(), serial }
}

fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|one| format!("{}: {}", one.place, one.message)).collect()
}

/// Breaks the example and compares the findings. There are no notes.
fn broken(why: &str, change: impl FnOnce(&mut Example), expected: &[&str]) {
    let mut example = Example::new();
    change(&mut example);
    let checked = example.checked();
    assert_eq!(told(&checked.findings), expected, "{why}");
    assert_eq!(told(&checked.notes), [""; 0], "{why}");
}

#[test]
fn nothing_is_wrong_with_the_example() {
    broken("as it is", |_| {}, &[]);
}

#[test]
fn hosts_and_systems_belong_together() {
    broken(
        "a host without a system",
        |example| drop(example.fleet["systems"].as_object_mut().unwrap().remove("web-1")),
        &["host web-1: is in the fleet and has no system: write hosts/web-1.nix, or take it out of polder.fleet.hosts"],
    );
    broken(
        "a proxy that is switched off",
        |example| example.fleet["hosts"]["web-1"]["roles"] = json!(["proxy"]),
        &["host web-1: has the role proxy, and polder.proxy.enable is false there: it would serve nothing"],
    );
    broken(
        "a failed assertion",
        |example| {
            example.fleet["systems"]["web-1"] = json!({ "failed": ["polder.fleet.x: no"], "documents": {} });
        },
        &["web-1: polder.fleet.x: no"],
    );
    broken(
        "no system at all",
        |example| example.fleet["systems"] = json!({}),
        &["fleet: the flake has no system with polder's modules in it: see `polder.lib.fleetSystems`"],
    );
}

#[test]
fn the_daemons_own_validation_speaks_for_each_host() {
    broken(
        "a bad address",
        |example| {
            example.document("px-ch", "proxy.json", |proxy| {
                proxy["services"]["www"]["backends"][0]["address"] = json!("192.0.2.300:80");
            });
        },
        &["px-ch: proxy.json: services.www.backends[0].address: \"192.0.2.300:80\" is not an address and port, like \
           \"192.0.2.21:80\" or \"[2001:db8::21]:80\""],
    );
    broken(
        "a bad line of a zone, said once",
        |example| example.zone("mail        IN A      203.0.113.25", "mail IN A 203.0.113.300"),
        &["ZONE:28: mail.example.net. A: the address: \"203.0.113.300\" is not an IPv4 address"],
    );
    broken(
        "addresses beside a pool",
        |example| example.zone("; Sites.", "http0.l IN A 192.0.2.11"),
        &[
            "ZONE:16: an A record cannot stand at http0.l.example.net: its addresses come from pool http0.l.example.net; remove \
           the record or the pool's name",
        ],
    );
}

#[test]
fn every_nameserver_of_a_zone_is_a_host_that_serves_it() {
    broken(
        "an NS of elsewhere",
        |example| example.zone("IN NS     ns-nl", "IN NS ns.example.org.\n IN NS ns-nl"),
        &[
            "ZONE:6: NS ns.example.org: no zone of the fleet has an address for it, so nobody here can serve example.net \
           there",
        ],
    );
    broken(
        "an NS that leads to another host",
        |example| {
            example.zone("IN NS     ns-nl", "IN NS px-nl\n IN NS ns-nl");
        },
        &[
            "ZONE:6: NS px-nl.example.net: px-nl, at 192.0.2.11, does not serve example.net",
            "ZONE:6: NS px-nl.example.net: px-nl, at 2001:db8:1::11, does not serve example.net",
        ],
    );
    broken(
        "an address with a slip in it",
        |example| example.zone("ns-ch       IN A      198.51.100.1\n", "ns-ch IN A 198.51.100.9\n"),
        &["ZONE:7: NS ns-ch.example.net: its address 198.51.100.9 is no host of the fleet"],
    );
    broken(
        "a nameserver that no NS names",
        |example| example.zone("            IN NS     ns-ch\n", ""),
        &["zone example.net: ns-ch serves it and no NS record leads there: nobody would ask it; add one to ZONE"],
    );
    broken(
        "one nameserver",
        |example| example.fleet["zones"]["example.net"]["nameservers"] = json!(["ns-nl"]),
        &["zone example.net: has fewer than two nameservers (ns-nl): it is gone with the first"],
    );
    broken(
        "a nameserver that is none",
        |example| example.fleet["zones"]["example.net"]["nameservers"] = json!(["ns-nl", "ns-ch", "web-1"]),
        &["zone example.net: web-1 is to answer for it, and is no nameserver of the fleet"],
    );
}

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

#[test]
fn all_proxies_are_one() {
    let px_nl = |change: fn(&mut Value)| move |example: &mut Example| example.document("px-nl", "proxy.json", change);
    broken(
        "a service that one lacks",
        px_nl(|proxy| drop(proxy["services"].as_object_mut().unwrap().remove("www"))),
        &["service www: px-ch serves it and px-nl does not: visitors who come there get 404"],
    );
    broken(
        "a cookie of another name",
        px_nl(|proxy| proxy["services"]["shop"]["cookie"]["name"] = json!("shop")),
        &["service shop: its cookie's name differs: polder-shop on px-ch, shop on px-nl"],
    );
    broken(
        "a key of another place",
        px_nl(|proxy| proxy["services"]["shop"]["cookie"]["key_file"] = json!("/var/keys/shop")),
        &[
            "service shop: its cookie's key file differs: /var/lib/polder-keys/cookies on px-ch, /var/keys/shop on px-nl",
        ],
    );
    broken(
        "a cookie in the clear",
        px_nl(|proxy| proxy["services"]["shop"]["cookie"] = json!({ "value": "address" })),
        &[
            "service shop: its cookie's value differs: sealed on px-ch, address on px-nl",
            "service shop: its cookie's key file differs: /var/lib/polder-keys/cookies on px-ch, none on px-nl",
        ],
    );
    broken(
        "another backend",
        px_nl(|proxy| proxy["services"]["shop"]["backends"][1]["address"] = json!("192.0.2.24:8080")),
        &[
            "service shop: its list of backends differs: web-2 at 198.51.100.22:8080 and web-3 at 192.0.2.23:8080 (backup) on \
           px-ch, web-2 at 198.51.100.22:8080 and web-3 at 192.0.2.24:8080 (backup) on px-nl",
        ],
    );
    broken(
        "a stateful service without a second backend",
        |example| {
            example.proxies(|proxy| {
                let shop = &mut proxy["services"]["shop"];
                shop["failover"] = json!("automatic");
                drop(shop["backends"].as_array_mut().unwrap().pop());
            });
        },
        &["service shop: is stateful and has one backend, web-2 at 198.51.100.22:8080: give it a backup"],
    );
}

#[test]
fn whoever_is_kept_out_by_one_proxy_is_kept_out_by_all() {
    broken(
        "one denies what the other does not, and lists of networks have no order",
        |example| {
            example.proxies(|proxy| proxy["services"]["www"]["allow"] = json!(["10.0.0.0/8", "192.0.2.0/24"]));
            example.document("px-nl", "proxy.json", |proxy| {
                proxy["services"]["www"]["allow"] = json!(["192.0.2.0/24", "10.0.0.0/8"]);
                proxy["services"]["www"]["deny"] = json!(["10.1.0.0/16"]);
            });
        },
        &["service www: whom it denies differs: none on px-ch, 10.1.0.0/16 on px-nl"],
    );
    broken(
        "one asks for a password",
        |example| {
            example.document("px-nl", "proxy.json", |proxy| {
                proxy["services"]["www"]["basic_auth"] =
                    json!({ "users_file": "/run/secrets/users", "realm": "Staff" });
            });
        },
        &["service www: its basic_auth differs: none on px-ch, \"Staff\" by /run/secrets/users on px-nl"],
    );
    broken(
        "each asks its own server, and copies what the other does not",
        |example| {
            let ask = |address: &str, copy: &[&str]| json!({ "address": address, "copy": copy, "send": ["Cookie"] });
            example.document("px-nl", "proxy.json", |proxy| {
                proxy["services"]["www"]["forward_auth"] = ask("127.0.0.1:9091", &["Remote-User"]);
            });
            example.document("px-ch", "proxy.json", |proxy| {
                proxy["services"]["www"]["forward_auth"] = ask("127.0.0.1:9092", &[]);
            });
        },
        &[
            "service www: its forward_auth differs: / for at most 5s, sent Cookie, copied none on px-ch, / for at most 5s, sent \
           Cookie, copied Remote-User on px-nl",
        ],
    );
}

#[test]
fn everybody_has_everybody_for_a_peer() {
    broken(
        "no peers",
        |example| {
            example.document("px-nl", "proxy.json", |proxy| drop(proxy.as_object_mut().unwrap().remove("peers")));
        },
        &["host px-nl: has no peers, and the proxies are px-ch and px-nl"],
    );
    broken(
        "a peer that listens elsewhere",
        |example| {
            example.document("ns-nl", "dns.json", |dns| {
                dns["peers"]["members"]["ns-ch"]["address"] = json!("198.51.100.1:9999")
            });
        },
        &["host ns-nl: looks for its peer ns-ch at 198.51.100.1:9999, and that one listens on 198.51.100.1:8454"],
    );
    broken(
        "a peer that is missing, and a stranger",
        |example| {
            example.document("px-ch", "proxy.json", |proxy| {
                proxy["peers"]["members"] = json!({ "px-de": { "address": "203.0.113.1:8405", "keys": [] } });
            });
        },
        &["host px-ch: px-nl is missing among its peers", "host px-ch: its peer px-de is none of the proxies"],
    );
}

#[test]
fn a_serial_never_goes_down_and_goes_up_with_every_change() {
    broken(
        "a higher one is served",
        |example| example.known.served = [("example.net".to_owned(), vec![served(2_026_112_302)])].into(),
        &[
            "ZONE: its serial is 2026112301, and ns-nl has 2026112302, which is higher: run `polder serial example.net --above \
           2026112302`",
        ],
    );
    let changed = |serial_before| {
        move |example: &mut Example| {
            example.known.changes = vec![ZoneChange { apex: "example.net".to_owned(), serial_before }];
        }
    };
    broken(
        "a change under the same serial",
        changed(2_026_112_301),
        &[
            "ZONE: the zone differs from the last revision, and its serial is 2026112301 where that has 2026112301: run `polder \
           serial example.net`",
        ],
    );
    broken("a change under a higher serial", changed(2_026_112_300), &[]);
}

#[test]
fn what_could_not_be_compared_is_told() {
    let mut example = Example::new();
    let silent = |by: &str| Served::Unknown { by: by.to_owned(), why: "no answer".to_owned() };
    example.known.served = [("example.net".to_owned(), vec![silent("ns-nl"), silent("ns-ch")])].into();
    let checked = example.checked();
    assert_eq!(told(&checked.findings), [""; 0]);
    assert_eq!(
        told(&checked.notes),
        [
            "zone example.net: ns-nl could not be asked for its serial: no answer",
            "zone example.net: ns-ch could not be asked for its serial: no answer",
            "zone example.net: its serial 2026112301 was not compared with what is served: state that with --served \
             example.net=SERIAL",
        ]
    );
    example.known.served = [("example.net".to_owned(), vec![Served::NotYet { by: "ns-ch".to_owned() }])].into();
    assert_eq!(told(&example.checked().notes), ["zone example.net: ns-ch does not serve it yet"]);
}

/// The example with a certificate by dns-01, as the modules would render it.
fn by_dns(example: &mut Example) {
    let keys = |example: &Example, host: &str, file: &str| {
        let text = example.fleet["systems"][host]["documents"][file].as_str().unwrap();
        serde_json::from_str::<Value>(text).unwrap()["peers"]["members"][host]["keys"].clone()
    };
    let nameservers = [("ns-nl", "192.0.2.1:8455"), ("ns-ch", "198.51.100.1:8455")];
    let members: serde_json::Map<String, Value> = nameservers
        .iter()
        .map(|(host, at)| ((*host).to_owned(), json!({ "address": at, "keys": keys(example, host, "dns.json") })))
        .collect();
    let from = |example: &Example, host: &str, at: &str| json!({ "addresses": [at], "keys": keys(example, host, "proxy.json"), "zones": ["example.net"] });
    let from =
        json!({ "px-nl": from(example, "px-nl", "192.0.2.11"), "px-ch": from(example, "px-ch", "198.51.100.11") });
    example.proxies(|proxy| {
        proxy["services"]["www"]["tls"] = json!({ "acme": { "challenge": "dns-01" } });
        let nameservers = json!({ "key_file": "/k", "members": members });
        proxy["acme"] = json!({ "terms_of_service_agreed": true, "nameservers": nameservers });
    });
    for (host, at) in nameservers {
        example.document(host, "dns.json", |dns| {
            dns["acme_challenges"] = json!({ "listen": at, "key_file": "/k", "from": from });
        });
    }
}

#[test]
fn every_nameserver_that_a_ca_asks_answers_what_every_proxy_tells_it() {
    let www = |host: &str| {
        let names = ["www.example.net", "example.net"].map(|name| {
            format!(
                "service www: its certificate is ordered by dns-01, the CA asks {host} for _acme-challenge.{name}, and "
            )
        });
        move |why: &str| names.clone().map(|name| format!("{name}{why}"))
    };
    let broken = |why: &str, change: fn(&mut Example), expected: &[String]| {
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        let both = |example: &mut Example| {
            by_dns(example);
            change(example);
        };
        broken(why, both, &expected);
    };
    broken("as it is", |_| {}, &[]);
    broken(
        "a nameserver that hears nobody",
        |example| {
            example.document("ns-ch", "dns.json", |dns| drop(dns.as_object_mut().unwrap().remove("acme_challenges")))
        },
        &www("ns-ch")("it answers no proxy's challenges: its document has no acme_challenges"),
    );
    broken(
        "a proxy that is not heard",
        |example| {
            example.document("ns-nl", "dns.json", |dns| {
                drop(dns["acme_challenges"]["from"].as_object_mut().unwrap().remove("px-ch"));
            });
        },
        &www("ns-nl")("px-ch is not in its acme_challenges.from"),
    );
    broken(
        "a nameserver that is not told",
        |example| {
            example.document("px-nl", "proxy.json", |proxy| {
                drop(proxy["acme"]["nameservers"]["members"].as_object_mut().unwrap().remove("ns-ch"));
            });
        },
        &www("ns-ch")("px-nl does not tell it: 198.51.100.1:8455 is not in its acme.nameservers"),
    );
    broken(
        "another key",
        |example| {
            example.document("ns-nl", "dns.json", |dns| {
                dns["acme_challenges"]["from"]["px-nl"]["keys"] =
                    json!(["cHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHA="]);
            });
        },
        &www("ns-nl")("it does not know the key of px-nl: acme_challenges.from.px-nl.keys has other ones"),
    );
    broken(
        "a CNAME where the CA asks",
        |example| example.zone("; Sites.", "_acme-challenge IN CNAME acme.example.org."),
        &["ns-ch", "ns-nl"].map(|host| {
            format!(
                "service www: its certificate is ordered by dns-01, and at {host} _acme-challenge.example.net has a CNAME to \
                 acme.example.org in the zone, which is followed: take it out, or order by http-01"
            )
        }),
    );
}

#[test]
fn certificates_come_from_one_place_for_all_proxies() {
    broken(
        "one orders, one has files",
        |example| {
            by_dns(example);
            example.document("px-nl", "proxy.json", |proxy| {
                proxy["services"]["www"]["tls"] = json!({ "certificates": [{ "chain_file": "/c", "key_file": "/k" }] });
            });
        },
        &["service www: the source of its certificates differs: acme by dns-01 on px-ch, /c on px-nl"],
    );
}

#[test]
fn all_proxies_answer_alike_what_no_backend_is_needed_for() {
    broken(
        "a redirect that leads elsewhere on one proxy",
        |example| {
            example.proxies(|proxy| {
                proxy["services"]["old"] =
                    json!({ "hosts": ["www.example.net"], "paths": ["/old"], "redirect": { "path": "/new" } });
                proxy["services"]["www"]["error_pages"] = json!({ "503": "/p/503.html" });
            });
            example.document("px-ch", "proxy.json", |proxy| {
                proxy["services"]["old"]["redirect"]["status"] = json!(308);
                proxy["services"]["www"]["error_pages"] = json!({});
            });
        },
        &[
            "service old: what answers it differs: redirect 308 to /new on px-ch, redirect 302 to /new on px-nl",
            "service www: its list of pages for errors differs: none on px-ch, 503 in /p/503.html on px-nl",
        ],
    );
}
