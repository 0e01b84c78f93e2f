//! Every host name of every service resolves, through the fleet's zones, to a pool.

use std::collections::{BTreeMap, BTreeSet};

use super::documents::{Nameserver, Running, Source};
use super::report::Checked;
use crate::config::proxy::HostPattern;
use crate::counted::listed;
use crate::dns::compiled::{Found, Zones};
use crate::zone::name::{self, Name};
use crate::zone::number::rtype;

/// CNAMEs that are followed: as many as the nameserver follows in one answer.
const CHAIN: usize = 8;

pub(super) fn check(running: &Running, checked: &mut Checked) {
    let mut names: BTreeSet<(&str, &HostPattern)> = BTreeSet::new();
    for proxy in running.proxies.values() {
        for service in proxy.services.values() {
            let hosts = service.hosts.iter().filter(|host| host.is_of_names());
            names.extend(hosts.map(|host| (service.name.as_str(), host)));
        }
    }
    // Without a nameserver that could be read, every name would look lost.
    if running.nameservers.is_empty() && !running.complete {
        return;
    }
    for (service, host) in names {
        for (why, nameservers) in lost(running, &host.to_string()) {
            let all = nameservers.len() == running.nameservers.len();
            let prefix = if all { String::new() } else { format!("on {}: ", listed(nameservers)) };
            checked.finding(format!("service {service}"), format!("{prefix}{host} {why}"));
        }
    }
}

/// Why a name leads to no pool, with the nameservers that say so. One zone's nameservers need not have another's zones:
/// a name that some of them lead to a pool is lost only where they have its zone.
fn lost<'r>(running: &'r Running, host: &str) -> BTreeMap<String, Vec<&'r str>> {
    let Some(name) = name::from_text(host).and_then(|wire| Name::from_wire(&wire)) else { return BTreeMap::new() };
    let having: Vec<(&String, &Nameserver)> = running
        .nameservers
        .iter()
        .filter(|(_, nameserver)| nameserver.zones.zone_of(&name, rtype::A).zone().is_some())
        .collect();
    if having.is_empty() {
        // Where a name leads that lies in a zone of others is theirs to say.
        if running.nameservers.values().any(|nameserver| nameserver.source_of(&name) != Source::Nowhere) {
            return BTreeMap::new();
        }
        let zones = listed(running.zones.keys());
        let why = format!("lies in none of the fleet's zones ({zones}): no visitor is led here by it");
        return BTreeMap::from([(why, running.nameservers.keys().map(String::as_str).collect())]);
    }
    let mut reasons: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (host, nameserver) in having {
        if let Err(why) = follow(&nameserver.zones, name) {
            reasons.entry(why).or_default().push(host);
        }
    }
    reasons
}

/// Follows a name to a pool; the error says why it leads to none.
fn follow(zones: &Zones, mut name: Name) -> Result<(), String> {
    let mut way = String::new();
    for _ in 0..CHAIN {
        let Some(zone) = zones.zone_of(&name, rtype::A).zone() else {
            return Err(format!("leads out of the fleet's zones{way}: its addresses are somebody else's"));
        };
        let node = match zone.find(&name, rtype::A) {
            Found::Node(node) => node,
            Found::Cut(_) => return Err(format!("is delegated{way}: its addresses are somebody else's")),
            Found::Dname { .. } => return Err(format!("lies below a DNAME{way}: point it to a pool with a CNAME")),
            Found::Nothing { .. } => {
                return Err(format!("does not exist in the zone{way}: point it to a pool with a CNAME"));
            }
        };
        if node.pool().is_some() {
            return Ok(());
        }
        if let Some(alias) = node.set(rtype::CNAME) {
            let target = alias.rdatas().next().and_then(Name::from_wire).ok_or("has a CNAME that cannot be read")?;
            way.push_str(&format!(" (CNAME {})", name::to_text(target.as_bytes())));
            name = target;
            continue;
        }
        return Err(match [rtype::A, rtype::AAAA].iter().any(|rtype| node.set(*rtype).is_some()) {
            true => format!(
                "has addresses of its own in the zone{way}: they are answered even while that machine is down; point it \
                 to a pool"
            ),
            false => format!("has no address and no CNAME in the zone{way}: point it to a pool with a CNAME"),
        });
    }
    Err(format!("goes through more than {CHAIN} CNAMEs{way}"))
}
