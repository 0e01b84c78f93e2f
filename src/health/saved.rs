//! Health as it is saved in the state directory and handed over by a takeover.
//!
//! Owns the JSON form of a [`HealthView`]. Must never: read a file, or look at a clock. A target is written with every
//! field that says how it is probed: the result of one check is no result of another.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize, Serializer};

use super::automaton::Automaton;
use super::proof::Proof;
use super::target::{Before, Target, TargetHealth, Verdict};
use super::view::HealthView;
use crate::config::{BackendProtocol, BackendTls, CheckConfig, HttpVersion, ProbeKind};
use crate::proxy_protocol;

/// Saved health older than this is not used.
pub const FRESH: Duration = Duration::from_secs(30);

/// The version written, and the only one read.
const VERSION: u64 = 1;

/// Why saved health cannot be used.
#[derive(Debug)]
pub enum SavedError {
    /// It has this version, or none.
    Version(Option<u64>),
    /// Its JSON has another form.
    Malformed(serde_json::Error),
    /// A target's health is a number that its check cannot have.
    Impossible {
        /// The target.
        address: SocketAddr,
        /// The number.
        health: u32,
        /// As the check has it.
        rise: u32,
        /// As the check has it.
        fall: u32,
    },
}

impl fmt::Display for SavedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SavedError::Version(Some(other)) => write!(f, "saved health has version {other}, expected {VERSION}"),
            SavedError::Version(None) => f.write_str("saved health has no version"),
            SavedError::Malformed(error) => write!(f, "saved health is malformed: {error}"),
            SavedError::Impossible { address, health, rise, fall } => {
                write!(f, "saved health of {address} is {health}, impossible with rise {rise} and fall {fall}")
            }
        }
    }
}

impl std::error::Error for SavedError {}

/// Health for the state directory or a takeover, put into words when it is written. Targets that were never probed are left out. Any
/// build reads this: what came later stands in [`MoreToSave`].
pub struct ToSave {
    /// The health.
    pub view: HealthView,
    /// The present time.
    pub now: SystemTime,
}

/// What else is known of the targets, to stand beside [`ToSave`]: builds that do not know it do without.
pub struct MoreToSave(pub HealthView);

/// Both, and in which boot of the machine it was written.
#[derive(Serialize)]
pub struct FileToSave {
    #[serde(flatten)]
    health: ToSave,
    boot: &'static str,
    more: MoreToSave,
}

impl FileToSave {
    /// Of this health.
    pub fn new(view: &HealthView, now: SystemTime, boot: &'static str) -> FileToSave {
        FileToSave { health: ToSave { view: view.clone(), now }, boot, more: MoreToSave(view.clone()) }
    }
}

impl Serialize for ToSave {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut targets: Vec<_> = self.view.iter().map(|(target, health)| (target.address, target, health)).collect();
        targets.sort_by_key(|(address, ..)| *address);
        SavedHealth { version: VERSION, saved_ms: to_ms(self.now), targets: Each(targets) }.serialize(serializer)
    }
}

/// Put into words one after the other.
struct Each<'v>(Vec<(SocketAddr, &'v Target, &'v TargetHealth)>);

impl Serialize for Each<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().filter_map(|(_, target, health)| saved(target, health)))
    }
}

impl Serialize for MoreToSave {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let more = self.0.iter().filter(|(_, health)| health.hearsay || health.before.is_some());
        serializer.collect_seq(more.filter_map(|(target, health)| {
            let before = health.before.as_ref().and_then(|before| saved(&before.target, &before.health));
            Some(More { of: saved(target, health)?, hearsay: health.hearsay, before })
        }))
    }
}

/// Reads what a daemon that has ended left in the state directory. It counts in the boot in which it was written only: a machine that
/// comes back after a power cut knows nothing of who else comes back. And it is hearsay: nobody has probed since.
pub fn from_file(value: &serde_json::Value, now: SystemTime, boot: &str) -> Result<HealthView, SavedError> {
    let mut view = from_json(value, &value["more"], now)?;
    if value.get("boot").and_then(serde_json::Value::as_str) != Some(boot) {
        view = HealthView::new();
    }
    view.values_mut().for_each(|health| health.hearsay = true);
    Ok(view)
}

/// Reads what the running daemon hands over, and what stands beside it (null from an older build); `Err` says why it cannot be used (malformed,
/// another version). Targets whose last probe is older than [`FRESH`] at `now`, or later than `now` by as much (a clock was
/// set), are left out.
pub fn from_json(
    value: &serde_json::Value,
    more: &serde_json::Value,
    now: SystemTime,
) -> Result<HealthView, SavedError> {
    match value.get("version").and_then(serde_json::Value::as_u64) {
        Some(VERSION) => {}
        found => return Err(SavedError::Version(found)),
    }
    let document = SavedHealth::<Vec<SavedTarget<'_>>>::deserialize(value).map_err(SavedError::Malformed)?;
    let fresh = document.targets.into_iter().filter(|target| is_fresh(target.probed_ms, now));
    let mut view = fresh.map(restored).collect::<Result<HealthView, _>>()?;
    for More { of, hearsay, before } in
        Option::<Vec<More<'_>>>::deserialize(more).map_err(SavedError::Malformed)?.unwrap_or_default()
    {
        let (target, _) = restored(of)?;
        let before = before.map(restored).transpose()?.map(|(target, health)| Before { target, health }.into());
        if let Some(health) = view.get_mut(&target) {
            (health.hearsay, health.before) = (hearsay, before);
        }
    }
    Ok(view)
}

#[derive(Serialize, Deserialize)]
struct SavedHealth<T> {
    version: u64,
    #[serde(default)]
    saved_ms: u64,
    targets: T,
}

#[derive(Serialize, Deserialize)]
struct More<'s> {
    of: SavedTarget<'s>,
    hearsay: bool,
    before: Option<SavedTarget<'s>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedTarget<'s> {
    address: SocketAddr,
    check: SavedCheck<'s>,
    health: u32,
    reason: Cow<'s, str>,
    since_ms: u64,
    probed_ms: u64,
    changes: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedCheck<'s> {
    probe: Cow<'s, ProbeKind>,
    /// Left out where it is HTTP/1.1 in clear text: all that older builds know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    protocol: Option<SavedProtocol<'s>>,
    port: Option<u16>,
    interval_ns: u64,
    fast_interval_ns: u64,
    timeout_ns: u64,
    rise: u32,
    fall: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedProtocol<'s> {
    http2: bool,
    tls: Option<Cow<'s, BackendTls>>,
    /// Left out where there is none: all that older builds know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    send_proxy: Option<proxy_protocol::Version>,
}

impl SavedProtocol<'_> {
    fn of(protocol: &BackendProtocol) -> Option<SavedProtocol<'_>> {
        let http2 = protocol.version == HttpVersion::Http2;
        let tls = protocol.tls.as_deref().map(Cow::Borrowed);
        let saved = SavedProtocol { http2, tls, send_proxy: protocol.send_proxy };
        (*protocol != BackendProtocol::default()).then_some(saved)
    }

    fn restored(self) -> BackendProtocol {
        let version = if self.http2 { HttpVersion::Http2 } else { HttpVersion::Http1 };
        let tls = self.tls.map(|tls| Arc::new(tls.into_owned()));
        BackendProtocol { version, tls, send_proxy: self.send_proxy }
    }
}

/// `None` for a target that was never probed.
fn saved<'s>(target: &'s Target, health: &'s TargetHealth) -> Option<SavedTarget<'s>> {
    if health.verdict == Verdict::Unchecked {
        return None;
    }
    let check = &target.check;
    Some(SavedTarget {
        address: target.address,
        check: SavedCheck {
            probe: Cow::Borrowed(&check.kind),
            protocol: SavedProtocol::of(&check.protocol),
            port: check.port,
            interval_ns: to_ns(check.interval),
            fast_interval_ns: to_ns(check.fast_interval),
            timeout_ns: to_ns(check.timeout),
            rise: check.rise,
            fall: check.fall,
        },
        health: health.health,
        reason: Cow::Borrowed(&health.reason),
        since_ms: to_ms(health.since),
        probed_ms: to_ms(health.probed?),
        changes: health.changes,
    })
}

fn restored(saved: SavedTarget<'_>) -> Result<(Target, TargetHealth), SavedError> {
    let SavedTarget { address, check, health, .. } = saved;
    if check.rise == 0 || check.fall == 0 || health >= check.rise.saturating_add(check.fall) {
        return Err(SavedError::Impossible { address, health, rise: check.rise, fall: check.fall });
    }
    let check = CheckConfig {
        kind: check.probe.into_owned(),
        protocol: check.protocol.map(SavedProtocol::restored).unwrap_or_default(),
        port: check.port,
        interval: Duration::from_nanos(check.interval_ns),
        fast_interval: Duration::from_nanos(check.fast_interval_ns),
        timeout: Duration::from_nanos(check.timeout_ns),
        rise: check.rise,
        fall: check.fall,
    };
    let restored = TargetHealth {
        verdict: Automaton::resumed(check.rise, check.fall, health).verdict(),
        health,
        reason: Arc::from(&*saved.reason),
        since: from_ms(saved.since_ms),
        probed: Some(from_ms(saved.probed_ms)),
        changes: saved.changes,
        hearsay: false,
        proof: Proof::default(),
        before: None,
    };
    Ok((Target { address, check }, restored))
}

fn is_fresh(probed_ms: u64, now: SystemTime) -> bool {
    u128::from(probed_ms.abs_diff(to_ms(now))) <= FRESH.as_millis()
}

fn to_ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn to_ms(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Cannot overflow: the clock's seconds have 64 bits.
fn from_ms(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms)
}

#[cfg(test)]
mod tests;
