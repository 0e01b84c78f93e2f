//! Hosts, their systems and their documents.

use serde_json::json;

use crate::example::broken;

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
