//! The JSON of the nameserver's admin API.
//!
//! - `GET /status` gives [`Status`].
//! - `GET /explain?name=N` gives [`Explanation`]: A and AAAA; CNAMEs inside our zones are followed.
//! - `GET /counters` gives [`Counters`](super::counters::Counters).
//! - `POST /operator` takes [`OperatorCommand`](super::operator::OperatorCommand) and gives [`Done`](super::daemon::Done); 404:
//!   unknown subject; 409: it would take the last usable member, or one of the last
//!   while peers do not answer or take others away, and there is no `force`; 507: it is in force, but not on disk.
//! - `POST /forget` takes [`ForgetCommand`](super::operator::ForgetCommand) and gives [`Done`](super::daemon::Done); 404.
//! - `POST /dnstap` takes [`DnstapCommand`] and gives [`Done`](super::daemon::Done); 409: the document has no `dnstap`.
//! - All of them answer 400 if a text or time is beyond its limit ([`super::bounds`]).
//! - `POST /operator` with `"dry_run": true` changes nothing: it says what would come of it, or refuses it.
//! - `POST /reload` gives [`Done`](super::daemon::Done), or 422 with `{"error": TEXT, "findings": [TEXT, …]}` and nothing changed.
//! - `GET /sockets` gives the listening sockets; `GET /metrics`, `GET /`, `POST /takeover`.

mod dnssec;
mod dnstap;
mod zone_queries;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::certificates::CertificateStatus;
use super::daemon::DaemonStatus;
use super::operator::{OperatorNote, OperatorState};
use crate::health::Verdict;

pub use dnssec::{
    DnssecStatus, GivenBy, ZoneKeyChange, ZoneKeyRole, ZoneKeySchedule, ZoneKeyStatus, ZoneKeyStep, refresh,
};
pub use dnstap::{DnstapCommand, DnstapNote, DnstapStatus};
pub use zone_queries::{CookieQueries, LimitedResponses, OtherZones, ZoneQueries};

/// A nameserver's whole status at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What both daemons have; its keys stand beside the others.
    #[serde(flatten)]
    pub daemon: DaemonStatus,
    /// Queries answered since the start.
    pub queries: u64,
    /// The machine has no IPv6 of its own.
    #[serde(default)]
    pub no_ipv6: bool,
    /// Those that are served, by apex.
    pub zones: Vec<ZoneStatus>,
    /// Those whose names are answered SERVFAIL, by apex.
    #[serde(default)]
    pub failed_zones: Vec<FailedZone>,
    /// Of the zones that are not counted each by itself; none: all are, or it is a nameserver of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_zones: Option<OtherZones>,
    /// What was counted of names that are in no zone here; none: by a nameserver of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_zone: Option<ZoneQueries>,
    /// Where queries and responses go; none: the document says nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dnstap: Option<DnstapStatus>,
    /// By name.
    pub pools: Vec<PoolStatus>,
    /// Names that answer a certificate authority's challenges now, by the proxy, or the nameserver, that told them.
    #[serde(default)]
    pub challenges: Vec<ChallengeStatus>,
    /// Its certificates, by file.
    #[serde(default)]
    pub certificates: Vec<CertificateStatus>,
}

/// A name at which challenges of a certificate authority are answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeStatus {
    /// It, without the final dot.
    pub name: String,
    /// The proxy that told its values.
    pub proxy: String,
    /// How many values.
    pub values: usize,
    /// For how long, unless it is told again, in milliseconds.
    pub left_ms: u64,
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
    /// Why it is served from its last good copy; none: it is served from its file.
    #[serde(default)]
    pub copy_because: Option<String>,
    /// The catalog of other nameservers that lists it; none: it is the document's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<String>,
    /// How its document has it signed here, as `nsec with signatures of 14d`. Empty: it does not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub signed: String,
    /// How that stands; none: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dnssec: Option<DnssecStatus>,
    /// What was counted of its queries; none: together with other zones, or by a nameserver of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queries: Option<ZoneQueries>,
}

/// A zone that could not be read, and has no good copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedZone {
    /// Its apex, without the final dot.
    pub name: String,
    /// Why.
    pub because: String,
}

/// One pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolStatus {
    /// Its name, without the final dot.
    pub name: String,
    /// Of all that its document says of it: the same wherever that is the same. Empty: of an earlier version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fingerprint: String,
    /// Of its A and AAAA.
    pub ttl: u32,
    /// The addresses it answers with now.
    pub answers: Vec<String>,
    /// By location, what clients there get instead, to whom some members are near.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub near: BTreeMap<String, Vec<String>>,
    /// The `when_all_down` policy decides the answer, and which.
    pub all_down: Option<String>,
    /// What decides the answer.
    #[serde(default)]
    pub decided_by: DecidedBy,
    /// This nameserver alone finds every member down: which peers reach some, in a few words.
    #[serde(default)]
    pub isolated: Option<String>,
    /// No member is up and no peer is heard: until when the answer from before is kept, in milliseconds since the epoch.
    #[serde(default)]
    pub kept_until: Option<u64>,
    /// By name.
    pub members: Vec<MemberStatus>,
}

/// What decides which addresses of each family are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DecidedBy {
    /// Of A.
    pub a: Reason,
    /// Of AAAA.
    pub aaaa: Reason,
}

/// What decides which addresses are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The nameserver's own checks.
    #[default]
    Checks,
    /// Those of its peers: it finds no member up, and most of them do.
    Peers,
    /// The answer from before is kept for a time: it finds no member up, and hears no peer who could say more.
    Kept,
    /// The A of the same members: the nameserver has no IPv6 of its own.
    FollowsA,
    /// `when_all_down`: nobody finds one up.
    AllDown,
}

impl Reason {
    /// All of them.
    pub const ALL: [Reason; 5] = [Reason::Checks, Reason::Peers, Reason::Kept, Reason::FollowsA, Reason::AllDown];

    /// As it stands in JSON and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Checks => "checks",
            Reason::Peers => "peers",
            Reason::Kept => "kept",
            Reason::FollowsA => "follows_a",
            Reason::AllDown => "all_down",
        }
    }
}

impl PoolStatus {
    /// Whether every address of every member is answered because it is up and wanted.
    pub fn is_well(&self) -> bool {
        let are_answered = |member: &MemberStatus| member.addresses.iter().all(|address| address.answered);
        self.all_down.is_none() && self.members.iter().all(|member| member.is_well() && are_answered(member))
    }
}

impl MemberStatus {
    /// Whether checks and operator let it be answered.
    pub fn is_well(&self) -> bool {
        self.operator == OperatorState::Ready
            && self.addresses.iter().all(|address| address.check == Verdict::Up || address.unjudged)
    }
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberStatus {
    /// Its name.
    pub name: String,
    /// The operator state in force.
    pub operator: OperatorState,
    /// Who set it, when, why and until when.
    #[serde(alias = "word")]
    pub note: Option<OperatorNote>,
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
    /// What its check says counts for nothing: this nameserver has no IPv6 of its own.
    #[serde(default)]
    pub unjudged: bool,
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
