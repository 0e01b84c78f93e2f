#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use super::*;

const SMALLEST: &str = r#"{ "version": 1,
  "hosts": { "ns-1": { "location": "here", "roles": ["nameserver"], "addresses": ["192.0.2.1"] } },
  "zones": { "Example.net.": { "file": "a.zone", "nameservers": ["ns-1"] } },
  "pools": { "p.example.net": { "ttl": 60 }, "q.example.net": {} },
  "systems": { "ns-1": { "failed": [], "documents": { "dns.json": "{}" } },
               "ns-2": { "failed": ["no"], "documents": {} } } }"#;

#[test]
fn a_fleet_is_read_with_files_beside_it() {
    let fleet = parse(Path::new("somewhere/fleet.json"), SMALLEST).unwrap();
    assert_eq!(fleet.zones["example.net"].file, PathBuf::from("somewhere/a.zone"));
    assert!(fleet.hosts["ns-1"].is(Role::Nameserver) && !fleet.hosts["ns-1"].is(Role::Proxy));
    assert_eq!((fleet.pools["p.example.net"].ttl, fleet.pools["q.example.net"].ttl), (Some(60), None));
    assert_eq!(fleet.systems["ns-1"], System::Rendered { dns: Some("{}".to_owned()), proxy: None, deployable: None });
    assert_eq!(fleet.systems["ns-2"], System::Refused(vec!["no".to_owned()]));
}

#[test]
fn what_is_no_fleet_is_told_with_line_and_path() {
    for (from, to, expected) in [
        ("\"version\": 1", "\"version\": 2", "f:1: version: this is a document of version 2"),
        ("\"nameserver\"", "\"cook\"", "f:2: hosts.ns-1.roles[0]: \"cook\" is not one of"),
        ("192.0.2.1", "192.0.2.300", "f:2: hosts.ns-1.addresses[0]: \"192.0.2.300\" is not an address"),
        ("\"file\"", "\"fiel\"", "f:3: zones[\"Example.net.\"].fiel: unknown key; did you mean \"file\"?"),
        ("60", "\"60\"", "f:4: pools[\"p.example.net\"].ttl: expected a whole number"),
        ("\"{}\"", "{}", "f:5: systems.ns-1.documents[\"dns.json\"]: expected a document as one string"),
    ] {
        let findings = parse(Path::new("f"), &SMALLEST.replace(from, to)).unwrap_err().to_string();
        assert!(findings.starts_with(expected), "{findings}\nexpected {expected}");
        assert_eq!(findings.lines().count(), 1, "{findings}");
    }
}
