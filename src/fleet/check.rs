//! The checks across hosts: visitors must find the same, whichever host answers them.
//!
//! Pure over the fleet document and its zone files, but for the time by which signatures are good. First [`documents`]: the daemons' own validation of every document.
//! Then what no daemon can know alone, a file each: [`hosts`], [`zones`], [`names`], [`pools`], [`proxies`], [`signatures`], [`certificates`], [`serials`].
//! A check looks at what could be read; what could not has been reported.

mod certificates;
mod documents;
mod hosts;
mod names;
mod pools;
mod proxies;
mod report;
mod serials;
mod signatures;
mod zones;

pub use report::{Checked, Finding, SerialFacts, Served, ZoneChange};

use std::collections::BTreeSet;

use super::Fleet;

/// Runs all checks over a fleet.
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
    signatures::check(&running, &mut checked);
    certificates::check(&running, &mut checked);
    serials::check(fleet, &running, facts, &mut checked);
    for list in [&mut checked.findings, &mut checked.notes] {
        let mut seen = BTreeSet::new();
        list.retain(|finding| seen.insert(finding.clone()));
    }
    checked
}
