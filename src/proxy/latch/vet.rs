//! Which of a peer's latches are taken (pure): those within the bounds.

use std::collections::BTreeSet;
use std::fmt;

use super::Latch;
use crate::api::bounds::{BoundError, MAX_EPOCH_STEP, MAX_REASON, MAX_UNKNOWN_SPENT, text};
use crate::config::names;

/// Why a peer's latch is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LatchError {
    /// Its epoch is too far ahead of ours.
    Epoch {
        /// Its epoch.
        theirs: u64,
        /// Our epoch.
        ours: u64,
    },
    /// A proxy or backend in it has no valid name.
    Name,
    /// It was failed away from too many backends that our document does not have, or from one of them twice.
    FailedFrom {
        /// All backends it was failed away from.
        count: usize,
        /// Those that our document does not have.
        unknown: usize,
    },
    /// Its reason is too long, or has control characters.
    Reason(BoundError),
}

impl fmt::Display for LatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LatchError::Epoch { theirs, ours } => {
                write!(f, "its epoch {theirs} is more than {MAX_EPOCH_STEP} ahead of ours, {ours}")
            }
            LatchError::Name => f.write_str("a proxy or backend in it has no valid name"),
            LatchError::FailedFrom { count, unknown } => {
                write!(f, "it was failed away from {count} backends, {unknown} of them unknown")
            }
            LatchError::Reason(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LatchError {}

impl Latch {
    /// Whether a peer's latch may be taken where the epoch is `ours` and the document `knows` these backends.
    ///
    /// The time at which it moved decides nothing, and clocks may be wrong where a machine has just started: a latch is
    /// never refused for it.
    ///
    /// # Errors
    ///
    /// The first value that is beyond its bound.
    pub fn vet(&self, ours: u64, knows: impl Fn(&str) -> bool) -> Result<(), LatchError> {
        if self.epoch > ours.saturating_add(MAX_EPOCH_STEP) {
            return Err(LatchError::Epoch { theirs: self.epoch, ours });
        }
        let is_named = |name: &String| names::name(name).is_ok();
        if !(self.by.is_empty() || is_named(&self.by))
            || !is_named(&self.active)
            || !self.failed_from.iter().all(is_named)
        {
            return Err(LatchError::Name);
        }
        let distinct: BTreeSet<&String> = self.failed_from.iter().collect();
        let (count, unknown) = (self.failed_from.len(), distinct.iter().filter(|name| !knows(name)).count());
        if unknown > MAX_UNKNOWN_SPENT || distinct.len() < count {
            return Err(LatchError::FailedFrom { count, unknown });
        }
        text("its reason", &self.reason, MAX_REASON).map_err(LatchError::Reason)
    }
}
