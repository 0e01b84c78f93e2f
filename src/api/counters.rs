//! `GET /counters` of both daemons: what they have counted since their process began, for whoever takes the difference of two readings.
//!
//! Two readings of one process, a time apart by its own clock, give rates and times of what lay between them. Another process, after
//! a restart or a takeover, counts anew, and says so by another `process`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The path.
pub const PATH: &str = "/counters";

/// What a daemon has counted, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// The daemon's name.
    pub name: String,
    /// Which process has counted: drawn at random at its start.
    pub process: String,
    /// When, in microseconds since the process began. It never goes back, and goes on while the machine sleeps.
    pub at_us: u64,
    /// What it counts, under the name of its role.
    #[serde(flatten)]
    pub of: Counted,
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Counted {
    /// By a proxy.
    Proxy(ProxyCounters),
    /// By a nameserver.
    Nameserver(NameserverCounters),
}

/// What a proxy has counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProxyCounters {
    /// Clients' connections now.
    pub connections: u64,
    /// Visitors' requests read, those that match no service among them.
    pub requests: u64,
    /// The upper bounds of all buckets of times but the last, in microseconds.
    pub bounds_us: Vec<u64>,
    /// Of each service.
    pub services: BTreeMap<String, ServiceCounters>,
}

/// What a proxy has counted of one service's visitors, each when the request was over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ServiceCounters {
    /// Requests that its backends are answering now.
    pub running: u64,
    /// Responses: none (the visitor had left, or was cut off), 1xx, 2xx, 3xx, 4xx, 5xx.
    pub responses: [u64; 6],
    /// Those of 5xx that a backend has sent; the others are the proxy's own.
    pub backends_errors: u64,
    /// Those of 503, by the two letters of how the request ended, or `other`; without those that have not been.
    pub unavailable: BTreeMap<String, Unavailable>,
    /// From a request's first byte to its response's last, in buckets.
    pub requests: Vec<u64>,
    /// Waits for a verdict or a busy backend, of those that waited, in buckets.
    pub waits: Vec<u64>,
    /// From a request sent to the head of the backend's response, in buckets.
    pub backends: Vec<u64>,
}

/// Answers 503 of one cause.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Unavailable {
    /// How many.
    pub count: u64,
    /// The cause, in words.
    pub words: String,
}

/// What a nameserver has counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NameserverCounters {
    /// Responses by code: `NOERROR`, `NXDOMAIN`, ...
    pub responses: BTreeMap<String, u64>,
    /// Those about names of a zone, by its apex, and by code: `NOERROR`, `NXDOMAIN`, `SERVFAIL`, `other`. Under an empty
    /// name those of zones that are counted together, under `none` those about names in no zone here.
    pub zones: BTreeMap<String, BTreeMap<String, u64>>,
    /// Responses that were not sent because of the rate limit.
    pub dropped: u64,
}
