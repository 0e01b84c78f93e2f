//! Plans: what they say of a fleet, that two of the same change are equal, and how long one of fifty hosts takes.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;

use polder::fleet::running::Running;
use polder::fleet::{Fleet, parse};
use polder::push::pipeline::plan::Plan;
use polder::push::pipeline::selection::Selection;
use serde_json::{Value, json};

/// Hosts of the generated fleet, and the backends that every proxy knows.
const HOSTS: usize = 50;
const BACKENDS: usize = 20;
/// Units of a host, as a NixOS machine has them.
const UNITS: usize = 150;

fn address(host: usize) -> String {
    format!("10.0.0.{}", host + 1)
}

fn name(host: usize) -> String {
    format!("h{host:02}")
}

/// Ten nameservers, twenty proxies, twenty backends.
fn role(host: usize) -> &'static str {
    match host {
        0..10 => "nameserver",
        10..30 => "proxy",
        _ => "backend",
    }
}

fn document(host: usize, fall: u32) -> Option<(&'static str, Value)> {
    let members: serde_json::Map<String, Value> =
        (10..30).map(|host| (name(host), json!({ "addresses": [address(host)] }))).collect();
    let admin = json!({ "socket": "/run/a" });
    match role(host) {
        "nameserver" => Some((
            "dns.json",
            json!({ "version": 1, "listeners": ["0.0.0.0:53"], "admin": admin, "state_dir": "/var/a",
                "zones": { "example.net": { "file": "/nix/store/a" } },
                "pools": { "p.example.net": { "members": members, "check": { "port": 80, "path": "/", "fall": fall } } } }),
        )),
        "proxy" => {
            let service = |n: usize| {
                let backends: Vec<Value> = (30..30 + BACKENDS)
                    .map(|host| json!({ "name": name(host), "address": format!("{}:{}", address(host), 8000 + n) }))
                    .collect();
                let service = json!({ "hosts": [format!("s{n}.example.net")], "mode": "stateless", "backends": backends,
                    "check": { "path": "/", "fall": fall } });
                (format!("s{n}"), service)
            };
            let services: serde_json::Map<String, Value> = (0..30).map(service).collect();
            Some((
                "proxy.json",
                json!({ "version": 1, "listeners": [{ "name": "http", "address": "0.0.0.0:80" }], "admin": admin,
                    "state_dir": "/var/a", "services": services }),
            ))
        }
        _ => None,
    }
}

fn side(host: usize, fall: u32) -> Running {
    let documents = document(host, fall).into_iter().map(|(file, document)| (file.to_owned(), document.to_string()));
    let records: String = (0..500).map(|n| format!("r{n} IN A 10.1.{}.{}\n", n / 250, n % 250)).collect();
    let zone = format!("$TTL 60\n@ IN SOA ns h ( {fall} 1 1 1 1 )\n@ IN NS ns\nns IN A 10.0.0.1\n{records}");
    let unit = |n: usize| {
        (format!("u{n}.service"), format!("[Unit]\nDescription=u{n}\n[Service]\nExecStart=/nix/store/{fall}/u{n}\n"))
    };
    Running {
        system: format!("/nix/store/{host}-{fall}").into(),
        documents: documents.collect(),
        zones: if role(host) == "nameserver" { [("example.net".to_owned(), zone)].into() } else { BTreeMap::new() },
        units: (0..UNITS).map(unit).collect(),
        inhibitors: BTreeMap::new(),
    }
}

fn fleet(fall: u32) -> Fleet {
    let mut hosts = serde_json::Map::new();
    let mut systems = serde_json::Map::new();
    for host in 0..HOSTS {
        hosts.insert(name(host), json!({ "location": "here", "roles": [role(host)], "addresses": [address(host)] }));
        let documents: serde_json::Map<String, Value> = document(host, fall)
            .into_iter()
            .map(|(file, document)| (file.to_owned(), json!(document.to_string())))
            .collect();
        let toplevel = json!({ "path": format!("/nix/store/{host}-{fall}"), "derivation": "/nix/store/d.drv" });
        systems.insert(name(host), json!({ "failed": [], "documents": documents, "toplevel": toplevel }));
    }
    let nameservers: Vec<String> = (0..10).map(name).collect();
    let document = json!({ "version": 1, "hosts": hosts, "systems": systems, "pools": { "p.example.net": {} },
        "zones": { "example.net": { "file": "a.zone", "nameservers": nameservers } } });
    parse(Path::new("generated"), &document.to_string()).unwrap()
}

fn sides(fall: u32) -> BTreeMap<String, Running> {
    (0..HOSTS).map(|host| (name(host), side(host, fall))).collect()
}

fn plan(from: u32, to: u32) -> Plan {
    let fleet = fleet(to);
    let selected = Selection::default().of(&fleet).unwrap();
    Plan::make(&fleet, &selected, &sides(from), &sides(to), "h00", 4)
}

#[test]
fn a_plan_of_fifty_hosts_names_what_changes_on_each() {
    let (fleet, old, new) = (fleet(4), sides(3), sides(4));
    let selected = Selection::default().of(&fleet).unwrap();
    let plan = Plan::make(&fleet, &selected, &old, &new, "h00", 4);
    assert_eq!(plan.changed().len(), HOSTS);
    assert!(plan.hosts["h10"].changes.contains(&"service s0: check.fall 3 -> 4".to_owned()), "{:?}", plan.hosts["h10"]);
    assert!(
        plan.hosts["h01"].changes.iter().any(|change| change.ends_with("serial 3 -> 4")),
        "{:?}",
        plan.hosts["h01"]
    );
    assert_eq!(plan.hosts["h30"].effects.restarts.len(), UNITS);
}

#[test]
fn two_plans_of_the_same_change_are_equal_and_of_another_are_not() {
    let (reviewed, same) = (plan(3, 4), plan(3, 4));
    assert_eq!(same.hash(), reviewed.hash());
    assert_eq!(same.differences(&reviewed), [""; 0]);
    let (other, stale) = (plan(3, 5), plan(5, 4));
    assert_ne!(other.hash(), reviewed.hash());
    let differences = stale.differences(&reviewed);
    assert!(differences[0].starts_with("the plan is stale: h00 ran /nix/store/0-3"), "{differences:?}");
    let differences = other.differences(&reviewed);
    assert!(differences[0].starts_with("h00: the plan leads to /nix/store/0-4"), "{differences:?}");
}

#[test]
fn a_fleet_that_runs_what_it_should_has_nothing_to_do() {
    let plan = plan(4, 4);
    assert!(plan.batches.is_empty() && plan.changed().is_empty() && plan.risks.is_empty(), "{plan:?}");
}

#[test]
fn a_plan_that_was_kept_is_read_again_and_what_is_none_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let plan = plan(3, 4);
    plan.save(&file).unwrap();
    assert_eq!(Plan::load(&file).unwrap(), plan);
    std::fs::write(&file, "{}").unwrap();
    let why = Plan::load(&file).unwrap_err().to_string();
    assert!(why.contains("expected what `polder plan --save` writes"), "{why}");
}

#[test]
fn a_plan_of_another_version_is_told_by_its_version_whatever_else_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    std::fs::write(&file, r#"{ "version": 2, "servers": {} }"#).unwrap();
    let why = Plan::load(&file).unwrap_err().to_string();
    assert!(why.contains("a plan of version 2, and this polder reads 1"), "{why}");
}

#[test]
fn hosts_that_differ_and_are_no_part_of_the_plan_are_a_risk() {
    let fleet = fleet(4);
    let selection = Selection { only: vec!["h10".to_owned()], skip: vec!["h11".to_owned()] };
    let selected = selection.of(&fleet).unwrap();
    let mut old = sides(4);
    old.extend([10, 11, 12].map(|host| (name(host), side(host, 3))));
    let plan = Plan::make(&fleet, &selected, &old, &sides(4), "h00", 4);
    assert_eq!(plan.batches, [["h10"]]);
    assert_eq!(
        plan.risks,
        [
            "pool p.example.net: 18 of 20 proxies stay untouched while the others are switched, h11 skipped",
            "h12: would change too, but are not part of this push"
        ]
    );
}
