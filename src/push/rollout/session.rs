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
    /// The fleet as it is to be: the probes are taken from its documents.
    pub(super) fleet: &'a Fleet,
    /// For the ledgers.
    pub(super) record: &'a Record,
    /// Of the lock.
    pub(super) token: &'a str,
    /// How long a host may be on trial, in seconds.
    pub(super) confirm_within: u64,
    /// How long a host may take after its switch until it serves as before.
    pub(super) prove_within: Duration,
    /// A rollback may go back to systems that trust keys which the fleet has stopped naming.
    pub(super) old_keys: bool,
    /// Who is told how it goes.
    pub(super) observer: &'a dyn Observer,
    /// Set once the operator wants it to end.
    pub(super) interrupted: &'a AtomicBool,
}

impl Session<'_> {
    /// Whether the operator wants it to end.
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Tells that a host has reached a stage.
    pub(super) fn reached(&self, host: &str, stage: Stage) -> Stage {
        self.observer.reached(host, &stage);
        stage
    }
}
