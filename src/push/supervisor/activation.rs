//! An activation under way: a system that runs on trial until it is confirmed.
//!
//! ```text
//!            switched           confirmed in time
//! Switching ----------> Trial -------------------> Confirming ---> (settled: confirmed)
//!     |                   |                            |
//!     | the switch fails  | no confirmation, a revert  | the profile cannot be set
//!     v                   v                            v
//!     +-------------> Reverting <-----------------------+  ---> (settled: reverted, or stuck)
//! ```
//!
//! The record on disk is written before each step, so that whoever finds it (the supervisor's ExecStopPost, the next boot)
//! knows what to go back to. Called by [`crate::push::supervisor`] and [`crate::push::gate`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::push::ledger::Record;

/// The record of an activation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// For the ledger.
    pub record: Record,
    /// The admin machine it came from.
    pub from: String,
    /// The name of the key that signed it.
    #[serde(default)]
    pub signed_by: Option<String>,
    /// What ran before, and what to go back to.
    pub before: PathBuf,
    /// What is on trial.
    pub system: PathBuf,
    /// The boot in which it was begun: in another one, the machine has gone back by itself.
    pub boot: String,
    /// How long the trial lasts, in seconds.
    pub confirm_within: u64,
    /// Where it is.
    pub phase: Phase,
}

/// Where an activation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// `switch-to-configuration test` runs.
    Switching,
    /// It runs and waits to be confirmed.
    Trial,
    /// It was confirmed, and becomes the profile and the boot default.
    Confirming,
    /// The way back.
    Reverting,
}

impl Phase {
    /// For people.
    pub fn in_words(self) -> &'static str {
        match self {
            Phase::Switching => "switching",
            Phase::Trial => "on trial, waiting for its confirmation",
            Phase::Confirming => "being confirmed",
            Phase::Reverting => "going back",
        }
    }
}
