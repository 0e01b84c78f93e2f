//! Where certificates come from.

use serde_json::{Value, json};

use crate::example::{Example, broken, told};

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
                 acme.example.org in the zone, which is followed: take it out; a proxy can order by http-01 instead"
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

const NO_PART: &str = "nameserver ns-nl: its certificate is ordered by dns-01, and the document of its peer ns-ch has no encrypted.acme: it does not \
                       answer for others";

/// The example with a certificate of the nameservers.
fn by_acme(example: &mut Example, name: &'static str) {
    for (host, at) in [("ns-nl", "192.0.2.1:853"), ("ns-ch", "198.51.100.1:853")] {
        example.document(host, "dns.json", |dns| {
            let acme = json!({ "terms_of_service_agreed": true, "names": [name] });
            dns["encrypted"] = json!({ "tls": [at], "acme": acme });
        });
    }
}

/// A zone that comes from other nameservers.
fn from_others() -> Value {
    json!({ "primaries": [{ "address": "192.0.2.99" }] })
}

#[test]
fn a_name_in_a_zone_that_comes_from_other_nameservers_is_answered_there() {
    for (zone, is_there) in [("example.org", true), ("org", true), ("example.com", false)] {
        let mut example = Example::new();
        by_acme(&mut example, "dns.example.org");
        example.nameservers(|dns| dns["zones"][zone] = from_others());
        assert_eq!(told(&example.checked().findings).is_empty(), is_there, "{zone}");
    }
    // What a catalog lists is not known before it has come.
    let mut example = Example::new();
    by_acme(&mut example, "dns.example.org");
    example.nameservers(|dns| {
        let members = json!({ "primaries": [{ "address": "192.0.2.99" }] });
        dns["zones"]["catalog.invalid"] = json!({ "primaries": [{ "address": "192.0.2.99" }], "members": members });
    });
    assert_eq!(told(&example.checked().findings), [""; 0]);
    broken(
        "in a part of our zone that others have, whatever stands at its delegation",
        |example| {
            by_acme(example, "dns.part.example.net");
            example.zone("; Sites.", "part IN NS ns.example.org.");
            example.nameservers(|dns| dns["zones"]["part.example.net"] = from_others());
        },
        &[],
    );
}

#[test]
fn a_proxys_name_in_a_zone_of_others_is_answered_where_the_document_lets_it() {
    let checked = |zones: Value| {
        let mut example = Example::new();
        by_dns(&mut example);
        example.proxies(|proxy| proxy["services"]["www"]["hosts"] = json!(["www.example.org"]));
        example.nameservers(|dns| {
            dns["zones"]["example.org"] = from_others();
            for from in dns["acme_challenges"]["from"].as_object_mut().unwrap().values_mut() {
                from["zones"] = zones.clone();
            }
        });
        told(&example.checked().findings)
    };
    let of_orders = |all: Vec<String>| all.into_iter().filter(|one| one.contains("dns-01")).collect::<Vec<_>>();
    assert_eq!(of_orders(checked(json!(["example.net", "example.org"]))), [""; 0]);
    let findings = of_orders(checked(json!(["example.net"])));
    assert!(
        !findings.is_empty() && findings.iter().all(|one| one.contains("is in the zone example.org, for which")),
        "{findings:#?}"
    );
}

#[test]
fn every_nameserver_that_a_ca_asks_hears_what_another_one_has_ordered() {
    broken("as it is", |example| by_acme(example, "dns.example.net"), &[]);
    broken(
        "a name of others",
        |example| by_acme(example, "dns.example.org"),
        &["ns-ch", "ns-nl"].map(|host| {
            format!(
                "nameserver {host}: its certificate is ordered by dns-01, and _acme-challenge.dns.example.org is in no zone of the nameservers \
                 (ns-ch and ns-nl)"
            )
        })
        .each_ref()
        .map(String::as_str),
    );
    broken(
        "a nameserver that does not know the other one",
        |example| {
            by_acme(example, "dns.example.net");
            example.document("ns-nl", "dns.json", |dns| drop(dns.as_object_mut().unwrap().remove("peers")));
        },
        &[
            "host ns-nl: has no peers, and the nameservers are ns-ch and ns-nl",
            "nameserver ns-nl: its certificate is ordered by dns-01, and the CA asks ns-ch for _acme-challenge.dns.example.net, which is no peer of ns-nl",
        ],
    );
    broken(
        "a nameserver that gets no certificate",
        |example| {
            by_acme(example, "dns.example.net");
            example.document("ns-ch", "dns.json", |dns| drop(dns.as_object_mut().unwrap().remove("encrypted")));
        },
        &[NO_PART],
    );
    let mut example = Example::new();
    by_acme(&mut example, "dns.example.org");
    example.document("ns-nl", "dns.json", |dns| dns["zones"]["example.org"] = from_others());
    example.document("ns-ch", "dns.json", |dns| drop(dns.as_object_mut().unwrap().remove("encrypted")));
    let checked = example.checked();
    assert_eq!(told(&checked.findings), [""; 0], "the CA does not ask it");
    assert_eq!(told(&checked.notes), [NO_PART]);
    broken(
        "a CNAME where the CA asks",
        |example| {
            by_acme(example, "dns.example.net");
            example.zone("; Sites.", "_acme-challenge.dns IN CNAME acme.example.org.");
        },
        &[("ns-ch", "ns-ch"), ("ns-ch", "ns-nl"), ("ns-nl", "ns-ch"), ("ns-nl", "ns-nl")].map(|(host, other)| {
            format!(
                "nameserver {host}: its certificate is ordered by dns-01, and at {other} _acme-challenge.dns.example.net has a CNAME to \
                 acme.example.org in the zone, which is followed: take it out; a proxy can order by http-01 instead"
            )
        })
        .each_ref()
        .map(String::as_str),
    );
}
