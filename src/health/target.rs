//! What is probed, and its health.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::proof::{LATENESS, Proof};
use crate::config::CheckConfig;

/// What is probed and how: the key under which health is kept, shared and saved.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// Where the probe goes (the check's own port already applied).
    pub address: SocketAddr,
    /// How it is probed.
    pub check: CheckConfig,
}

impl Target {
    /// Whether this asks the same server as another target, in another way.
    pub fn replaces(&self, other: &Target) -> bool {
        let is_same_port = self.address.port() == other.address.port() || self.check.port != other.check.port;
        self.address.ip() == other.address.ip() && is_same_port && self.check != other.check
    }

    /// The proof of its verdict. If it is up and dies it is down within its check's detection bound: a verdict that nothing has borne
    /// out for longer is none, whatever kept its check from running.
    pub fn proof(&self, at: Duration) -> Proof {
        Proof::new(at, self.check.detection_bound() + LATENESS)
    }
}

/// The targets with, for each, who uses it (`www/web1`, `http0.l.example.net/px-nl1`): for log lines only.
pub type Targets = HashMap<Target, Vec<String>>;

/// The state of a target by its checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// Whether no probe of this check has succeeded yet in this daemon, or in the one that it took over from: the verdict was
    /// saved by a daemon that ended, or is that of the check before.
    pub hearsay: bool,
    /// Whether the verdict may be acted on still.
    pub proof: Proof,
    /// The check that this one replaced: it is probed too until this one finds the target up.
    pub before: Option<Arc<Before>>,
}

/// A target whose check was changed, and its health by the old check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// As it was asked before.
    pub target: Target,
    /// What that says now.
    pub health: TargetHealth,
}

impl TargetHealth {
    /// What counts for steps that cannot be undone. A changed check that has never found its target up proves nothing, as long
    /// as the check before finds it up: the document may be wrong.
    pub fn lasting(&self) -> &TargetHealth {
        match &self.before {
            Some(before) if before.health.verdict == Verdict::Up => &before.health,
            _ => self,
        }
    }
}
