//! The JSON of the nameserver's admin API, shared by the daemon and the operator's verbs.
//!
//! - `GET /status` [`Status`]
//! - `GET /explain?name=N` [`Explanation`] (A and AAAA; CNAMEs inside our zones are followed)
//! - `POST /forget` [`crate::daemon::operator::ForgetCommand`] -> [`Done`]; 404
//! - of this and the next: 400 if a text or time is beyond its bound ([`crate::daemon::bounds`])
//! - `POST /operator` [`crate::daemon::operator::OperatorCommand`] -> [`Done`]; 404 unknown subject, 409 refused (the
//!   last usable member without `force`)
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
    /// When the last answer given out before may still be cached until, in milliseconds since the epoch.
    #[serde(default)]
    pub cached_until: Option<u64>,
}

/// All of a nameserver at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Always `nameserver`.
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
    /// Checked and serving.
    pub ready: bool,
    /// It is stopping.
    pub draining: bool,
    /// The addresses it listens on.
    pub listeners: Vec<String>,
    /// Queries answered since the start.
    pub queries: u64,
    /// By apex.
    pub zones: Vec<ZoneStatus>,
    /// By name.
    pub pools: Vec<PoolStatus>,
    /// By name.
    pub peers: Vec<PeerStatus>,
    /// What the operator should look at, in words; empty is well.
    pub alarms: Vec<String>,
    /// When and how the last reload ended, in words.
    pub last_reload: Option<String>,
}

/// One zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneStatus {
    /// Its apex, without the final dot.
    pub name: String,
    /// The SOA's serial.
    pub serial: u32,
    /// Records in the files.
    pub records: usize,
}

/// One pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolStatus {
    /// Its name, without the final dot.
    pub name: String,
    /// Of its A and AAAA.
    pub ttl: u32,
    /// The addresses it answers with now.
    pub answers: Vec<String>,
    /// The `when_all_down` policy decides the answer, and which.
    pub all_down: Option<String>,
    /// By name.
    pub members: Vec<MemberStatus>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberStatus {
    /// Its name.
    pub name: String,
    /// What the operator says.
    pub operator: OperatorState,
    /// Who, when, why.
    pub word: Option<Word>,
    /// Each with its own check.
    pub addresses: Vec<AddressStatus>,
}

/// One address of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressStatus {
    /// The address.
    pub address: String,
    /// What checks say.
    pub check: Verdict,
    /// The last probe's outcome.
    pub check_reason: String,
    /// Since when, in milliseconds since the epoch.
    pub check_since: u64,
    /// It is in the answer now.
    pub answered: bool,
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
}

/// What is answered for a name and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The zone it belongs to; none: REFUSED.
    pub zone: Option<String>,
    /// The names the answer leads through, CNAMEs first, the last one the owner of the addresses.
    pub chain: Vec<String>,
    /// The pool at the end of the chain.
    pub pool: Option<String>,
    /// The addresses answered, A then AAAA.
    pub addresses: Vec<String>,
    /// Of the addresses, in seconds.
    pub ttl: Option<u32>,
    /// What decided, each a sentence.
    pub because: Vec<String>,
}
