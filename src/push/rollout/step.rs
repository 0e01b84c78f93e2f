//! One host's step from one system to another, how far it is, and who watches.

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
}

/// How far a host is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// It is asked how it is.
    Preflight,
    /// Its system is being built.
    Build,
    /// Its system is being copied: paths done, and of how many (0 while that is not known).
    Copy(u64, u64),
    /// It has all that it needs, and waits for its turn.
    Copied,
    /// The new daemons run beside the old ones.
    Rehearse,
    /// It is switching to the new system.
    Activate,
    /// It is being probed from outside.
    Prove,
    /// It keeps the new system.
    Confirmed,
    /// It runs what it should already.
    Unchanged,
    /// It was left out on purpose.
    Skipped,
    /// The rollout stopped before its turn.
    NotReached,
    /// Nothing was changed on it, and why.
    Refused(Error),
    /// It went back to its former system, and why.
    Reverted(String),
    /// It needs an operator, and why.
    Stuck(String),
}

impl Stage {
    /// Whether the rollout has to stop here.
    pub fn is_bad(&self) -> bool {
        matches!(self, Stage::Refused(_) | Stage::Reverted(_) | Stage::Stuck(_))
    }
}

/// Who is told how a rollout goes, from several threads.
pub trait Observer: Sync {
    /// A host has reached a stage.
    fn reached(&self, host: &str, stage: &Stage);

    /// Something about a host that the operator should know and that stops nothing.
    fn note(&self, host: &str, text: &str);

    /// Something about the rollout as a whole.
    fn message(&self, text: &str);
}
