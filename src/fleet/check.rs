//! What must hold across hosts, for visitors to find what they look for whichever host answers them.
//!
//! Pure over the fleet document and its zone files. First [`documents`]: the daemons' own validation of every document.
//! Then what no daemon can know alone, a file each: [`hosts`], [`zones`], [`names`], [`pools`], [`proxies`], [`serials`].
//! A check looks at what could be read; what could not has been reported.

mod documents;
mod hosts;
mod names;
mod pools;
mod proxies;
mod serials;
mod zones;

pub use serials::{Served, ZoneChange};

use std::collections::BTreeMap;

use serde::Serialize;

use super::Fleet;
use crate::config;

/// One thing wrong with the fleet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// File and line, host and path in its document, or the fleet's thing it is about.
    pub place: String,
    /// What was found and what was expected, in the operator's words.
    pub message: String,
}

impl Finding {
    /// A finding.
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

/// What the checks say.
#[derive(Debug, Default)]
pub struct Checked {
    /// What is wrong, each thing once, in the order of the checks.
    pub findings: Vec<Finding>,
    /// What is not wrong and yet worth knowing; and what could not be told.
    pub notes: Vec<Finding>,
}

impl Checked {
    fn finding(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.findings.push(Finding::new(place, message));
    }

    fn note(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.notes.push(Finding::new(place, message));
    }
}

/// What is known of serials besides the fleet.
#[derive(Debug, Default)]
pub struct SerialFacts {
    /// The serials that are served, by zone.
    pub served: BTreeMap<String, Vec<Served>>,
    /// Zones whose files have local changes.
    pub changes: Vec<ZoneChange>,
}

/// All checks.
pub fn check(fleet: &Fleet, facts: &SerialFacts) -> Checked {
    let mut checked = Checked::default();
    if fleet.systems.is_empty() {
        checked.finding("fleet", "the flake has no system with polder's modules in it: see `polder.lib.fleetSystems`");
        return checked;
    }
    hosts::check(fleet, &mut checked);
    let running = documents::read(fleet, &mut checked);
    zones::check(fleet, &running, &mut checked);
    names::check(&running, &mut checked);
    pools::check(fleet, &running, &mut checked);
    proxies::check(&running, &mut checked);
    serials::check(fleet, &running, facts, &mut checked);
    for list in [&mut checked.findings, &mut checked.notes] {
        let mut seen = std::collections::BTreeSet::new();
        list.retain(|finding| seen.insert(finding.clone()));
    }
    checked
}

/// `a, b and c`.
fn listed<T: ToString>(names: impl IntoIterator<Item = T>) -> String {
    let mut names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    match names.pop() {
        None => "none".to_owned(),
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} and {last}", names.join(", ")),
    }
}
