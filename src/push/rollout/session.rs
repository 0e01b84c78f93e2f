//! What every step of a rollout shares once the fleet lock is held.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::step::{Observer, Stage};
use crate::fleet::Fleet;
use crate::push::ledger::Record;
use crate::push::remote::Remotes;

/// A rollout under the lock.
pub(super) struct Session<'a> {
    /// The hosts' gates.
    pub(super) remotes: &'a Remotes,
    /// The fleet as it should become, from whose documents the probes are taken.
    pub(super) fleet: &'a Fleet,
    /// The record for the ledgers.
    pub(super) record: &'a Record,
    /// The lock's token.
    pub(super) token: &'a str,
    /// How long a host may be on trial, in seconds.
    pub(super) confirm_within: u64,
    /// How long a host may take after its switch until it serves as before.
    pub(super) prove_within: Duration,
    /// Whether a rollback may go back to systems that trust keys which the fleet no longer lists.
    pub(super) old_keys: bool,
    /// Is notified of progress.
    pub(super) observer: &'a dyn Observer,
    /// Set once the operator has interrupted the rollout.
    pub(super) interrupted: &'a AtomicBool,
}

impl Session<'_> {
    /// Whether the operator has interrupted the rollout.
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Reports that a host has reached a stage.
    pub(super) fn reached(&self, host: &str, stage: Stage) -> Stage {
        self.observer.reached(host, &stage);
        stage
    }
}
