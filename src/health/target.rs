//! What is probed, and its health.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::config::CheckConfig;

/// What is probed and how: the key under which health is kept, shared and saved.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// Where the probe goes (the check's own port already applied).
    pub address: SocketAddr,
    /// How it is probed.
    pub check: CheckConfig,
}

/// The state of a target by its checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// No probe has ended yet: it gets no requests and is in no answer.
    Unchecked,
    /// health >= rise.
    Up,
    /// health < rise.
    Down,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Unchecked => "unchecked",
            Verdict::Up => "up",
            Verdict::Down => "down",
        })
    }
}

/// The health of one target at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetHealth {
    /// The state by its checks.
    pub verdict: Verdict,
    /// The automaton's integer, 0..rise+fall-1.
    pub health: u32,
    /// The last probe's outcome in words: `200 in 3 ms`, `connection refused`, `timed out after 1s`, ….
    pub reason: Arc<str>,
    /// Since when the verdict stands.
    pub since: SystemTime,
    /// When the last probe ended.
    pub probed: Option<SystemTime>,
    /// How often the verdict changed since this daemon first knew the target.
    pub changes: u64,
}

/// The health of every target, immutable, swapped whole.
pub type HealthView = HashMap<Target, TargetHealth>;
