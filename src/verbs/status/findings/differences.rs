//! Daemons that serve by different documents: a push that stopped half-way, or a host that it did not reach.

use std::collections::BTreeMap;

use super::Finding;
use crate::api::{dns, proxy};

/// What a proxy or nameserver says of one service or pool, by aspect: `backends`, `web1 192.0.2.21:80, …`.
type Aspects = Vec<(&'static str, String)>;

/// What each daemon has: by daemon, by name.
type Having<'a> = Vec<(&'a str, BTreeMap<&'a str, Aspects>)>;

/// Services that are not the same on all proxies.
pub(super) fn of_proxies(proxies: &[&proxy::Status]) -> Vec<Finding> {
    let having = proxies.iter().map(|status| {
        let services = status.services.iter().map(|service| (&*service.name, of_service(service)));
        (&*status.daemon.name, services.collect())
    });
    differences("service", &having.collect())
}

/// Pools and zones that are not the same on all nameservers.
pub(super) fn of_nameservers(nameservers: &[&dns::Status]) -> Vec<Finding> {
    let pools = nameservers.iter().map(|status| {
        let pools = status.pools.iter().map(|pool| (&*pool.name, of_pool(pool)));
        (&*status.daemon.name, pools.collect())
    });
    let zones = nameservers.iter().map(|status| {
        let zones = status.zones.iter().map(|zone| (&*zone.name, vec![("serial", zone.serial.to_string())]));
        (&*status.daemon.name, zones.collect())
    });
    let mut found = differences("pool", &pools.collect());
    found.extend(differences("zone", &zones.collect()));
    found
}

fn of_service(service: &proxy::ServiceStatus) -> Aspects {
    let backends = service.backends.iter().map(|backend| {
        let backup = if backend.backup { " backup" } else { "" };
        format!("{} {} weight {}{backup}", backend.name, backend.address, backend.weight)
    });
    vec![
        ("hosts", service.hosts.join(" ")),
        ("target", service.target.clone().unwrap_or_else(|| service.mode.clone())),
        ("backends", backends.collect::<Vec<_>>().join(", ")),
    ]
}

fn of_pool(pool: &dns::PoolStatus) -> Aspects {
    let members = pool.members.iter().map(|member| {
        let addresses = member.addresses.iter().map(|address| address.address.as_str());
        format!("{} {}", member.name, addresses.collect::<Vec<_>>().join(" "))
    });
    vec![("TTL", pool.ttl.to_string()), ("members", members.collect::<Vec<_>>().join(", "))]
}

fn differences(what: &str, having: &Having<'_>) -> Vec<Finding> {
    let Some((first, firsts)) = having.first() else { return Vec::new() };
    let mut found = Vec::new();
    for (other, others) in &having[1..] {
        let names = firsts.keys().chain(others.keys().filter(|name| !firsts.contains_key(*name)));
        for name in names {
            match (firsts.get(name), others.get(name)) {
                (Some(ours), Some(theirs)) => {
                    let differ = ours.iter().zip(theirs).filter(|((_, one), (_, other))| one != other);
                    found.extend(differ.map(|((aspect, one), (_, two))| {
                        let (ours, theirs) = apart(one, two);
                        let words =
                            format!("{what} {name}: not the same {aspect}: {first} has {ours}; {other} has {theirs}");
                        Finding::about([name, first, other].map(|one| *one), words)
                    }));
                }
                (ours, _) => {
                    let (has, lacks) = if ours.is_some() { (first, other) } else { (other, first) };
                    let words = format!("{what} {name} is on {has} and not on {lacks}: their documents differ");
                    found.push(Finding::about([name, first, other].map(|one| *one), words));
                }
            }
        }
    }
    found
}

/// What only one of two lists has; both whole where the order alone differs.
fn apart(one: &str, other: &str) -> (String, String) {
    let list = |text: &'_ str| -> Vec<String> { text.split(", ").map(str::to_owned).collect() };
    let (ours, theirs) = (list(one), list(other));
    let only = |of: &[String], without: &[String]| -> Vec<String> {
        of.iter().filter(|item| !without.contains(item)).cloned().collect()
    };
    let (only_ours, only_theirs) = (only(&ours, &theirs), only(&theirs, &ours));
    if only_ours.is_empty() && only_theirs.is_empty() {
        return (one.to_owned(), other.to_owned());
    }
    let told = |only: Vec<String>, others: &[String]| match only.is_empty() {
        true => format!("no {}", others.join(", ")),
        false => only.join(", "),
    };
    (told(only_ours.clone(), &only_theirs), told(only_theirs, &only_ours))
}
