//! Every pool has enough members, each a proxy that listens where the check connects, and a TTL that lets a drain take effect.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::documents::Running;
use super::proxies::reaches;
use super::report::Checked;
use crate::config::defaults::POOL_TTL;
use crate::config::dns::{MemberConfig, PoolConfig};
use crate::config::{CheckConfig, ProxyConfig};
use crate::counted::listed;
use crate::fleet::{Fleet, Role};

/// With fewer members a pool fails with one machine.
const LEAST_MEMBERS: usize = 2;

/// The longest TTL of a pool, in seconds, unless the fleet states a longer one: so long a drained proxy stays in caches.
const LONGEST_TTL: u32 = POOL_TTL;

pub(super) fn check(fleet: &Fleet, running: &Running, checked: &mut Checked) {
    let mut first: BTreeMap<&String, (&String, &PoolConfig)> = BTreeMap::new();
    for (host, nameserver) in &running.nameservers {
        for (name, pool) in &nameserver.config.pools {
            match first.get(name) {
                None => {
                    first.insert(name, (host, pool));
                    members(fleet, running, name, pool, checked);
                    ttl(fleet, name, pool.ttl, checked);
                }
                Some((other, same)) if *same != pool => {
                    let message = format!("{other} and {host} answer it differently: {}", difference(same, pool));
                    checked.finding(format!("pool {name}"), message);
                }
                Some(_) => {}
            }
        }
    }
    for name in fleet.pools.keys().filter(|name| running.complete && !first.contains_key(name)) {
        checked.finding(format!("pool {name}"), "no nameserver answers it");
    }
}

fn members(fleet: &Fleet, running: &Running, name: &str, pool: &PoolConfig, checked: &mut Checked) {
    let about = format!("pool {name}");
    if pool.members.len() < LEAST_MEMBERS {
        let message =
            format!("has fewer than two members ({}): it is gone with the first", listed(pool.members.keys()));
        checked.finding(&about, message);
    }
    for (member, config) in &pool.members {
        let Some(host) = fleet.hosts.get(member).filter(|host| host.is(Role::Proxy)) else {
            checked.finding(&about, format!("its member {member} is no proxy of the fleet"));
            continue;
        };
        for address in config.addresses.iter().filter(|address| !host.addresses.contains(address)) {
            checked.finding(&about, format!("{address} of its member {member} is no address of that host"));
        }
        if let Some(proxy) = running.proxies.get(member) {
            unreached(member, config, proxy, pool.check.port, &about, checked);
            let asked = Asked { member, config, proxy, check: &pool.check };
            misunderstood(fleet, running, &asked, &about, checked);
        }
    }
}

/// Reports addresses of a member at which the check would reach no listener.
fn unreached(
    member: &str,
    config: &MemberConfig,
    proxy: &ProxyConfig,
    port: Option<u16>,
    about: &str,
    checked: &mut Checked,
) {
    let Some(port) = port else { return };
    for address in &config.addresses {
        if !proxy.listeners.iter().any(|listener| reaches(SocketAddr::new(*address, port), listener.address)) {
            let listeners = listed(proxy.listeners.iter().map(|listener| listener.address));
            let message = format!(
                "its check looks at {}, and {member} listens on {listeners}: it would always be down",
                SocketAddr::new(*address, port)
            );
            checked.finding(about, message);
        }
    }
}

/// A check of a member.
struct Asked<'a> {
    member: &'a str,
    config: &'a MemberConfig,
    proxy: &'a ProxyConfig,
    check: &'a CheckConfig,
}

/// Reports listeners that ask for a header of the PROXY protocol where the check sends none, or take none from the nameservers; and the
/// other way round.
fn misunderstood(fleet: &Fleet, running: &Running, asked: &Asked<'_>, about: &str, checked: &mut Checked) {
    let Asked { member, config, proxy, check } = asked;
    let Some(port) = check.port else { return };
    let sends = check.protocol.send_proxy;
    for address in config.addresses.iter().map(|address| SocketAddr::new(*address, port)) {
        let Some(listener) = proxy.listeners.iter().find(|listener| reaches(address, listener.address)) else {
            continue;
        };
        let name = &listener.name;
        match (&listener.proxies, sends) {
            (Some(_), None) => checked.finding(
                about,
                format!(
                    "its check looks at {address}, where {member}'s listener {name} takes connections with a header of the PROXY protocol \
                     alone: it would always be down; check another port, or give the check \"send_proxy\""
                ),
            ),
            (None, Some(_)) => checked.finding(
                about,
                format!(
                    "its check sends a header of the PROXY protocol to {address}, for which {member}'s listener {name} does not ask: it \
                     would always be down"
                ),
            ),
            (Some(proxies), Some(_)) => {
                let is_trusted = |ip: &IpAddr| proxies.iter().any(|network| network.contains(ip));
                let nameservers = running.nameservers.keys().filter(|host| {
                    let addresses = fleet.hosts.get(*host).map_or(&[][..], |host| &host.addresses);
                    let mut alike = addresses.iter().filter(|ip| ip.is_ipv4() == address.is_ipv4()).peekable();
                    alike.peek().is_some() && !alike.any(is_trusted)
                });
                let closed_out: Vec<_> = nameservers.collect();
                if !closed_out.is_empty() {
                    let message = format!(
                        "its check looks at {address}, and {} may not: add them to the trusted_proxies of {member}'s listener {name}",
                        listed(closed_out)
                    );
                    checked.finding(about, message);
                }
            }
            (None, None) => {}
        }
    }
}

fn ttl(fleet: &Fleet, name: &str, ttl: u32, checked: &mut Checked) {
    if ttl <= LONGEST_TTL {
        return;
    }
    let about = format!("pool {name}");
    match fleet.pools.get(name).and_then(|pool| pool.ttl) == Some(ttl) {
        true => checked.note(
            about,
            format!("its TTL is {ttl} as stated: resolvers send visitors to a proxy that is gone for up to {ttl} s"),
        ),
        false => checked.finding(
            about,
            format!(
                "its TTL is {ttl}, more than {LONGEST_TTL}, and the fleet does not state that: set \
                 polder.fleet.pools.\"{name}\".ttl if it is meant"
            ),
        ),
    }
}

fn difference(one: &PoolConfig, two: &PoolConfig) -> &'static str {
    if one.members != two.members {
        "their members differ"
    } else if one.ttl != two.ttl {
        "their TTLs differ"
    } else if one.aliases != two.aliases {
        "their aliases differ"
    } else if (&one.when_all_down, one.keep_answer) != (&two.when_all_down, two.keep_answer) {
        "their when_all_down or keep_answer differs"
    } else if one.https != two.https {
        "their HTTPS records differ"
    } else {
        "their checks differ"
    }
}
