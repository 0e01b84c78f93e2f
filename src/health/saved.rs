//! Health as it is saved in the state directory and handed over by a takeover.
//!
//! Owns the JSON form of a [`HealthView`]. Must never: read a file, or look at a clock. A target is written with every
//! field that says how it is probed: health found under one check says nothing under another.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::automaton::Automaton;
use super::target::{HealthView, Target, TargetHealth, Verdict};
use crate::config::{CheckConfig, Expect, ProbeKind, StatusRange};

/// Saved health older than this says nothing any more (DESIGN 9).
pub const FRESH: Duration = Duration::from_secs(30);

/// The version written, and the only one read.
const VERSION: u64 = 1;

/// Renders health for the state directory or a takeover. Targets that were never probed are left out.
pub fn to_json(view: &HealthView, now: SystemTime) -> serde_json::Value {
    let mut targets: Vec<SavedTarget> = view.iter().filter_map(|(target, health)| saved(target, health)).collect();
    targets.sort_by_key(|target| target.address);
    serde_json::json!({ "version": VERSION, "saved_ms": to_ms(now), "targets": targets })
}

/// Reads what [`to_json`] wrote; `Err` tells why it is not usable (malformed, another version). Targets whose last
/// probe is older than [`FRESH`] at `now`, or later than `now` by as much (a clock was set), are left out.
pub fn from_json(value: &serde_json::Value, now: SystemTime) -> Result<HealthView, String> {
    match value.get("version").and_then(serde_json::Value::as_u64) {
        Some(VERSION) => {}
        Some(other) => return Err(format!("saved health has version {other}, expected {VERSION}")),
        None => return Err("saved health has no version".to_owned()),
    }
    let document = SavedHealth::deserialize(value).map_err(|error| format!("saved health is malformed: {error}"))?;
    let fresh = document.targets.into_iter().filter(|target| is_fresh(target.probed_ms, now));
    fresh.map(restored).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedHealth {
    #[serde(rename = "version")]
    _version: u64,
    #[serde(rename = "saved_ms")]
    _saved_ms: u64,
    targets: Vec<SavedTarget>,
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
    probe: SavedProbe,
    port: Option<u16>,
    interval_ns: u64,
    fast_interval_ns: u64,
    timeout_ns: u64,
    rise: u32,
    fall: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum SavedProbe {
    Tcp,
    Http { path: String, host: Option<String>, expect: Vec<(u16, u16)> },
}

/// `None` for a target that was never probed.
fn saved(target: &Target, health: &TargetHealth) -> Option<SavedTarget> {
    if health.verdict == Verdict::Unchecked {
        return None;
    }
    let check = &target.check;
    let probe = match &check.kind {
        ProbeKind::Tcp => SavedProbe::Tcp,
        ProbeKind::Http { path, host, expect } => SavedProbe::Http {
            path: path.clone(),
            host: host.clone(),
            expect: expect.0.iter().map(|range| (range.from, range.to)).collect(),
        },
    };
    Some(SavedTarget {
        address: target.address,
        check: SavedCheck {
            probe,
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

fn restored(saved: SavedTarget) -> Result<(Target, TargetHealth), String> {
    let SavedTarget { address, check, health, .. } = saved;
    if check.rise == 0 || check.fall == 0 || health >= check.rise.saturating_add(check.fall) {
        let (rise, fall) = (check.rise, check.fall);
        return Err(format!("saved health of {address} is {health}, impossible with rise {rise} and fall {fall}"));
    }
    let kind = match check.probe {
        SavedProbe::Tcp => ProbeKind::Tcp,
        SavedProbe::Http { path, host, expect } => {
            let ranges = expect.into_iter().map(|(from, to)| StatusRange { from, to }).collect();
            ProbeKind::Http { path, host, expect: Expect(ranges) }
        }
    };
    let check = CheckConfig {
        kind,
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
