//! The evaluated fleet: hosts, zones, pools and every host's documents as data, and what must hold across hosts.
//!
//! Owns the types of the fleet document (`polder check --fleet`; rendered by `modules/fleet/evaluated.nix`), and in
//! [`check`] what no host can find out alone. Reads the zone files that the document names and nothing else. Must never:
//! run a program, open a socket, change a file. Called by the operator's verbs.

pub mod check;
mod read;
#[cfg(test)]
mod tests;

pub use read::{load, parse};

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fleet {
    /// The machines by name.
    pub hosts: BTreeMap<String, Host>,
    /// The zones by apex, lower case, without the final dot.
    pub zones: BTreeMap<String, Zone>,
    /// The pools by name, likewise.
    pub pools: BTreeMap<String, Pool>,
    /// What evaluation made of each host, by name.
    pub systems: BTreeMap<String, System>,
}

/// One machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Where it stands.
    pub location: String,
    /// What it does.
    pub roles: Vec<Role>,
    /// Where it is reached.
    pub addresses: Vec<IpAddr>,
}

impl Host {
    /// Whether it has a role.
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// What a host does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}

/// One zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Its master file, where the operator edits it.
    pub file: PathBuf,
    /// The hosts that are to answer for it.
    pub nameservers: Vec<String>,
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
    /// These assertions of its modules failed. It has no documents then.
    Refused(Vec<String>),
    /// Its daemons' documents, as JSON text.
    Rendered {
        /// `dns.json`, where it is a nameserver.
        dns: Option<String>,
        /// `proxy.json`, where it is a proxy.
        proxy: Option<String>,
    },
}
