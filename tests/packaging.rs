//! The units of dist/ deny and allow the daemons what the NixOS modules do: whoever installs polder elsewhere gets no lesser life.

#![allow(clippy::disallowed_methods, reason = "reads files of the repository")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;

/// A key's values, in their order.
type Assignments = BTreeMap<String, Vec<String>>;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The section [Service] of a unit: a key that is given more than once has more than one value, and so has one with several words.
fn service(unit: &str) -> Assignments {
    let section = unit.split("[Service]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let mut assignments = Assignments::new();
    for line in section.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("no assignment: {line}"));
        let values = if key.starts_with("Exec") { vec![value] } else { value.split(' ').collect() };
        assignments.entry(key.to_owned()).or_default().extend(values.into_iter().map(str::to_owned));
    }
    assignments
}

/// The attributes `Key = value;` of a Nix file that a unit has, each with its strings and words; what is computed is left as it is written.
fn attributes(nix: &str) -> Assignments {
    let mut assignments = Assignments::new();
    let lines: Vec<&str> = nix.lines().map(str::trim).filter(|line| !line.starts_with('#')).collect();
    let mut text = String::new();
    for line in lines {
        text += line;
        text.push(' ');
        if !line.ends_with(';') {
            // A list or a set goes on.
            if line.ends_with('{') || line.ends_with('}') || line.ends_with(':') {
                text.clear();
            }
            continue;
        }
        let statement = std::mem::take(&mut text);
        let Some((key, value)) = statement.trim().trim_end_matches(';').split_once(" = ") else { continue };
        if key.starts_with(|first: char| first.is_ascii_uppercase()) && key.chars().all(char::is_alphanumeric) {
            let value = value.trim_start_matches('[').trim_end_matches(']');
            let words = value.split_whitespace().map(|word| word.trim_matches('"').to_owned());
            assignments.insert(key.to_owned(), words.collect());
        }
    }
    assignments
}

const DAEMONS: [(&str, &str); 2] = [("polder-proxy", "proxy.json"), ("polder-dns", "dns.json")];

#[test]
fn a_unit_is_denied_all_that_the_nixos_modules_deny() {
    let hardening = attributes(&read("modules/hardening.nix"));
    assert!(hardening.len() > 20, "the attributes are not read: {hardening:?}");
    for (daemon, _) in DAEMONS {
        let unit = service(&read(&format!("dist/systemd/{daemon}.service")));
        for (key, values) in &hardening {
            let expected = match key.as_str() {
                // The one that daemon-unit.nix adds: ports below 1024.
                "CapabilityBoundingSet" | "AmbientCapabilities" => &vec!["CAP_NET_BIND_SERVICE".to_owned()],
                _ => values,
            };
            assert_eq!(unit.get(key), Some(expected), "{key} of {daemon}.service");
        }
    }
}

#[test]
fn a_unit_has_every_setting_of_the_nixos_modules_unit() {
    let module = read("modules/daemon-unit.nix");
    let settings = attributes(module.split("serviceConfig = ").nth(1).unwrap());
    assert!(settings.len() > 15, "the attributes are not read: {settings:?}");
    // What is computed: a role's own bounds.
    let computed = ["stopTimeout", "memoryMax"];
    for (daemon, document) in DAEMONS {
        let text = read(&format!("dist/systemd/{daemon}.service"));
        let unit = service(&text);
        for (key, values) in &settings {
            let found = unit.get(key).unwrap_or_else(|| panic!("{daemon}.service has no {key}"));
            let value = values.join(" ");
            if value == "name" {
                assert_eq!(found, &[daemon], "{key} of {daemon}.service");
            } else if !computed.contains(&value.as_str()) && !key.starts_with("Exec") {
                assert_eq!(found, values, "{key} of {daemon}.service");
            }
        }
        assert!(text.contains(&format!("\nConditionPathExists=/etc/polder/{document}\n")), "{text}");
    }
}
