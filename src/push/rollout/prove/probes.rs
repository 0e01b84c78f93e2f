//! The probes of a host (pure), from the fleet's roles and the documents that its daemons will run with.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::config::proxy::{HostPattern, ListenerConfig, Protocol, ServiceConfig};
use crate::fleet::{Fleet, Role};

/// How long probes of the host itself have to pass.
const STEADY: Duration = Duration::from_secs(1);

/// Where a member of etcd says how it is (modules/fleet/agreement-ports.nix).
const MEMBER_PORT: u16 = 2381;

/// One probe.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probe {
    /// A nameserver answers for a zone, with authority.
    Zone {
        /// Its listener.
        nameserver: SocketAddr,
        /// The zone.
        apex: String,
        /// Over TCP, not UDP.
        tcp: bool,
    },
    /// A nameserver has addresses for a pool.
    Pool {
        /// Its listener.
        nameserver: SocketAddr,
        /// The pool, or an alias.
        name: String,
    },
    /// A proxy says that it can serve.
    Ready {
        /// Its listener.
        proxy: SocketAddr,
    },
    /// A proxy serves a site.
    Site {
        /// Its listener.
        proxy: SocketAddr,
        /// The host name.
        host: String,
        /// The path.
        path: String,
        /// What every request there is answered with, be it an error.
        fixed: Option<u16>,
    },
    /// A member of etcd has a majority beside it.
    Member {
        /// Its metrics' listener.
        member: SocketAddr,
    },
    /// A proxy's checks find a backend up.
    Backend {
        /// The proxy's host.
        proxy: String,
        /// The service.
        service: String,
        /// The backend.
        name: String,
    },
}

impl Probe {
    /// Of the member at this address.
    pub fn member(address: IpAddr) -> Probe {
        Probe::Member { member: SocketAddr::new(address, MEMBER_PORT) }
    }

    /// Whether it has to pass even if it is new: a new pool may have no members yet, and a new site no such page.
    pub(super) fn is_promised(&self) -> bool {
        matches!(self, Probe::Zone { .. })
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Probe::Zone { nameserver, apex, tcp } => {
                let over = if *tcp { "TCP" } else { "UDP" };
                write!(f, "{nameserver} answers for {apex} over {over}")
            }
            Probe::Pool { nameserver, name } => write!(f, "{nameserver} has addresses for {name}"),
            Probe::Ready { proxy } => write!(f, "{proxy} is ready"),
            Probe::Member { member } => write!(f, "{member} (etcd) is healthy"),
            Probe::Site { proxy, host, path, .. } => write!(f, "{proxy} serves {host}{path}"),
            Probe::Backend { proxy, service, name } => write!(f, "{proxy} finds {service}/{name} up"),
        }
    }
}

/// The probes of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probes {
    /// The probes.
    pub asked: BTreeSet<Probe>,
    /// How long all of them have to pass, until checks elsewhere would have noticed a failure.
    pub steady: Duration,
}

/// The probes of a host.
pub fn probes(fleet: &Fleet, host: &str) -> Probes {
    let mut probes = Probes { asked: BTreeSet::new(), steady: STEADY };
    let Some(system) = fleet.systems.get(host) else { return probes };
    let addresses = fleet.hosts.get(host).map_or(&[][..], |host| &host.addresses);
    if let Some(config) = system.dns_config() {
        for nameserver in reached(addresses, config.listeners.iter().copied()) {
            for apex in config.public_zones() {
                let zone = |tcp| Probe::Zone { nameserver, apex: apex.clone(), tcp };
                probes.asked.extend([zone(false), zone(true)]);
            }
            let names = config.pools.iter().flat_map(|(name, pool)| std::iter::once(name).chain(&pool.aliases));
            probes.asked.extend(names.map(|name| Probe::Pool { nameserver, name: name.clone() }));
        }
    }
    if let Some(config) = system.proxy_config() {
        // In clear text: a certificate may be still to come, and is watched by alarms. And where anybody is taken: those who ask are none
        // of the proxies that may say who a visitor is.
        let is_open = |listener: &&ListenerConfig| listener.protocol == Protocol::Http && listener.proxies.is_none();
        let in_clear = config.listeners.iter().filter(is_open);
        for proxy in reached(addresses, in_clear.map(|listener| listener.address)) {
            probes.asked.insert(Probe::Ready { proxy });
            let sites = config.services.values().flat_map(sites);
            probes.asked.extend(sites.map(|(host, path, fixed)| Probe::Site { proxy, host, path, fixed }));
        }
    }
    if let (true, Some(address)) = (fleet.agreement.iter().any(|member| member == host), addresses.first()) {
        probes.asked.insert(Probe::member(*address));
    }
    if fleet.hosts.get(host).is_some_and(|host| host.is(Role::Backend)) {
        seen_by_proxies(fleet, addresses, &mut probes);
    }
    probes
}

/// The addresses at which listeners are reached from outside.
fn reached(addresses: &[IpAddr], listeners: impl Iterator<Item = SocketAddr>) -> BTreeSet<SocketAddr> {
    let mut reached = BTreeSet::new();
    for listener in listeners.filter(|listener| !listener.ip().is_loopback()) {
        if listener.ip().is_unspecified() {
            let same = addresses.iter().filter(|address| address.is_ipv4() == listener.is_ipv4());
            reached.extend(same.map(|address| SocketAddr::new(*address, listener.port())));
        } else {
            reached.insert(listener);
        }
    }
    reached
}

/// The host name and path of every route of a service, and its fixed status; for a pattern, a name that matches it.
fn sites(service: &ServiceConfig) -> impl Iterator<Item = (String, String, Option<u16>)> + '_ {
    let host = |pattern: &HostPattern| pattern.to_string().replacen('*', "probe", 1);
    let fixed = service.fixed_status();
    service
        .hosts
        .iter()
        .flat_map(move |pattern| service.paths.iter().map(move |path| (host(pattern), path.clone(), fixed)))
}

/// Adds probes of backends, which accept only the proxies: those are asked for their checks' verdicts.
fn seen_by_proxies(fleet: &Fleet, addresses: &[IpAddr], probes: &mut Probes) {
    for (proxy, system) in &fleet.systems {
        let Some(config) = system.proxy_config() else { continue };
        let with_backends =
            config.services.values().filter_map(|service| Some((&service.name, service.target.backends()?)));
        for (service, target) in with_backends {
            for backend in target.backends.iter().filter(|backend| addresses.contains(&backend.address.ip())) {
                let (proxy, service, name) = (proxy.clone(), service.clone(), backend.name.clone());
                probes.asked.insert(Probe::Backend { proxy, service, name });
                probes.steady = probes.steady.max(target.check.detection_bound());
            }
        }
    }
}

#[cfg(test)]
mod tests;
