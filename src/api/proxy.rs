//! The JSON of the proxy's admin API, shared by the daemon and the operator's verbs.
//!
//! - `GET /status` [`Status`]
//! - `GET /explain?host=H&path=P&cookie=C` [`Explanation`] (`cookie`: a whole Cookie field, optional)
//! - `POST /operator` [`crate::daemon::operator::OperatorCommand`] -> [`Done`]; 404 unknown subject, 409 refused (the
//!   words say what to do instead, e.g. draining an active backend names `polder failover`)
//! - `POST /failover` [`FailoverCommand`], `POST /failback` [`FailbackCommand`] -> [`Done`]; 404, 409
//! - `POST /forget` [`crate::daemon::operator::ForgetCommand`] -> [`Done`]; 404, 409
//! - of these four: 400 if a text or time is beyond its bound ([`crate::daemon::bounds`])
//! - `POST /reload` -> [`Done`]; 422 with `{"error": TEXT, "findings": [TEXT, …]}` and nothing changed
//! - `GET /sockets` [`crate::daemon::sockets::Listing`]
//! - `POST /takeover`, `GET /metrics`, `GET /`

use serde::{Deserialize, Serialize};

use crate::daemon::operator::{OperatorState, Word};
use crate::health::Verdict;

/// What was done, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// For the operator.
    pub done: String,
    /// The generation of the snapshot that has it.
    pub generation: u64,
}

/// All of a proxy at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Always `proxy`.
    pub role: String,
    /// Its name.
    pub name: String,
    /// polder's version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Seconds since it started.
    pub uptime_s: u64,
    /// Of the snapshot.
    pub generation: u64,
    /// What `/.polder/ready` answers.
    pub ready: bool,
    /// It is stopping.
    pub draining: bool,
    /// The addresses it listens on.
    pub listeners: Vec<String>,
    /// Clients' connections now.
    pub connections: usize,
    /// Requests read since the start.
    pub requests: u64,
    /// By name.
    pub services: Vec<ServiceStatus>,
    /// By name.
    pub peers: Vec<PeerStatus>,
    /// What the operator should look at, in words; empty is well.
    pub alarms: Vec<String>,
    /// When and how the last reload ended, in words.
    pub last_reload: Option<String>,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Its name.
    pub name: String,
    /// Its host patterns.
    pub hosts: Vec<String>,
    /// `stateless`, `sticky`, `latched`.
    pub mode: String,
    /// It has a backend to send a request to.
    pub usable: bool,
    /// The latch, for a latched one.
    pub latch: Option<LatchStatus>,
    /// In the order of the document.
    pub backends: Vec<BackendStatus>,
}

/// A latch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatchStatus {
    /// The active backend; none while undecided.
    pub active: Option<String>,
    /// Its epoch.
    pub epoch: u64,
    /// The proxy that moved it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When, in milliseconds since the epoch.
    pub at: u64,
    /// Backends failed away from, not to be used until failback.
    pub spent: Vec<String>,
    /// It is on disk.
    pub stored: bool,
}

/// A backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackendStatus {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Its weight.
    pub weight: u32,
    /// Primary or backup.
    pub backup: bool,
    /// What checks say.
    pub check: Verdict,
    /// The last probe's outcome.
    pub check_reason: String,
    /// Since when, in milliseconds since the epoch.
    pub check_since: u64,
    /// What the operator says.
    pub operator: OperatorState,
    /// Who, when, why.
    pub word: Option<Word>,
    /// Requests running now.
    pub running: u64,
    /// Requests sent.
    pub requests: u64,
}

/// A peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerStatus {
    /// Its name.
    pub name: String,
    /// When it was last heard, in milliseconds since the epoch.
    pub heard: Option<u64>,
    /// Why the last try failed.
    pub error: Option<String>,
    /// Services whose latch differs there.
    pub differs: Vec<String>,
}

/// Why a request would go where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The service it routes to.
    pub service: Option<String>,
    /// The host pattern and path prefix that matched, or why none did.
    pub route: String,
    /// The backend; none: 404 or 503, or it waits.
    pub backend: Option<String>,
    /// What decided, in order, each a sentence: latch, cookie, health, operator states, weights.
    pub because: Vec<String>,
}

/// The body of `POST /failover`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailoverCommand {
    /// The service.
    pub service: String,
    /// To this backend; none: the first usable backup in order.
    #[serde(default)]
    pub to: Option<String>,
    /// Who says it.
    pub who: String,
    /// Why.
    #[serde(default)]
    pub why: String,
}

/// The body of `POST /failback`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailbackCommand {
    /// The service.
    pub service: String,
    /// Who says it.
    pub who: String,
    /// Why.
    #[serde(default)]
    pub why: String,
}
