//! The results of the checks, and their input besides the fleet.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::config;

/// One thing wrong with the fleet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// What it is about: a file and line, a host and a path in its document, or a part of the fleet (`pool www.example.net`).
    pub place: String,
    /// What was found and what was expected, in the operator's words.
    pub message: String,
}

impl Finding {
    /// Makes a finding about `place`.
    pub fn new(place: impl Into<String>, message: impl Into<String>) -> Finding {
        Finding { place: place.into(), message: message.into() }
    }
}

impl From<config::Finding> for Finding {
    fn from(found: config::Finding) -> Finding {
        let line = found.line.map_or_else(String::new, |line| format!(":{line}"));
        let path = if found.path.is_empty() { String::new() } else { format!(": {}", found.path) };
        Finding::new(format!("{}{line}{path}", found.file.display()), found.message)
    }
}

/// The result of the checks.
#[derive(Debug, Default)]
pub struct Checked {
    /// What is wrong, each thing once, in the order of the checks.
    pub findings: Vec<Finding>,
    /// What is worth knowing without being wrong, and what could not be checked.
    pub notes: Vec<Finding>,
}

impl Checked {
    pub(super) fn finding(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.findings.push(Finding::new(place, message));
    }

    pub(super) fn note(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.notes.push(Finding::new(place, message));
    }
}

/// What is known about serials from outside the fleet document.
#[derive(Debug, Default)]
pub struct SerialFacts {
    /// The serials that are served, by zone.
    pub served: BTreeMap<String, Vec<Served>>,
    /// Zones whose files have local changes.
    pub changes: Vec<ZoneChange>,
}

/// What one source says about the serial of a zone that is served now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Served {
    /// The zone is served with this serial.
    Serial {
        /// The host that serves it, or the option that states it.
        by: String,
        /// The serial of the SOA record.
        serial: u32,
    },
    /// The host answers, and does not serve the zone yet.
    NotYet {
        /// The host.
        by: String,
    },
    /// The host could not be asked.
    Unknown {
        /// The host.
        by: String,
        /// Why it could not be asked.
        why: String,
    },
}

/// A zone whose file differs from the last revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneChange {
    /// The zone.
    pub apex: String,
    /// Its serial in that revision.
    pub serial_before: u32,
}
