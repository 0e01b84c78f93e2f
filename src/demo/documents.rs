//! The documents, zone and keys of a demo fleet, rendered as an operator's configuration would render them.
//!
//! Pure: addresses, paths and times go in, text comes out. Called by [`super::fleet`] at the start and by drill rows
//! that change a document.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use serde_json::{Map, Value, json};

use super::addresses::{Addresses, BACKENDS, NAMESERVERS, PROXIES};
use super::identities::{self, Identities};

pub use super::names::{nameserver_name, proxy_name, stateful_name, stateless_name};

/// The apex of the fleet's zone (a name that never exists outside: RFC 6761, 6.2).
pub const ZONE: &str = "polder.test";
/// The folder of its key, in the fleet's folder.
pub const ZONE_KEYS: &str = "dnssec";
/// The pool of proxies.
pub const POOL: &str = "http0.l.polder.test";
/// The stateless service's host name.
pub const STATELESS_HOST: &str = "www.polder.test";
/// The stateful service's host name.
pub const STATEFUL_HOST: &str = "shop.polder.test";
/// The stateless service.
pub const STATELESS: &str = "www";
/// The stateful service.
pub const STATEFUL: &str = "shop";

/// The fleet's times: scaled down, so that a drill takes minutes and not hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Of the pool's addresses; whole seconds.
    pub ttl: Duration,
    /// Between two probes of a settled target.
    pub interval: Duration,
    /// Of a probe.
    pub timeout: Duration,
    /// Failures in a row until down.
    pub fall: u32,
    /// How often peers speak (not configurable).
    pub peers: Duration,
    /// What runs when a daemon ends, or another process takes over, may take so long to its end.
    pub drain: Duration,
}

impl Times {
    /// Those of the drill.
    pub const SCALED: Times = Times {
        ttl: Duration::from_secs(5),
        interval: Duration::from_millis(200),
        timeout: Duration::from_millis(150),
        fall: 3,
        peers: Duration::from_secs(1),
        drain: Duration::from_secs(2),
    };

    /// Those of `polder demo`, on a machine that its user has other work for: a check is not failed by a moment's load.
    pub const DEMO: Times = Times { timeout: Duration::from_secs(1), ..Times::SCALED };

    /// For a machine on which seconds may pass before a process gets to run: a check fails because its target refuses, not
    /// because this machine is busy.
    pub const GENEROUS: Times =
        Times { timeout: Duration::from_secs(20), drain: Duration::from_secs(20), ..Times::SCALED };

    /// What a document without any times means.
    pub const DEFAULT: Times = Times {
        ttl: Duration::from_secs(300),
        interval: Duration::from_secs(2),
        timeout: Duration::from_secs(1),
        fall: 3,
        peers: Duration::from_secs(1),
        drain: Duration::from_secs(30),
    };

    /// How long a target can be dead before the check must have said so (docs/documents.md, `check`).
    pub fn detection(&self) -> Duration {
        self.interval + self.timeout + (self.interval / 4).max(self.timeout) * (self.fall - 1)
    }
}

/// Where a certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain.
    pub chain: PathBuf,
    /// The key, mode 0600.
    pub key: PathBuf,
}

impl CertificateFiles {
    /// Those of a host, in the fleet's folder.
    pub fn of(folder: &Path, host: &str) -> CertificateFiles {
        CertificateFiles { chain: folder.join(format!("{host}.pem")), key: folder.join(format!("{host}.key")) }
    }
}

/// Where a daemon keeps its things: `DIRECTORY/NAME/{admin.sock,state,…}`.
#[derive(Debug, Clone, Copy)]
pub struct Layout<'a> {
    /// The fleet's folder.
    pub directory: &'a Path,
    /// The fleet's addresses.
    pub addresses: &'a Addresses,
    /// The daemons' public keys.
    pub identities: &'a Identities,
    /// The fleet's times.
    pub times: Times,
}

fn milliseconds(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

impl Layout<'_> {
    fn check(&self, path: &str, port: Option<u16>) -> Value {
        let mut check = json!({
            "path": path,
            "interval": milliseconds(self.times.interval),
            "timeout": milliseconds(self.times.timeout),
            "fall": self.times.fall,
        });
        if let Some(port) = port {
            check["port"] = port.into();
        }
        check
    }

    fn tls(&self, host: &str) -> Value {
        let CertificateFiles { chain, key } = CertificateFiles::of(self.directory, host);
        json!({ "certificates": [{ "chain_file": chain, "key_file": key }] })
    }

    /// What the documents of both daemons have alike; `peers` are the daemons of its kind.
    fn common(&self, name: &str, page: SocketAddr, listen: SocketAddr, peers: &[(String, SocketAddr)]) -> Value {
        let member = |(name, address): &(String, SocketAddr)| {
            let keys: Vec<String> = self.identities.of(name).iter().map(ToString::to_string).collect();
            (name.clone(), json!({ "address": address, "keys": keys }))
        };
        let folder = self.directory.join(name);
        json!({
            "version": 1,
            "name": name,
            "admin": { "socket": folder.join("admin.sock"), "address": page, "pages": self.pages() },
            "state_dir": folder.join("state"),
            "peers": {
                "listen": listen,
                "key_file": identities::file(self.directory, name),
                "members": peers.iter().map(member).collect::<Map<String, Value>>(),
            },
        })
    }

    /// Where the daemons' pages are.
    fn pages(&self) -> Value {
        let of = |count, name: fn(usize) -> String, page: &dyn Fn(usize) -> SocketAddr| {
            let link = |index| (name(index), format!("http://{}/", page(index)).into());
            (0..count).map(link).collect::<Map<String, Value>>()
        };
        json!({
            "proxies": of(PROXIES, proxy_name, &|index| self.addresses.proxy_page(index)),
            "nameservers": of(NAMESERVERS, nameserver_name, &|index| self.addresses.nameserver_page(index)),
        })
    }

    /// `proxy.json` of proxy `index`.
    pub fn proxy(&self, index: usize) -> Value {
        let name = proxy_name(index);
        let addresses = self.addresses;
        let peers: Vec<_> = (0..PROXIES).map(|peer| (proxy_name(peer), addresses.proxy_peer(peer))).collect();
        let mut document = self.common(&name, addresses.proxy_page(index), addresses.proxy_peer(index), &peers);
        let stateless: Vec<Value> = (0..BACKENDS)
            .map(|backend| {
                json!({ "name": stateless_name(backend), "address": self.addresses.stateless_backend(backend) })
            })
            .collect();
        let stateful: Vec<Value> = (0..BACKENDS)
            .map(|backend| {
                json!({
                    "name": stateful_name(backend),
                    "address": self.addresses.stateful_backend(backend),
                    "backup": backend > 0,
                })
            })
            .collect();
        document["listeners"] = json!([
            { "name": "http", "address": addresses.proxy(index) },
            { "name": "https", "address": addresses.proxy_https(index), "protocol": "https" },
        ]);
        document["timeouts"] =
            json!({ "connect": milliseconds(self.times.timeout), "drain": milliseconds(self.times.drain) });
        document["services"] = json!({
            STATELESS: {
                "hosts": [STATELESS_HOST, ZONE],
                "mode": "stateless",
                "backends": stateless,
                "check": self.check("/healthz", None),
                "tls": self.tls(STATELESS_HOST),
            },
            STATEFUL: {
                "hosts": [STATEFUL_HOST],
                "mode": "stateful",
                "failover": "permanent",
                "start_grace": "1s",
                "failover_drain": "500ms",
                "backends": stateful,
                "check": self.check("/healthz", Some(addresses.check_port(index))),
                "tls": self.tls(STATEFUL_HOST),
                "cookie": { "value": "sealed", "key_file": self.directory.join("cookies.key") },
            },
        });
        document
    }

    /// `dns.json` of nameserver `index`.
    pub fn nameserver(&self, index: usize) -> Value {
        let name = nameserver_name(index);
        let addresses = self.addresses;
        let peers: Vec<_> =
            (0..NAMESERVERS).map(|peer| (nameserver_name(peer), addresses.nameserver_peer(peer))).collect();
        let (page, listen) = (addresses.nameserver_page(index), addresses.nameserver_peer(index));
        let mut document = self.common(&name, page, listen, &peers);
        let members: Map<String, Value> = (0..PROXIES)
            .map(|proxy| (proxy_name(proxy), json!({ "addresses": [self.addresses.proxy(proxy).ip()] })))
            .collect();
        document["listeners"] = json!([addresses.nameserver(index)]);
        document["workers"] = 2.into();
        // Its visitors all come from this machine, at hundreds of queries a second.
        document["rate_limit"] = json!({ "exempt": ["127.0.0.0/8"] });
        document["drain"] = milliseconds(self.times.drain).into();
        document["zones"] = json!({ ZONE: {
            "file": self.directory.join("polder.test.zone"),
            "dnssec": { "keys": self.directory.join(ZONE_KEYS) },
        } });
        document["pools"] = json!({
            POOL: {
                "ttl": self.times.ttl.as_secs(),
                "aliases": [ZONE],
                "when_all_down": "all",
                "members": members,
                "check": self.check("/.polder/ready", Some(addresses.http_port())),
            },
        });
        document
    }

    /// The zone's master file.
    pub fn zone(&self) -> String {
        let mut text = format!(
            "$ORIGIN {ZONE}.\n$TTL {ttl}\n@ IN SOA ns-1 hostmaster 1 3600 600 86400 {ttl}\n",
            ttl = self.times.ttl.as_secs()
        );
        for index in 0..NAMESERVERS {
            text.push_str(&format!("@ IN NS {}\n", nameserver_name(index)));
        }
        for index in 0..NAMESERVERS {
            text.push_str(&format!("{} IN A {}\n", nameserver_name(index), self.addresses.nameserver(index).ip()));
        }
        text.push_str("www IN CNAME http0.l\nshop IN CNAME http0.l\n");
        text
    }
}

/// A key file with one fresh key.
///
/// # Errors
///
/// The system gives no random bytes.
pub fn key_file() -> io::Result<String> {
    let mut key = [0_u8; 32];
    crate::random::fill(&mut key)?;
    Ok(format!("{}\n", base64::engine::general_purpose::STANDARD.encode(key)))
}

#[cfg(test)]
mod tests;
