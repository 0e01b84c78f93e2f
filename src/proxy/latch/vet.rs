//! Which of a peer's latches are taken (pure): those within the bounds.

use std::collections::BTreeSet;

use super::Latch;
use crate::api::bounds::{MAX_EPOCH_STEP, MAX_REASON, MAX_UNKNOWN_SPENT, text};
use crate::config::names;

impl Latch {
    /// Whether a peer's latch may be taken where the epoch is `ours` and the document `knows` these backends.
    ///
    /// The time at which it moved decides nothing, and clocks may be wrong where a machine has just started: a latch is
    /// never refused for it.
    ///
    /// # Errors
    ///
    /// What is beyond its bound.
    pub fn vet(&self, ours: u64, knows: impl Fn(&str) -> bool) -> Result<(), String> {
        if self.epoch > ours.saturating_add(MAX_EPOCH_STEP) {
            return Err(format!("its epoch {} is more than {MAX_EPOCH_STEP} ahead of ours, {ours}", self.epoch));
        }
        let named = self.by.is_empty() || names::name(&self.by).is_ok();
        if !named || names::name(&self.active).is_err() || self.spent.iter().any(|name| names::name(name).is_err()) {
            return Err("it names a proxy or backend by what is no name".to_owned());
        }
        let distinct: BTreeSet<&String> = self.spent.iter().collect();
        let unknown = distinct.iter().filter(|name| !knows(name)).count();
        if unknown > MAX_UNKNOWN_SPENT || distinct.len() < self.spent.len() {
            return Err(format!("it was failed away from {} backends, {unknown} of them unknown", self.spent.len()));
        }
        text("its reason", &self.reason, MAX_REASON).map_err(|error| error.to_string())
    }
}
