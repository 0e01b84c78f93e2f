//! The rollout: from systems that are evaluated to hosts that run them, confirmed, or back where they were (DESIGN 11).
//!
//! Batch by batch, and within a batch host by host at once: [`host`] has the steps of one host. [`deliver`] builds, signs and copies
//! before. What happens is told to a [`Watch`]; what proves a host is the caller's ([`Prove`]). Must never: touch a host after one
//! got worse, or leave one on trial without its supervisor knowing for how long. Called by `polder push` and `polder rollback`.

pub mod deliver;
mod host;
pub mod prove;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::push::ledger::Record;
use crate::push::remote::Remotes;

/// One host's step from one system to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The host.
    pub host: String,
    /// What runs there, and must run there still when the switch begins.
    pub before: PathBuf,
    /// What is to run.
    pub system: PathBuf,
}

/// Where a host is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// It is asked how it is.
    Preflight,
    /// Its system is built.
    Build,
    /// Its system is copied: paths done, and of how many (none yet known: 0).
    Copy(u64, u64),
    /// All that it needs is there; it waits for its turn.
    Copied,
    /// The new daemons run beside the old ones.
    Rehearse,
    /// It switches.
    Activate,
    /// It is looked at from outside.
    Prove,
    /// It stays.
    Confirmed,
    /// It has what it should have already.
    Unchanged,
    /// It was left out on purpose.
    Skipped,
    /// Its turn did not come.
    NotReached,
    /// Nothing was changed on it, and why.
    Refused(String),
    /// It went back, and why.
    Reverted(String),
    /// Somebody has to look at it.
    Stuck(String),
}

impl Stage {
    /// Whether nothing comes after it.
    pub fn is_final(&self) -> bool {
        !matches!(
            self,
            Stage::Preflight
                | Stage::Build
                | Stage::Copy(..)
                | Stage::Copied
                | Stage::Rehearse
                | Stage::Activate
                | Stage::Prove
        )
    }

    /// Whether the push has to stop here.
    pub fn is_bad(&self) -> bool {
        matches!(self, Stage::Refused(_) | Stage::Reverted(_) | Stage::Stuck(_))
    }
}

/// Who is told what happens.
pub trait Watch: Sync {
    /// A host is at a stage.
    fn at(&self, host: &str, stage: &Stage);

    /// Something on the way that is worth knowing and stops nothing.
    fn note(&self, host: &str, text: &str);
}

/// What says, from outside, whether a host serves as it did.
pub trait Prove: Sync {
    /// Looks at a host before it is touched; what is returned looks again, until nothing is worse or its patience ends, and
    /// says what is worse.
    fn look<'a>(&'a self, host: &'a str) -> Box<dyn FnOnce() -> Vec<String> + Send + 'a>;
}

/// What a rollout needs.
pub struct Rollout<'a> {
    /// The hosts.
    pub remotes: &'a Remotes,
    /// For the ledgers.
    pub record: &'a Record,
    /// Of the lock.
    pub token: &'a str,
    /// How long a host may be on trial, in seconds.
    pub confirm_within: u64,
    /// A rollback may go back to systems that trust keys which the fleet has stopped naming.
    pub old_keys: bool,
    /// What proves a host.
    pub prove: &'a dyn Prove,
    /// Who watches.
    pub watch: &'a dyn Watch,
    /// The operator wants it to end.
    pub interrupted: &'a AtomicBool,
}

impl Rollout<'_> {
    /// Takes the hosts to their systems, a batch after the other; stops after the first batch in which one got worse.
    pub fn run(&self, batches: &[Vec<Move>]) -> BTreeMap<String, Stage> {
        let mut ends = BTreeMap::new();
        let mut stopped = false;
        for batch in batches {
            stopped = stopped || self.interrupted.load(Ordering::Relaxed);
            if stopped {
                ends.extend(batch.iter().map(|one| (one.host.clone(), self.told(&one.host, Stage::NotReached))));
                continue;
            }
            let ended = self.batch(batch);
            stopped = ended.values().any(Stage::is_bad);
            ends.extend(ended);
        }
        ends
    }

    fn batch(&self, batch: &[Move]) -> BTreeMap<String, Stage> {
        thread::scope(|scope| {
            let moving: Vec<_> = batch.iter().map(|one| (&one.host, scope.spawn(|| self.host(one)))).collect();
            let ended = moving.into_iter().map(|(host, moving)| {
                let stage = moving.join().unwrap_or_else(|_| Stage::Stuck("the pusher failed here: a bug".to_owned()));
                (host.clone(), self.told(host, stage))
            });
            ended.collect()
        })
    }

    fn told(&self, host: &str, stage: Stage) -> Stage {
        self.watch.at(host, &stage);
        stage
    }
}
