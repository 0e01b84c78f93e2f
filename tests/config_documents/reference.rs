//! docs/documents.md is held to what the readers know.

use std::path::Path;
use std::time::Duration;

use polder::config::defaults::{encrypted, limits, tcp};
use polder::config::reader::Keys;
use polder::config::{dns, duration, proxy};
use polder::daemon::lifecycle::policy::{NOT_IN_PLACE, OnReload};
use serde_json::{Map, Value, json};

const REFERENCE: &str = include_str!("../../docs/documents.md");

/// A row of a section's table.
struct Row {
    key: String,
    kind: String,
    default: String,
    reload: String,
}

fn rows(object: &str) -> Vec<Row> {
    let heading = format!("### `{object}`\n");
    let (_, after) = REFERENCE.split_once(&heading).unwrap_or_else(|| panic!("docs/documents.md has no {heading}"));
    let section = after.split("\n##").next().unwrap();
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(cells)
        .map(|cells| Row {
            key: cells[0].trim_matches('`').to_owned(),
            kind: cells[1].clone(),
            default: cells[2].clone(),
            reload: cells[3].clone(),
        })
        .collect()
}

fn all() -> impl Iterator<Item = &'static &'static Keys> {
    proxy::KEYS.iter().chain(dns::KEYS.iter())
}

#[test]
fn every_key_the_readers_know_is_in_the_reference_and_no_other() {
    for keys in all() {
        let mut known = keys.names.to_vec();
        known.sort_unstable();
        let mut documented: Vec<String> = rows(keys.object).into_iter().map(|row| row.key).collect();
        documented.sort_unstable();
        assert_eq!(documented, known, "the section {} of docs/documents.md", keys.object);
    }
}

#[test]
fn every_object_in_the_reference_is_one_the_readers_know() {
    for heading in REFERENCE.lines().filter_map(|line| line.strip_prefix("### `")) {
        let object = heading.trim_end_matches('`');
        assert!(all().any(|keys| keys.object == object), "no reader knows {object}");
    }
}

#[test]
fn every_key_the_readers_know_is_in_an_example_document() {
    let examples = concat!(include_str!("../data/config/proxy.json"), include_str!("../data/config/dns.json"));
    for keys in all() {
        for name in keys.names {
            assert!(examples.contains(&format!("\"{name}\":")), "{name} of {} is in no example", keys.object);
        }
    }
}

#[test]
fn the_reference_says_for_every_key_what_a_reload_does_with_it_as_both_daemons_do() {
    for (root, keys) in [("proxy.json", proxy::KEYS), ("dns.json", &dns::KEYS[..])] {
        let mut documented = Vec::new();
        for object in keys.iter().map(|keys| keys.object) {
            for Row { key, reload, .. } in rows(object) {
                let path = if object == root { key } else { format!("{object}.{key}") };
                match reload.as_str() {
                    "in place" => {}
                    "takeover" => documented.push((path, OnReload::Takeover)),
                    "refused" => documented.push((path, OnReload::Refused)),
                    other => panic!("{path}: {other:?} is nothing that a reload does"),
                }
            }
        }
        // A nameserver's threads come and go with its listeners.
        let known = NOT_IN_PLACE.iter().filter(|(key, _)| root == "proxy.json" || *key != "workers");
        let mut known: Vec<_> = known.map(|(key, on_reload)| ((*key).to_owned(), *on_reload)).collect();
        known.sort();
        documented.sort();
        assert_eq!(documented, known, "{root}");
    }
}

/// A document of each daemon with `part` as the object `object`; what is wrong with it.
fn refusals(object: &str, part: &Value) -> Vec<String> {
    let (mut proxy, mut dns) = (proxy_document(), dns_document());
    match object {
        "timeouts" | "limits" => proxy[object] = part.clone(),
        "tcp" | "rate_limit" => dns[object] = part.clone(),
        "encrypted" => dns[object] = with_certificate(part),
        "zones.NAME.dnssec" => dns["zones"]["example.net"]["dnssec"] = with_keys(part),
        "check" => proxy["services"]["s"][object] = part.clone(),
        other => panic!("{other} is not in this test"),
    }
    let mut refusals = super::proxy_findings(&proxy.to_string());
    refusals.extend(super::dns_findings(&dns.to_string()));
    refusals
}

/// What it must have, and `part`.
fn with_keys(part: &Value) -> Value {
    let mut dnssec = json!({ "keys": "/keys" });
    dnssec.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
    dnssec
}

/// What it must have, and `part`.
fn with_certificate(part: &Value) -> Value {
    let mut encrypted =
        json!({ "tls": ["0.0.0.0:853"], "certificates": [{ "chain_file": "/chain", "key_file": "/key" }] });
    // Its addresses are those that it must have.
    let more = part.as_object().unwrap().clone().into_iter().filter(|(_, value)| *value != json!([]));
    encrypted.as_object_mut().unwrap().extend(more);
    encrypted
}

fn proxy_document() -> Value {
    json!({ "version": 1, "name": "px", "listeners": [{ "name": "http", "address": "0.0.0.0:80" }],
        "admin": { "socket": "/run/admin.sock" }, "state_dir": "/var/lib/polder",
        "services": { "s": { "hosts": ["www.example.net"], "mode": "stateful", "cookie": { "key_file": "/k" }, "backends": [
            { "name": "a", "address": "192.0.2.1:80" }, { "name": "b", "address": "192.0.2.2:80", "backup": true }] } } })
}

fn dns_document() -> Value {
    json!({ "version": 1, "name": "ns", "listeners": ["0.0.0.0:53"], "admin": { "socket": "/run/admin.sock" },
        "state_dir": "/var/lib/polder", "zones": { "example.net": { "file": "z" } } })
}

/// The defaults of a section that are written as JSON.
fn defaults(object: &str) -> Map<String, Value> {
    let written = |row: Row| Some((row.key, serde_json::from_str(row.default.trim_matches('`')).ok()?));
    let defaults: Map<String, Value> = rows(object).into_iter().filter_map(written).collect();
    assert!(defaults.len() >= 2, "{object}: {defaults:?}");
    defaults
}

#[test]
fn the_defaults_in_the_reference_are_those_of_the_readers() {
    let plain = proxy_document();
    let mut written = plain.clone();
    written["timeouts"] = defaults("timeouts").into();
    written["limits"] = defaults("limits").into();
    let service = written["services"]["s"].as_object_mut().unwrap();
    service.extend(defaults("services.NAME"));
    service.insert("check".to_owned(), defaults("check").into());
    let read = |document: &Value| proxy::parse(Path::new("proxy.json"), &document.to_string()).unwrap();
    assert_eq!(read(&plain), read(&written));

    let mut plain = dns_document();
    plain["encrypted"] = with_certificate(&json!({}));
    plain["zones"]["example.net"]["dnssec"] = with_keys(&json!({}));
    let mut written = plain.clone();
    written["encrypted"] = with_certificate(&defaults("encrypted").into());
    written["zones"]["example.net"]["dnssec"] = with_keys(&defaults("zones.NAME.dnssec").into());
    written["tcp"] = defaults("tcp").into();
    written["rate_limit"] = defaults("rate_limit").into();
    let read = |document: &Value| dns::parse(Path::new("dns.json"), &document.to_string()).unwrap();
    assert_eq!(read(&plain), read(&written));
}

/// The default that a Nix module states for an option, or what it gives an argument; nothing if it states none.
fn stated_in_nix<'a>(module: &'a str, before: &str, name: &str) -> &'a str {
    let (_, after) = module.split_once(before).unwrap_or_else(|| panic!("there is no {before:?}"));
    let (_, value) = after.split_once(&format!("{name} = ")).unwrap_or_else(|| panic!("{before:?} has no {name}"));
    value.split_once(';').unwrap().0
}

#[test]
fn where_the_nix_modules_state_a_default_too_it_is_that_of_the_readers() {
    let in_reference = |object: &str, key: &str| {
        let row = rows(object).into_iter().find(|row| row.key == key).unwrap();
        row.default.trim_matches('`').to_owned()
    };
    let (cookie, backend) =
        (include_str!("../../modules/fleet/cookie.nix"), include_str!("../../modules/fleet/service/backend.nix"));
    assert_eq!(stated_in_nix(cookie, "value = ", "default"), in_reference("services.NAME.cookie", "value"));
    assert_eq!(stated_in_nix(backend, "backup = ", "default"), in_reference("services.NAME.backends[]", "backup"));
}

#[test]
fn systemd_waits_longer_for_a_daemon_to_stop_than_the_daemon_drains_by_default() {
    let stop_timeout = |module| duration::parse(stated_in_nix(module, "", "stopTimeout").trim_matches('"')).unwrap();
    let proxy = proxy::parse(Path::new("proxy.json"), &proxy_document().to_string()).unwrap();
    assert!(stop_timeout(include_str!("../../modules/proxy.nix")) > proxy.timeouts.drain);
    let dns = dns::parse(Path::new("dns.json"), &dns_document().to_string()).unwrap();
    assert!(stop_timeout(include_str!("../../modules/nameserver.nix")) > dns.drain);
}

#[test]
fn the_ranges_in_the_reference_are_those_of_the_readers() {
    let mut tried = 0;
    for object in ["timeouts", "limits", "tcp", "encrypted", "rate_limit", "zones.NAME.dnssec", "check"] {
        for Row { key, kind, .. } in rows(object) {
            let Some((least, most)) = kind.split_once(" to ") else { continue };
            let Some((inside, outside)) = integers(least, most).or_else(|| durations(least, most)) else { continue };
            for value in inside {
                assert_eq!(refusals(object, &json!({ key.clone(): value })), [""; 0], "{object}.{key}: {value}");
            }
            for value in outside {
                assert_ne!(refusals(object, &json!({ key.clone(): value })), [""; 0], "{object}.{key}: {value}");
            }
            tried += 1;
        }
    }
    assert!(tried >= 20, "only {tried} ranges were found");
}

#[test]
fn every_field_that_the_reference_says_is_withheld_can_be_passed_and_no_other_is_known() {
    let (_, section) = REFERENCE.split_once("#### Fields that backends do not get\n").unwrap();
    let (lists, _) = section.split_once("\n\nBackends learn").unwrap();
    let (_, lists) = lists.split_once("\n\n- Who asks; where listed, from `trusted_proxies` only: ").unwrap();
    let names: Vec<&str> = lists.split('`').skip(1).step_by(2).collect();
    let source = include_str!("../../src/config/proxy/withheld.rs");
    let known = source.matches(", Claim::Client),").count() + source.matches(", Claim::Request),").count();
    assert_eq!(names.len(), known, "{names:?}");
    let mut document = proxy_document();
    document["trusted_proxies"] = json!(["10.0.0.0/8"]);
    document["services"]["s"]["pass_fields"] = json!(names);
    assert_eq!(super::proxy_findings(&document.to_string()), [""; 0]);
}

/// The ends of a range, and what lies just beyond them.
fn integers(least: &str, most: &str) -> Option<([Value; 2], [Value; 2])> {
    let (least, most): (i64, i64) = (least.parse().ok()?, most.parse().ok()?);
    Some(([json!(least), json!(most)], [json!(least - 1), json!(most + 1)]))
}

fn durations(least: &str, most: &str) -> Option<([Value; 2], [Value; 2])> {
    let beyond = json!(duration::format(duration::parse(most)? + Duration::from_millis(1)));
    let below = match duration::parse(least)?.checked_sub(Duration::from_millis(1)) {
        Some(below) => json!(duration::format(below)),
        None => beyond.clone(),
    };
    Some(([json!(least), json!(most)], [below, beyond]))
}

/// These are no more than what the limit of open files leaves, so that no document can say them.
#[test]
fn the_most_that_the_limit_of_open_files_may_leave_is_in_the_reference() {
    let documented = [
        ("limits", "connections", limits::CONNECTIONS),
        ("limits", "idle_per_backend", limits::IDLE_PER_BACKEND),
        ("tcp", "connections", tcp::CONNECTIONS),
        ("encrypted", "connections", encrypted::CONNECTIONS),
    ];
    for (object, key, most) in documented {
        let row = rows(object).into_iter().find(|row| row.key == key).expect("a row");
        assert!(row.default.starts_with(&format!("at most {most},")), "{object}.{key}: {}", row.default);
    }
}
