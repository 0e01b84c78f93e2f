//! One host's step from one system to another, its stages, and their observer.

use std::path::PathBuf;

use crate::push::error::Error;

/// One host's step from one system to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The host.
    pub host: String,
    /// The system that runs there, and that must still run there when the switch begins.
    pub before: PathBuf,
    /// The system that is to run.
    pub system: PathBuf,
    /// What a switch may not change, a line for each: with any, the host boots into the new system.
    pub inhibitors: Vec<String>,
}

impl Step {
    /// Whether the host boots into its new system, as it cannot be switched to that while it runs.
    pub fn reboots(&self) -> bool {
        !self.inhibitors.is_empty()
    }
}

/// The stage of a host in a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// It is asked for its report.
    Preflight,
    /// Its system is being built.
    Build,
    /// Its system is being copied: the paths done, and their total (0 while that is unknown).
    Copy(u64, u64),
    /// It has its system, and waits for its turn.
    Copied,
    /// The new daemons run beside the old ones.
    Rehearse,
    /// It is switching to the new system.
    Activate,
    /// It is being probed from outside.
    Prove,
    /// It keeps the new system.
    Confirmed,
    /// It already runs its system.
    Unchanged,
    /// It was left out on purpose.
    Skipped,
    /// The rollout stopped before its turn.
    NotReached,
    /// Nothing was changed on it, for this reason.
    Refused(Error),
    /// It went back to its previous system, for this reason.
    Reverted(String),
    /// It needs an operator, for this reason.
    Stuck(String),
}

impl Stage {
    /// Whether the rollout has to stop here.
    pub fn is_bad(&self) -> bool {
        matches!(self, Stage::Refused(_) | Stage::Reverted(_) | Stage::Stuck(_))
    }
}

/// Is notified of the progress of a rollout, from several threads.
pub trait Observer: Sync {
    /// A host has reached a stage.
    fn reached(&self, host: &str, stage: &Stage);

    /// Something about a host that the operator should know and that stops nothing.
    fn note(&self, host: &str, text: &str);

    /// Something about the rollout as a whole.
    fn message(&self, text: &str);
}
