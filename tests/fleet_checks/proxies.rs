//! What all proxies have to have alike.

use serde_json::{Value, json};

use crate::example::{Example, broken};

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
    broken(
        "the servers that are asked",
        |example| {
            let ask = |service: &str| json!({ "service": service, "host": "auth.test", "send": [] });
            for (host, service) in [("px-nl", "www"), ("px-ch", "shop")] {
                example.document(host, "proxy.json", |proxy| proxy["services"]["www"]["forward_auth"] = ask(service));
            }
        },
        &[
            "service www: its forward_auth differs: / of shop for at most 5s, sent none, copied none on px-ch, / of www for at most \
           5s, sent none, copied none on px-nl",
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
