//! The evaluated fleet: hosts, zones, pools and every host's documents as data, and what must hold across hosts.
//!
//! Owns the types of the fleet document (`polder check --fleet`; rendered by `modules/fleet/evaluated.nix`), and in
//! [`check`] what no host can find out alone, and in [`diff`] what changes on one in behaviour. Reads the zone files that the
//! document names and nothing else. Must never: run a program, open a socket, change a file. Called by the operator's verbs.

pub mod check;
pub mod diff;
mod read;
pub mod routing;
pub mod running;
#[cfg(test)]
mod tests;

pub use read::{load, parse};

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::config::{self, DnsConfig, ProxyConfig};

use crate::config::dns::Checks;

/// The whole fleet document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fleet {
    /// The machines by name.
    pub hosts: BTreeMap<String, Host>,
    /// The zones by apex, lower case, without the final dot.
    pub zones: BTreeMap<String, Zone>,
    /// The pools by name, likewise.
    pub pools: BTreeMap<String, Pool>,
    /// The hosts that keep what the proxies have agreed upon: each runs a member of etcd. None where there is no agreement.
    pub agreement: Vec<String>,
    /// What evaluation made of each host, by name.
    pub systems: BTreeMap<String, System>,
}

impl Fleet {
    /// The host that is reached at an address.
    pub fn host_at(&self, address: IpAddr) -> Option<&str> {
        self.hosts.iter().find(|(_, host)| host.addresses.contains(&address)).map(|(name, _)| name.as_str())
    }
}

/// One machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The name of its location in the fleet.
    pub location: String,
    /// Its roles.
    pub roles: Vec<Role>,
    /// The addresses at which the other hosts and operators reach it.
    pub addresses: Vec<IpAddr>,
    /// Its SSH host key (`ssh-ed25519 AAAA…`), pinned. Without it nothing is pushed there.
    pub host_key: Option<String>,
}

impl Host {
    /// Whether it has a role.
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// A role of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Answers for zones.
    Nameserver,
    /// Takes visitors' requests to backends.
    Proxy,
    /// Serves websites.
    Backend,
    /// Where operators work.
    Admin,
    /// Keeps the fleet's repository.
    Svn,
    /// Keeps what the proxies have agreed upon, in a third place.
    Witness,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 6] = [Role::Nameserver, Role::Proxy, Role::Backend, Role::Svn, Role::Admin, Role::Witness];

    /// The role's name in the fleet document.
    pub fn name(self) -> &'static str {
        match self {
            Role::Nameserver => "nameserver",
            Role::Proxy => "proxy",
            Role::Backend => "backend",
            Role::Admin => "admin",
            Role::Svn => "svn",
            Role::Witness => "witness",
        }
    }
}

/// One zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Its master file, where the operator edits it.
    pub file: PathBuf,
    /// The hosts that are to answer for it.
    pub nameservers: Vec<String>,
    /// What is done about text that is hardly meant.
    pub checks: Checks,
}

/// One pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// The TTL, if the fleet states one.
    pub ttl: Option<u32>,
}

/// What evaluation made of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum System {
    /// Evaluation failed with these assertions of its modules: there are no documents.
    Refused(Vec<String>),
    /// Evaluation gave the documents of its daemons, as JSON text.
    Rendered {
        /// `dns.json`, where it is a nameserver.
        dns: Option<String>,
        /// `proxy.json`, where it is a proxy.
        proxy: Option<String>,
        /// What can be built and pushed of it, where that was evaluated.
        deployable: Option<Deployable>,
    },
}

impl System {
    /// The configuration of its nameserver; `None` without one, or if its document is not valid.
    pub fn dns_config(&self) -> Option<DnsConfig> {
        match self {
            System::Rendered { dns: Some(text), .. } => config::dns::parse(Path::new("dns.json"), text).ok(),
            _ => None,
        }
    }

    /// The configuration of its proxy, likewise.
    pub fn proxy_config(&self) -> Option<ProxyConfig> {
        match self {
            System::Rendered { proxy: Some(text), .. } => config::proxy::parse(Path::new("proxy.json"), text).ok(),
            _ => None,
        }
    }

    /// What can be built and pushed of it, where that was evaluated.
    pub fn deployable(&self) -> Option<&Deployable> {
        match self {
            System::Rendered { deployable, .. } => deployable.as_ref(),
            System::Refused(_) => None,
        }
    }
}

/// What a push needs of a system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployable {
    /// Its path in the Nix store.
    pub path: PathBuf,
    /// The store path of the derivation that builds it.
    pub derivation: PathBuf,
}
