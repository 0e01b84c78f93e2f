//! Health as it is saved in the state directory and handed over by a takeover.
//!
//! Owns the JSON form of a [`HealthView`]. Must never: read a file, or look at a clock. A target is written with every
//! field that says how it is probed: the result of one check is no result of another.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::automaton::Automaton;
use super::proof::Proof;
use super::target::{Before, HealthView, Target, TargetHealth, Verdict};
use crate::config::{CheckConfig, ProbeKind};

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

/// Renders health for the state directory or a takeover. Targets that were never probed are left out. Any build reads this:
/// what came later stands in [`to_more_json`].
pub fn to_json(view: &HealthView, now: SystemTime) -> serde_json::Value {
    let mut targets: Vec<SavedTarget> = view.iter().filter_map(|(target, health)| saved(target, health)).collect();
    targets.sort_by_key(|target| target.address);
    serde_json::json!({ "version": VERSION, "saved_ms": to_ms(now), "targets": targets })
}

/// What else is known of the targets, to stand beside [`to_json`]: builds that do not know it do without.
pub fn to_more_json(view: &HealthView) -> serde_json::Value {
    let more = view.iter().filter(|(_, health)| health.hearsay || health.before.is_some());
    let more: Vec<More> = more
        .filter_map(|(target, health)| {
            let before = health.before.as_ref().and_then(|before| saved(&before.target, &before.health));
            Some(More { of: saved(target, health)?, hearsay: health.hearsay, before })
        })
        .collect();
    serde_json::json!(more)
}

/// Both in one value, and in which boot of the machine it was written.
pub fn to_file(view: &HealthView, now: SystemTime, boot: &str) -> serde_json::Value {
    let mut file = to_json(view, now);
    file["boot"] = boot.into();
    file["more"] = to_more_json(view);
    file
}

/// Reads what a daemon that has ended left in the state directory. It counts in the boot in which it was written only: a machine that
/// comes back after a power cut knows nothing of who else comes back. And it is hearsay: nobody has probed since.
pub fn from_file(value: &serde_json::Value, now: SystemTime, boot: &str) -> Result<HealthView, SavedError> {
    let mut view = from_json(value, &value["more"], now)?;
    if value.get("boot").and_then(serde_json::Value::as_str) != Some(boot) {
        view.clear();
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
    let document = SavedHealth::deserialize(value).map_err(SavedError::Malformed)?;
    let fresh = document.targets.into_iter().filter(|target| is_fresh(target.probed_ms, now));
    let mut view = fresh.map(restored).collect::<Result<HealthView, _>>()?;
    for More { of, hearsay, before } in
        Option::<Vec<More>>::deserialize(more).map_err(SavedError::Malformed)?.unwrap_or_default()
    {
        let (target, _) = restored(of)?;
        let before = before.map(restored).transpose()?.map(|(target, health)| Before { target, health }.into());
        if let Some(health) = view.get_mut(&target) {
            (health.hearsay, health.before) = (hearsay, before);
        }
    }
    Ok(view)
}

#[derive(Deserialize)]
struct SavedHealth {
    targets: Vec<SavedTarget>,
}

#[derive(Serialize, Deserialize)]
struct More {
    of: SavedTarget,
    hearsay: bool,
    before: Option<SavedTarget>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedTarget {
    address: SocketAddr,
    check: SavedCheck,
    health: u32,
    reason: String,
    since_ms: u64,
    probed_ms: u64,
    changes: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedCheck {
    probe: ProbeKind,
    port: Option<u16>,
    interval_ns: u64,
    fast_interval_ns: u64,
    timeout_ns: u64,
    rise: u32,
    fall: u32,
}

/// `None` for a target that was never probed.
fn saved(target: &Target, health: &TargetHealth) -> Option<SavedTarget> {
    if health.verdict == Verdict::Unchecked {
        return None;
    }
    let check = &target.check;
    Some(SavedTarget {
        address: target.address,
        check: SavedCheck {
            probe: check.kind.clone(),
            port: check.port,
            interval_ns: to_ns(check.interval),
            fast_interval_ns: to_ns(check.fast_interval),
            timeout_ns: to_ns(check.timeout),
            rise: check.rise,
            fall: check.fall,
        },
        health: health.health,
        reason: health.reason.to_string(),
        since_ms: to_ms(health.since),
        probed_ms: to_ms(health.probed?),
        changes: health.changes,
    })
}

fn restored(saved: SavedTarget) -> Result<(Target, TargetHealth), SavedError> {
    let SavedTarget { address, check, health, .. } = saved;
    if check.rise == 0 || check.fall == 0 || health >= check.rise.saturating_add(check.fall) {
        return Err(SavedError::Impossible { address, health, rise: check.rise, fall: check.fall });
    }
    let check = CheckConfig {
        kind: check.probe,
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
        reason: Arc::from(saved.reason),
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
