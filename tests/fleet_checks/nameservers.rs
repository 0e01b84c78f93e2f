//! Zones, their nameservers and their serials.

use polder::fleet::check::{Served, ZoneChange};
use serde_json::json;

use crate::example::{Example, broken, served, told};

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

/// The zone goes to nameservers that somebody else runs, at these addresses.
fn with_others(example: &mut Example) {
    let transfer = json!({
        "allow": [{ "networks": ["203.0.113.0/24"], "key": "others.test" }],
        "notify": [{ "address": "192.0.2.99", "key": "others.test" }],
    });
    let keys = json!({ "others.test": { "algorithm": "hmac-sha256", "secret_file": "/var/lib/polder/others" } });
    example.nameservers(|dns| {
        dns["tsig_keys"] = keys.clone();
        dns["zones"]["example.net"]["transfer"] = transfer.clone();
    });
}

#[test]
fn a_nameserver_that_somebody_else_runs_is_one_that_gets_the_zone() {
    let with_ns = |address: &'static str| {
        move |example: &mut Example| {
            with_others(example);
            example.zone("IN NS     ns-nl", "IN NS other\n IN NS ns-nl");
            example.zone("ns-ch       IN A", &format!("other IN A {address}\nns-ch       IN A"));
        }
    };
    broken("in a network that may have it", with_ns("203.0.113.7"), &[]);
    broken("whom it is told to", with_ns("192.0.2.99"), &[]);
    broken(
        "who gets nothing",
        with_ns("192.0.2.98"),
        &["ZONE:6: NS other.example.net: its address 192.0.2.98 is no host of the fleet"],
    );

    let mut example = Example::new();
    with_others(&mut example);
    example.zone("IN NS     ns-nl", "IN NS ns.example.org.\n IN NS ns-nl");
    let checked = example.checked();
    assert_eq!(told(&checked.findings), [""; 0]);
    assert_eq!(
        told(&checked.notes),
        [
            "ZONE:6: NS ns.example.org: no zone of the fleet has an address for it: it has to be one that gets example.net"
        ]
    );
}

#[test]
fn a_host_name_in_a_zone_of_others_is_theirs_to_lead_here() {
    let elsewhere = |example: &mut Example| {
        example.proxies(|proxy| {
            let www = proxy["services"]["www"].as_object_mut().unwrap();
            www.retain(|key, _| !["tls", "https"].contains(&key.as_str()));
            www.insert("hosts".into(), json!(["www.example.org"]));
        });
    };
    let checked = |with_zone: bool| {
        let mut example = Example::new();
        elsewhere(&mut example);
        if with_zone {
            example
                .nameservers(|dns| dns["zones"]["example.org"] = json!({ "primaries": [{ "address": "192.0.2.99" }] }));
        }
        told(&example.checked().findings)
    };
    let is_lost = |findings: &[String]| findings.iter().any(|one| one.contains("lies in none of the fleet's zones"));
    assert!(is_lost(&checked(false)), "{:#?}", checked(false));
    assert!(!is_lost(&checked(true)), "{:#?}", checked(true));
}

#[test]
fn nameservers_that_sign_a_zone_differently_are_found() {
    let signed = |host: &'static str, dnssec: serde_json::Value| {
        move |example: &mut Example| {
            example.document(host, "dns.json", |dns| dns["zones"]["example.net"]["dnssec"] = dnssec);
        }
    };
    broken(
        "signed on one alone",
        signed("ns-nl", json!({ "keys": "/keys" })),
        &[
            "zone example.net: ns-nl signs it, and ns-ch does not: resolvers that validate would take what ns-ch answers for forged",
        ],
    );
    let both = |one: serde_json::Value| {
        move |example: &mut Example| {
            signed("ns-nl", one)(example);
            signed("ns-ch", json!({ "keys": "/keys", "lifetime": "14d", "denial": "nsec" }))(example);
        }
    };
    broken("with keys that lie elsewhere", both(json!({ "keys": "/elsewhere" })), &[]);
    broken(
        "otherwise",
        both(json!({ "keys": "/keys", "denial": "nsec3", "lifetime": "7d" })),
        &[
            "zone example.net: ns-ch and ns-nl sign it differently (nsec with signatures of 14d and the serial of the file; nsec3 with signatures \
             of 7d and the serial of the file): give both the same \"lifetime\", \"denial\", \"serial\" and \"zonemd\"",
        ],
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
