//! The least redundancy during a push: how many hosts of every pool, zone and service it touches stay up.

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::Fleet;

/// Hosts that stand in for each other: one entry for each that the fleet would miss, so a host counts as often as it is needed.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    what: &'static str,
    hosts: Vec<Option<String>>,
}

/// The least that is left of each group that the push touches, a line each.
pub(super) fn least(fleet: &Fleet, batches: &[Vec<String>], skipped: &[String]) -> Vec<String> {
    let lines = groups(fleet).into_iter().filter_map(|(group, names)| {
        let left = batches.iter().filter_map(|batch| group.left(batch, skipped)).min()?;
        Some(format!("{}: {}", subject(&names), group.in_words(left, skipped)))
    });
    lines.collect()
}

/// `service www`, or `services blog, www`.
fn subject(names: &[String]) -> String {
    match names {
        [name] => name.clone(),
        names => {
            let names: Vec<&str> = names.iter().map(|name| name.trim_start_matches("service ")).collect();
            format!("services {}", names.join(", "))
        }
    }
}

impl Group {
    /// How many stay while a batch is switched; nothing if the batch has no part in it.
    fn left(&self, batch: &[String], skipped: &[String]) -> Option<usize> {
        let is_in = |hosts: &[String], host: &Option<String>| host.as_ref().is_some_and(|host| hosts.contains(host));
        let has_part = self.hosts.iter().any(|host| is_in(batch, host));
        has_part.then(|| self.hosts.iter().filter(|host| !is_in(batch, host) && !is_in(skipped, host)).count())
    }

    fn in_words(&self, left: usize, skipped: &[String]) -> String {
        let all = self.hosts.len();
        let dead: BTreeSet<&str> =
            self.hosts.iter().flatten().filter(|host| skipped.contains(host)).map(String::as_str).collect();
        let but = match dead.is_empty() {
            true => String::new(),
            false => format!(", {} skipped", dead.into_iter().collect::<Vec<_>>().join(", ")),
        };
        match left {
            0 => format!("nothing is left of {all} {} at some time{but}", self.what),
            left => format!("{left} of {all} {} stay untouched while the others are switched{but}", self.what),
        }
    }
}

/// All groups, with what stands on them: services on the same hosts share one.
fn groups(fleet: &Fleet) -> Vec<(Group, Vec<String>)> {
    let mut named: BTreeMap<String, Group> = BTreeMap::new();
    for (apex, zone) in &fleet.zones {
        let hosts = zone.nameservers.iter().cloned().map(Some).collect();
        named.insert(format!("zone {apex}"), Group { what: "nameservers", hosts });
    }
    for system in fleet.systems.values() {
        if let Some(dns) = system.dns_config() {
            for (name, pool) in &dns.pools {
                let hosts = pool.members.keys().cloned().map(Some).collect();
                named.insert(format!("pool {name}"), Group { what: "proxies", hosts });
            }
        }
        if let Some(proxy) = system.proxy_config() {
            for (name, service) in &proxy.services {
                let Some(target) = service.target.backends() else { continue };
                let host = |address| fleet.host_at(address).map(str::to_owned);
                let hosts = target.backends.iter().map(|backend| host(backend.address.ip())).collect();
                named.insert(format!("service {name}"), Group { what: "backends", hosts });
            }
        }
    }
    let mut groups: Vec<(Group, Vec<String>)> = Vec::new();
    for (name, group) in named {
        match groups.iter_mut().find(|(other, _)| *other == group && group.what == "backends") {
            Some((_, names)) => names.push(name),
            None => groups.push((group, vec![name])),
        }
    }
    groups
}
