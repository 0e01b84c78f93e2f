//! An activation under way: a system that runs on trial until it is confirmed.
//!
//! ```text
//!            switched           confirmed in time
//! Switching ----------> Trial -------------------> Confirming ---> (settled: confirmed)
//!     |  \                ^ |                          |
//!     |   +-> Rebooting --+ |                          |
//!     | the switch fails  | no confirmation, a revert  | the profile cannot be set
//!     v                   v                            v
//!     +-------------> Reverting <-----------------------+  ---> (settled: reverted, or stuck)
//! ```
//!
//! A system that cannot be switched to while the machine runs (`reboot`) becomes the boot default, and the machine restarts; its trial
//! begins when it is up again. It goes back the same way.
//!
//! The record on disk is written before each step, so that the supervisor's ExecStopPost, or the gate after a restart, knows what to go
//! back to. Called by [`crate::push::supervisor`] and [`crate::push::gate`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::push::ledger::Record;

/// The record of an activation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// The record for the ledger.
    pub record: Record,
    /// The admin machine it came from.
    pub from: String,
    /// The name of the key that signed it.
    #[serde(default)]
    pub signed_by: Option<String>,
    /// The system that ran before, to go back to.
    pub before: PathBuf,
    /// The system on trial.
    pub system: PathBuf,
    /// The id of the boot in which it began: after another boot, the machine has gone back by itself.
    pub boot: String,
    /// How long the trial lasts, in seconds.
    pub confirm_within: u64,
    /// Whether the machine boots into the system, and back.
    #[serde(default)]
    pub reboot: bool,
    /// Why it goes back, while it restarts for that.
    #[serde(default)]
    pub why: String,
    /// Its phase.
    pub phase: Phase,
}

/// The phase of an activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// `switch-to-configuration test` runs.
    Switching,
    /// The system is the boot default, and the machine restarts.
    Rebooting,
    /// The system runs and waits to be confirmed.
    Trial,
    /// The system was confirmed, and becomes the profile and the boot default.
    Confirming,
    /// The host is going back.
    Reverting,
}

impl Phase {
    /// The phase as text.
    pub fn in_words(self) -> &'static str {
        match self {
            Phase::Switching => "switching",
            Phase::Rebooting => "restarting into its system",
            Phase::Trial => "on trial, waiting for its confirmation",
            Phase::Confirming => "being confirmed",
            Phase::Reverting => "going back",
        }
    }
}
