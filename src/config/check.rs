//! `check`: how a backend or a pool member is probed.
//!
//! A new type of check is a variant of [`ProbeKind`] here, what it sends in `health/probe.rs`, and its row in
//! docs/documents.md.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::backend_protocol::{self, BackendProtocol, BackendTls};
use super::defaults;
use super::names;
use super::reader::{Keys, Object, Read, Value};

/// A check with every default filled in. Two checks that are equal, at one address, are one probe target.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CheckConfig {
    /// What is sent and what must come back.
    pub kind: ProbeKind,
    /// How the target is spoken to. Default: as its service does, or in clear text if it has a port of its own.
    pub protocol: BackendProtocol,
    /// Another port than the target's own. In `dns.json` always `Some` (a member has no port of its own).
    pub port: Option<u16>,
    /// Time between two probes of a settled target. Default 2 s; 10 ms to 1 h.
    pub interval: Duration,
    /// Time between two probes of a target in transition or unchecked. Default `interval` / 4 in whole milliseconds; at
    /// most `interval`.
    pub fast_interval: Duration,
    /// How long a probe may take in all, connect to status line. Default 1 s; 1 ms to 1 min.
    pub timeout: Duration,
    /// Consecutive successes that bring a target up. Default 2; 1 to 100.
    pub rise: u32,
    /// Consecutive failures that take it down. Default 3; 1 to 100.
    pub fall: u32,
}

/// What a probe sends. Saved health holds it in this very form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum ProbeKind {
    /// A TCP connection that opens is a success.
    Tcp,
    /// `GET path HTTP/1.1` with `Host: host` and `Connection: close`.
    Http {
        /// Begins with `/`. Default `/` for a backend, `/.polder/ready` for a pool member.
        path: String,
        /// None: the target's address and port.
        host: Option<String>,
        /// The statuses that are a success. Default 200-399.
        expect: Expect,
    },
}

/// Statuses that count as success: `"200-399"`, `"204"`, `"200,301-302"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Expect(pub Vec<StatusRange>);

/// An inclusive range of statuses, both within 100..=599.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "(u16, u16)", into = "(u16, u16)")]
pub struct StatusRange {
    /// The lowest status of the range.
    pub from: u16,
    /// The highest status of the range.
    pub to: u16,
}

impl From<(u16, u16)> for StatusRange {
    fn from((from, to): (u16, u16)) -> StatusRange {
        StatusRange { from, to }
    }
}

impl From<StatusRange> for (u16, u16) {
    fn from(range: StatusRange) -> (u16, u16) {
        (range.from, range.to)
    }
}

impl fmt::Display for ProbeKind {
    /// As log lines name the check: `TCP`, `GET /healthz`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProbeKind::Tcp => f.write_str("TCP"),
            ProbeKind::Http { path, .. } => write!(f, "GET {path}"),
        }
    }
}

impl fmt::Display for Expect {
    /// As documents have it: `200-399`, `200,301-302`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, StatusRange { from, to }) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            match from == to {
                true => write!(f, "{comma}{from}")?,
                false => write!(f, "{comma}{from}-{to}")?,
            }
        }
        Ok(())
    }
}

impl Expect {
    /// Whether this status is a success.
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| (range.from..=range.to).contains(&status))
    }
}

impl CheckConfig {
    /// How long a target can be dead before the check must have said so:
    /// interval + timeout + (fall - 1) * max(fast_interval, timeout).
    pub fn detection_bound(&self) -> Duration {
        self.interval + self.timeout + self.fast_interval.max(self.timeout) * (self.fall - 1)
    }
}

/// The keys of a check.
pub(super) const KEYS: Keys = Keys {
    object: "check",
    names: &[
        "expect",
        "fall",
        "fast_interval",
        "host",
        "interval",
        "path",
        "port",
        "rise",
        "send_proxy",
        "timeout",
        "tls",
        "type",
    ],
};

const INTERVAL: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(3600);
const SHORTEST_FAST_INTERVAL: Duration = Duration::from_millis(1);
const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(60);
const CONSECUTIVE: RangeInclusive<u32> = 1..=100;

/// The kind of target that a check probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CheckOf {
    /// A backend: it has a port of its own.
    Backend,
    /// A member of a pool: a proxy, which has a path for checks; its address has no port.
    Member,
}

/// The check of a backend whose service states none; a pool's check has a required key (`port`).
pub(super) fn backend_default() -> CheckConfig {
    CheckConfig {
        kind: ProbeKind::Http { path: defaults::BACKEND_CHECK_PATH.to_owned(), host: None, expect: Expect::default() },
        protocol: BackendProtocol::default(),
        port: None,
        interval: defaults::CHECK_INTERVAL,
        fast_interval: defaults::fast_interval(defaults::CHECK_INTERVAL),
        timeout: defaults::CHECK_TIMEOUT,
        rise: defaults::RISE,
        fall: defaults::FALL,
    }
}

impl Default for Expect {
    /// 200-399.
    fn default() -> Expect {
        Expect(vec![defaults::EXPECT.into()])
    }
}

/// Reads a check of a target that is spoken to in this way; `None`: that could not be read.
pub(super) fn read(value: &Value<'_>, of: CheckOf, protocol: Option<&BackendProtocol>) -> Read<CheckConfig> {
    let default = backend_default();
    let check = value.object(&KEYS)?;
    let member_tls = match of {
        CheckOf::Backend => Ok(None),
        CheckOf::Member => check.with_default("tls", None, backend_protocol::read_member_tls),
    };
    let kind = read_kind(&check, of, member_tls.as_ref().ok().and_then(|tls| tls.as_ref()?.server_name.as_deref()));
    let port = match of {
        CheckOf::Backend => check.optional("port", |value| value.integer(1..=u16::MAX)),
        CheckOf::Member => check.required("port", |value| value.integer(1..=u16::MAX)).map(Some),
    };
    let has_own_port = of == CheckOf::Backend && port.as_ref().is_ok_and(Option::is_some);
    let protocol = match of {
        CheckOf::Backend => read_protocol(&check, protocol, has_own_port),
        CheckOf::Member => read_member_protocol(&check, member_tls),
    };
    let interval = check.with_default("interval", default.interval, |value| value.duration(INTERVAL));
    let fast_interval = read_fast_interval(&check, interval);
    let timeout = check.with_default("timeout", default.timeout, |value| value.duration(TIMEOUT));
    let rise = check.with_default("rise", default.rise, |value| value.integer(CONSECUTIVE));
    let fall = check.with_default("fall", default.fall, |value| value.integer(CONSECUTIVE));
    Ok(CheckConfig {
        kind: kind?,
        protocol: protocol?,
        port: port?,
        interval: interval?,
        fast_interval: fast_interval?,
        timeout: timeout?,
        rise: rise?,
        fall: fall?,
    })
}

/// How it speaks to the target: as the service does. A port of its own may be another program's: there it is to be said.
fn read_protocol(check: &Object<'_>, protocol: Option<&BackendProtocol>, has_own_port: bool) -> Read<BackendProtocol> {
    let default = protocol.filter(|_| !has_own_port).and_then(|protocol| protocol.send_proxy);
    let send_proxy = check.with_default("send_proxy", default, backend_protocol::read_send_proxy);
    let alike = if speaks_alike(check, protocol, has_own_port)? { protocol.cloned() } else { None };
    Ok(BackendProtocol { send_proxy: send_proxy?, ..alike.unwrap_or_default() })
}

/// How it speaks to a member of a pool, which is a proxy: HTTP/1.1.
fn read_member_protocol(check: &Object<'_>, tls: Read<Option<BackendTls>>) -> Read<BackendProtocol> {
    let send_proxy = check.with_default("send_proxy", None, backend_protocol::read_send_proxy);
    Ok(BackendProtocol { tls: tls?.map(Arc::new), send_proxy: send_proxy?, ..BackendProtocol::default() })
}

/// Whether version and TLS are those of the service.
fn speaks_alike(check: &Object<'_>, protocol: Option<&BackendProtocol>, has_own_port: bool) -> Read<bool> {
    let is_secure = protocol.is_some_and(|protocol| protocol.tls.is_some());
    let over_tls = check.with_default("tls", is_secure && !has_own_port, |value| match value.boolean()? {
        true if protocol.is_some() && !is_secure => {
            Err(value.fault("the service has no \"backend_tls\", which says whom to believe"))
        }
        over_tls => Ok(over_tls),
    })?;
    Ok(over_tls || (!is_secure && !has_own_port))
}

fn read_fast_interval(check: &Object<'_>, interval: Read<Duration>) -> Read<Duration> {
    match interval {
        Ok(interval) => {
            let default = defaults::fast_interval(interval);
            check.with_default("fast_interval", default, |value| value.duration(SHORTEST_FAST_INTERVAL..=interval))
        }
        Err(reported) => check
            .optional("fast_interval", |value| value.duration(SHORTEST_FAST_INTERVAL..=*INTERVAL.end()))
            .and(Err(reported)),
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Http,
    Tcp,
}

/// `server_name` is the one of the check's own TLS: over that nobody answers for another host.
fn read_kind(check: &Object<'_>, of: CheckOf, server_name: Option<&str>) -> Read<ProbeKind> {
    let default_path = match of {
        CheckOf::Backend => defaults::BACKEND_CHECK_PATH,
        CheckOf::Member => defaults::MEMBER_CHECK_PATH,
    };
    let kind =
        check.with_default("type", Kind::Http, |value| value.one_of(&[("http", Kind::Http), ("tcp", Kind::Tcp)]));
    if let Ok(Kind::Tcp) = kind {
        check.refuse(&["path", "host", "expect"], "in a check of type \"tcp\"")?;
        return Ok(ProbeKind::Tcp);
    }
    let path = check.with_default("path", default_path.to_owned(), |value| value.parsed("a path", names::check_path));
    let host = check.optional("host", |value| value.parsed("a host", names::check_host));
    let expect = check
        .with_default("expect", Expect::default(), |value| value.parsed("statuses, like \"200-399\"", parse_expect));
    kind?;
    let host = host?.or_else(|| server_name.map(str::to_owned));
    Ok(ProbeKind::Http { path: path?, host, expect: expect? })
}

fn parse_expect(text: &str) -> Result<Expect, String> {
    let ranges: Option<Vec<StatusRange>> = text.split(',').map(|part| parse_status_range(part.trim())).collect();
    ranges.map(Expect).ok_or_else(|| {
        format!("{text:?} is not a list of statuses from 100 to 599, like \"200-399\", \"204\" or \"200,301-302\"")
    })
}

fn parse_status_range(text: &str) -> Option<StatusRange> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let range = StatusRange { from: parse_status(from)?, to: parse_status(to)? };
    (range.from <= range.to).then_some(range)
}

fn parse_status(text: &str) -> Option<u16> {
    let three_digits = text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|status| three_digits && (100..=599).contains(status))
}
