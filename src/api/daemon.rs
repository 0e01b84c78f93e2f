//! What both daemons say of themselves alike, and which of the two one is.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One of polder's two daemons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Daemon {
    /// `polder-proxy`.
    Proxy,
    /// `polder-dns`.
    Nameserver,
}

impl Daemon {
    /// Both.
    pub const ALL: [Daemon; 2] = [Daemon::Proxy, Daemon::Nameserver];

    /// Its role in the fleet, as output, metrics and JSON name it.
    pub fn name(self) -> &'static str {
        match self {
            Daemon::Proxy => "proxy",
            Daemon::Nameserver => "nameserver",
        }
    }

    /// The program, which is also its unit and its user.
    pub fn program(self) -> &'static str {
        match self {
            Daemon::Proxy => "polder-proxy",
            Daemon::Nameserver => "polder-dns",
        }
    }

    /// The file name of its document under /etc/polder.
    pub fn document(self) -> &'static str {
        match self {
            Daemon::Proxy => "proxy.json",
            Daemon::Nameserver => "dns.json",
        }
    }

    /// Where the NixOS modules put its admin socket.
    pub fn host_socket(self) -> &'static str {
        match self {
            Daemon::Proxy => "/run/polder-proxy/admin.sock",
            Daemon::Nameserver => "/run/polder-dns/admin.sock",
        }
    }
}

impl fmt::Display for Daemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The part of a status that both daemons have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DaemonStatus {
    /// Which daemon it is.
    pub role: Daemon,
    /// Its name.
    pub name: String,
    /// polder's version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Seconds since the process started.
    pub uptime_s: u64,
    /// The number of the snapshot in force.
    pub generation: u64,
    /// It has checked its targets and serves; in a proxy, `/.polder/ready` answers 200.
    pub ready: bool,
    /// It is stopping.
    pub draining: bool,
    /// The addresses it listens on.
    pub listeners: Vec<String>,
    /// What its document says that the fleet's daemons of its kind have alike, by top-level key: a number that is the same for the same
    /// settings.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Its peers, by name.
    pub peers: Vec<PeerStatus>,
    /// What the operator should look at, each a sentence; empty if all is well.
    pub alarms: Vec<String>,
    /// When and how the last reload ended.
    pub last_reload: Option<String>,
}

/// What a daemon knows of one of its peers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerStatus {
    /// The peer's name.
    pub name: String,
    /// When its last message arrived, in milliseconds since the epoch.
    pub heard: Option<u64>,
    /// Why the last exchange failed.
    pub error: Option<String>,
    /// In a proxy: the services whose latch differs there.
    #[serde(default)]
    pub differs: Vec<String>,
}

/// The answer to a command that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// What was done, as a sentence for the operator.
    pub done: String,
    /// The number of the first snapshot that has it.
    pub generation: u64,
    /// In a nameserver: until when resolvers may still cache the last answer given before, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_until: Option<u64>,
    /// It was so already: nothing has changed.
    #[serde(default, skip_serializing_if = "super::operator::is_false")]
    pub unchanged: bool,
}
