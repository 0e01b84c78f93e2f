//! The documents, zone and keys of a demo fleet, rendered as an operator's configuration would render them.
//!
//! Pure: addresses, paths and times go in, text comes out. Called by [`super::fleet`] at the start and by drill rows
//! that change a document.

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use serde_json::{Map, Value, json};

use super::addresses::{Addresses, BACKENDS, NAMESERVERS, PROXIES};

/// The apex of the fleet's zone (a name that never exists outside: RFC 6761, 6.2).
pub const ZONE: &str = "polder.test";
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
    /// How often peers speak (not configurable; DESIGN 7).
    pub peers: Duration,
}

impl Times {
    /// Those of the demo.
    pub const SCALED: Times = Times {
        ttl: Duration::from_secs(5),
        interval: Duration::from_millis(200),
        timeout: Duration::from_millis(150),
        fall: 3,
        peers: Duration::from_secs(1),
    };

    /// What a document without any times means.
    pub const DEFAULT: Times = Times {
        ttl: Duration::from_secs(300),
        interval: Duration::from_secs(2),
        timeout: Duration::from_secs(1),
        fall: 3,
        peers: Duration::from_secs(1),
    };

    /// How long a target can be dead before the check must have said so (DESIGN 6).
    pub fn detection(&self) -> Duration {
        self.interval + self.timeout + (self.interval / 4).max(self.timeout) * (self.fall - 1)
    }
}

/// Where a daemon keeps its things: `DIRECTORY/NAME/{admin.sock,state,…}`.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// The fleet's folder.
    pub directory: &'a Path,
    /// The fleet's addresses.
    pub addresses: &'a Addresses,
    /// The fleet's times.
    pub times: Times,
}

/// The name of nameserver `index`.
pub fn nameserver_name(index: usize) -> String {
    format!("ns-{}", index + 1)
}

/// The name of proxy `index`.
pub fn proxy_name(index: usize) -> String {
    format!("px-{}", index + 1)
}

/// The name of the stateless service's backend `index`.
pub fn stateless_name(index: usize) -> String {
    format!("web{}", index + 1)
}

/// The name of the stateful service's backend `index`; the first is the primary.
pub fn stateful_name(index: usize) -> String {
    format!("shop{}", index + 1)
}

fn milliseconds(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

impl Places<'_> {
    fn check(&self, path: &str, port: Option<u16>) -> Value {
        let mut check = Map::new();
        check.insert("path".into(), path.into());
        if let Some(port) = port {
            check.insert("port".into(), port.into());
        }
        check.insert("interval".into(), milliseconds(self.times.interval).into());
        check.insert("timeout".into(), milliseconds(self.times.timeout).into());
        check.insert("fall".into(), self.times.fall.into());
        check.into()
    }

    fn admin(&self, name: &str, page: std::net::SocketAddr) -> Value {
        json!({ "socket": self.directory.join(name).join("admin.sock"), "address": page })
    }

    /// `proxy.json` of proxy `index`.
    pub fn proxy(&self, index: usize) -> Value {
        let name = proxy_name(index);
        let peers: Map<String, Value> =
            (0..PROXIES).map(|peer| (proxy_name(peer), json!(self.addresses.proxy_peer(peer)))).collect();
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
        json!({
            "version": 1,
            "name": name,
            "listeners": [{ "name": "http", "address": self.addresses.proxy(index) }],
            "admin": self.admin(&name, self.addresses.proxy_page(index)),
            "state_dir": self.directory.join(&name).join("state"),
            "peers": {
                "listen": self.addresses.proxy_peer(index),
                "key_file": self.directory.join("proxy-peers.key"),
                "members": peers,
            },
            "timeouts": { "connect": milliseconds(self.times.timeout), "drain": "2s" },
            "services": {
                STATELESS: {
                    "hosts": [STATELESS_HOST, ZONE],
                    "mode": "stateless",
                    "backends": stateless,
                    "check": self.check("/healthz", None),
                },
                STATEFUL: {
                    "hosts": [STATEFUL_HOST],
                    "mode": "stateful",
                    "failover": "permanent",
                    "start_grace": "1s",
                    "failover_drain": "500ms",
                    "backends": stateful,
                    "check": self.check("/healthz", Some(self.addresses.check_port(index))),
                    "cookie": { "value": "sealed", "key_file": self.directory.join("cookies.key") },
                },
            },
        })
    }

    /// `dns.json` of nameserver `index`.
    pub fn nameserver(&self, index: usize) -> Value {
        let name = nameserver_name(index);
        let peers: Map<String, Value> =
            (0..NAMESERVERS).map(|peer| (nameserver_name(peer), json!(self.addresses.nameserver_peer(peer)))).collect();
        let members: Map<String, Value> = (0..PROXIES)
            .map(|proxy| (proxy_name(proxy), json!({ "addresses": [self.addresses.proxy(proxy).ip()] })))
            .collect();
        json!({
            "version": 1,
            "name": name,
            "listeners": [self.addresses.nameserver(index)],
            "admin": self.admin(&name, self.addresses.nameserver_page(index)),
            "state_dir": self.directory.join(&name).join("state"),
            "peers": {
                "listen": self.addresses.nameserver_peer(index),
                "key_file": self.directory.join("nameserver-peers.key"),
                "members": peers,
            },
            "workers": 2,
            // Its visitors all come from this machine, at hundreds of queries a second.
            "rate_limit": { "exempt": ["127.0.0.0/8"] },
            "drain": "2s",
            "zones": { ZONE: { "file": self.directory.join("polder.test.zone") } },
            "pools": {
                POOL: {
                    "ttl": self.times.ttl.as_secs(),
                    "aliases": [ZONE],
                    "when_all_down": "all",
                    "members": members,
                    "check": self.check("/.polder/ready", Some(self.addresses.http_port())),
                },
            },
        })
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
pub fn key_file() -> Result<String, String> {
    use ring::rand::SecureRandom;
    let mut key = [0_u8; 32];
    ring::rand::SystemRandom::new().fill(&mut key).map_err(|_| "the system gives no random bytes".to_owned())?;
    Ok(format!("{}\n", base64::engine::general_purpose::STANDARD.encode(key)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn with_places(check: impl FnOnce(Places<'_>)) {
        let addresses = Addresses::claim().unwrap();
        check(Places { directory: Path::new("/run/demo"), addresses: &addresses, times: Times::SCALED });
    }

    #[test]
    fn scaled_times_bound_detection_to_650_ms_and_the_defaults_to_5_s() {
        assert_eq!(Times::SCALED.detection(), Duration::from_millis(650));
        assert_eq!(Times::DEFAULT.detection(), Duration::from_secs(5));
    }

    #[test]
    fn proxies_differ_only_in_what_is_their_own() {
        with_places(|places| {
            let mut first = places.proxy(0);
            let mut second = places.proxy(1);
            for document in [&mut first, &mut second] {
                for own in ["name", "listeners", "admin", "state_dir"] {
                    document[own] = Value::Null;
                }
                document["peers"]["listen"] = Value::Null;
                document["services"][STATEFUL]["check"]["port"] = Value::Null;
            }
            assert_eq!(first, second);
        });
    }

    #[test]
    fn the_daemons_own_readers_accept_the_documents() {
        with_places(|places| {
            for index in 0..PROXIES {
                let text = places.proxy(index).to_string();
                let read = crate::config::proxy::parse(Path::new("proxy.json"), &text).unwrap();
                let target = &read.services[STATEFUL].target;
                let crate::config::proxy::Target::Backends(backends) = target;
                assert_eq!(backends.check.detection_bound(), Times::SCALED.detection());
            }
            for index in 0..NAMESERVERS {
                let text = places.nameserver(index).to_string();
                crate::config::dns::parse(Path::new("dns.json"), &text).unwrap();
            }
        });
    }
}
