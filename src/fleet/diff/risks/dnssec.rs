//! Zones that become signed, or are no longer: what their parents say of them has to be changed at the right time.

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::Fleet;
use crate::fleet::running::Running;

/// A line for each such zone.
pub(super) fn changed(fleet: &Fleet, old: &BTreeMap<String, Running>, batches: &[Vec<String>]) -> Vec<String> {
    let mut risks = BTreeSet::new();
    for host in batches.iter().flatten() {
        let (Some(running), Some(system)) = (old.get(host), fleet.systems.get(host)) else { continue };
        let (Some(before), Some(after)) = (running.dns_config(), system.dns_config()) else { continue };
        for (apex, zone) in &before.zones {
            // One that goes as a whole has its own line.
            let Some(next) = after.zones.get(apex) else { continue };
            match (&zone.dnssec, &next.dnssec) {
                (Some(_), None) => risks.insert(format!(
                    "zone {apex}: it is no longer signed: while its parent has a DS of it, validating resolvers answer SERVFAIL; take \
                     that away first, and wait until its TTL is over"
                )),
                (None, Some(_)) => risks.insert(format!(
                    "zone {apex}: it becomes signed: its parent gets the DS when all nameservers sign it, and not before"
                )),
                _ => false,
            };
        }
    }
    risks.into_iter().collect()
}
