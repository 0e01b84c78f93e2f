//! The JSON of the proxy's admin API.
//!
//! - `GET /status` gives [`Status`].
//! - `GET /explain?scheme=S&host=H&port=N&path=P&query=Q&cookie=C&from=A` gives [`Explanation`]; `scheme` is `http` or `https`, `query`
//!   begins with its question mark, `cookie` is a whole Cookie field, `from` the visitor's address; all but the host are optional.
//! - `GET /why?id=ID` gives [`Why`](super::why::Why).
//! - `GET /counters` gives [`Counters`](super::counters::Counters).
//! - `POST /operator` takes [`OperatorCommand`](super::operator::OperatorCommand) and gives [`Done`](super::daemon::Done); 404:
//!   unknown subject; 409: refused, and the message says what to do instead (of an active backend it names `polder failover`).
//! - `POST /failover` takes [`FailoverCommand`], `POST /failback` [`FailbackCommand`], `POST /forget`
//!   [`ForgetCommand`](super::operator::ForgetCommand); they give [`Done`](super::daemon::Done), or 404 or 409.
//! - These four answer 400 if a text or time is beyond its limit ([`super::bounds`]), and 507 if what they changed is in force, but
//!   not on disk.
//! - `POST /operator`, `POST /failover` and `POST /failback` with `"dry_run": true` change nothing: they say what would come of it, or refuse it.
//! - `POST /reload` gives [`Done`](super::daemon::Done), or 422 with `{"error": TEXT, "findings": [TEXT, …]}` and nothing changed.
//! - `GET /sockets` gives the listening sockets; `GET /metrics`, `GET /`, `POST /takeover`.

use serde::{Deserialize, Serialize};

use super::agreement::Cluster;
use super::certificates::CertificateStatus;
use super::daemon::DaemonStatus;
use super::operator::{OperatorNote, OperatorState};
use crate::health::Verdict;

/// A proxy's whole status at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What both daemons have; its keys stand beside the others.
    #[serde(flatten)]
    pub daemon: DaemonStatus,
    /// Clients' connections now.
    pub connections: usize,
    /// Requests read since the start.
    pub requests: u64,
    /// Its services, by name.
    pub services: Vec<ServiceStatus>,
    /// Its certificates, by file.
    #[serde(default)]
    pub certificates: Vec<CertificateStatus>,
    /// The members of etcd by which it agrees with its peers; none where its document names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Cluster>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Its name.
    pub name: String,
    /// Of all that its document says of it: the same wherever that is the same. Empty: of an earlier version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fingerprint: String,
    /// Its host patterns.
    pub hosts: Vec<String>,
    /// `stateless`, `sticky`, `latched`; `redirect`, `answer`, `files` of one without backends.
    pub mode: String,
    /// What answers instead of backends, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// It has a backend to send a request to, or needs none.
    pub usable: bool,
    /// Why not, where neither checks nor operator states are the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_unusable: Option<String>,
    /// The latch, for a latched one.
    pub latch: Option<LatchStatus>,
    /// In the order of the document.
    pub backends: Vec<BackendStatus>,
}

impl ServiceStatus {
    /// Whether visitors get it from every backend, and from a primary where one is active, as the document has it.
    pub fn is_well(&self) -> bool {
        self.usable
            && self.backends.iter().all(BackendStatus::is_well)
            && self.latch.as_ref().is_none_or(|latch| latch.stored && self.is_primary(latch.active.as_deref()))
    }

    fn is_primary(&self, name: Option<&str>) -> bool {
        self.backends.iter().any(|backend| !backend.backup && name == Some(&*backend.name))
    }
}

impl BackendStatus {
    /// Whether checks and operator let visitors come.
    pub fn is_well(&self) -> bool {
        self.check == Verdict::Up && self.operator == OperatorState::Ready
    }
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
    /// The operator state in force.
    pub operator: OperatorState,
    /// Who set it, when, why and until when.
    #[serde(alias = "word")]
    pub note: Option<OperatorNote>,
    /// Requests running now.
    pub running: u64,
    /// Requests sent.
    pub requests: u64,
    /// Those of them whose cookie named it; none: no cookie decides where its service's visitors go, or the proxy is of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_cookie: Option<ByCookie>,
}

/// Requests of visitors who are bound to a backend by their cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByCookie {
    /// Since the proxy started.
    pub requests: u64,
    /// In the last ten minutes, the present one among them.
    pub lately: u64,
}

/// Why a request would go where.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Explanation {
    /// The service it routes to.
    pub service: Option<String>,
    /// The host pattern and path prefix that matched, or why none did.
    pub route: String,
    /// The backend; none: 404 or 503, or it waits, or no backend is needed.
    pub backend: Option<String>,
    /// What answers instead of backends: `redirect`, `answer`, `files`; `proxy` where no service is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What the visitor gets who is served nothing: a status, or `no connection`, `no handshake`. None: he is served, or no
    /// backend may serve him. Of a proxy of an earlier version always none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// What decided, in order, each a sentence: listener, certificate, latch, cookie, health, operator states, weights.
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
    /// Who asks for it.
    pub who: String,
    /// Why.
    #[serde(default)]
    pub why: String,
    /// Only say what would come of it, or why it is refused.
    #[serde(default, skip_serializing_if = "super::operator::is_false")]
    pub dry_run: bool,
    /// Though the proxies cannot agree: the operator's last word.
    #[serde(default, skip_serializing_if = "super::operator::is_false")]
    pub without_agreement: bool,
}

/// The body of `POST /failback`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailbackCommand {
    /// The service.
    pub service: String,
    /// Who asks for it.
    pub who: String,
    /// Why.
    #[serde(default)]
    pub why: String,
    /// Only say what would come of it, or why it is refused.
    #[serde(default, skip_serializing_if = "super::operator::is_false")]
    pub dry_run: bool,
}
