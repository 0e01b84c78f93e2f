//! The example fleet, and how it is broken.

use std::fs;
use std::path::Path;

use polder::fleet;
use polder::fleet::check::{Checked, Finding, SerialFacts, Served, check};
use serde_json::{Value, json};

/// The example fleet, to be broken.
pub struct Example {
    pub fleet: Value,
    pub zone: String,
    pub known: SerialFacts,
}

impl Example {
    pub fn new() -> Example {
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
    pub fn document(&mut self, host: &str, file: &str, change: impl FnOnce(&mut Value)) {
        let text = &mut self.fleet["systems"][host]["documents"][file];
        let mut document: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
        change(&mut document);
        *text = json!(document.to_string());
    }

    pub fn proxies(&mut self, change: impl Fn(&mut Value)) {
        for host in ["px-nl", "px-ch"] {
            self.document(host, "proxy.json", &change);
        }
    }

    pub fn nameservers(&mut self, change: impl Fn(&mut Value)) {
        for host in ["ns-nl", "ns-ch"] {
            self.document(host, "dns.json", &change);
        }
    }

    pub fn zone(&mut self, from: &str, to: &str) {
        assert!(self.zone.contains(from), "{from} is not in the zone");
        self.zone = self.zone.replace(from, to);
    }

    pub fn checked(&self) -> Checked {
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

pub fn served(serial: u32) -> Served {
    Served::Serial { by: "ns-nl".to_owned(), serial }
}

pub fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|one| format!("{}: {}", one.place, one.message)).collect()
}

/// Breaks the example and compares the findings. There are no notes.
pub fn broken(why: &str, change: impl FnOnce(&mut Example), expected: &[&str]) {
    let mut example = Example::new();
    change(&mut example);
    let checked = example.checked();
    assert_eq!(told(&checked.findings), expected, "{why}");
    assert_eq!(told(&checked.notes), [""; 0], "{why}");
}
