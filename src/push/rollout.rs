//! A rollout: brings new systems to hosts, which end up confirmed or on their previous systems.
//!
//! Under the fleet lock: compare what runs with what the plan was made for, build, [`deliver`], then batch after batch
//! (`batches`) the steps of each host (`host`): rehearse, activate, [`prove`], confirm. Push and rollback differ here
//! only in what is built, copied and signed. Must never: change a host after another one got worse, or leave a host on trial without a
//! time limit that its supervisor knows. Called by `polder push` and `polder rollback`.

mod batches;
pub mod deliver;
mod host;
mod interrupt;
mod ledgers;
pub mod pause;
pub mod prove;
mod session;
mod step;

pub use step::{Observer, Stage, Step};

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::fleet::Fleet;
use crate::push::error::Error;
use crate::push::fleet_lock::HeldLock;
use crate::push::host::lock::Lock;
use crate::push::ledger::{Kind, Record};
use crate::push::pipeline::build::build;
use crate::push::protocol::{Answer, Question, Report};
use crate::push::remote::Remotes;
use crate::push::remote::gates::ask_all;
use crate::push::remote::no_answer::unexpected;
use session::Session;

/// How long a lock lasts without a renewal, in seconds, so that a killed pusher does not block others for long.
const LOCK_SECONDS: u64 = 60;

/// How long a gate may take for its report.
const PROMPT: Duration = Duration::from_secs(20);

/// A push or a rollback, ready to be carried out.
pub struct Rollout<'a> {
    /// The hosts' gates.
    pub remotes: Arc<Remotes>,
    /// The fleet as it should become, which names the probes and the other admin machines.
    pub fleet: &'a Fleet,
    /// The record for the ledgers.
    pub record: Record,
    /// Each host's step, in rollout order.
    pub batches: Vec<Vec<Step>>,
    /// What has to be built.
    pub derivations: Vec<PathBuf>,
    /// Every host to lock, including those that do not change.
    pub locked: Vec<String>,
    /// How long a host may be on trial.
    pub confirm_within: Duration,
    /// How long a host may take after its switch until it serves as before.
    pub prove_within: Duration,
    /// Whether a rollback may go back to systems that trust keys which the fleet no longer lists.
    pub old_keys: bool,
    /// Is notified of progress.
    pub observer: &'a dyn Observer,
    /// Tells the operator that the first Ctrl-C was noticed.
    pub announce: fn(&str),
}

/// How a rollout ended.
#[derive(Debug)]
pub enum Ended {
    /// Nothing was activated, for this reason.
    NotBegun(Error),
    /// The stage in which each host ended.
    Rolled(BTreeMap<String, Stage>),
}

impl Ended {
    /// Whether every host still runs its previous system.
    pub fn activated_nothing(&self) -> bool {
        match self {
            Ended::NotBegun(_) => true,
            Ended::Rolled(ends) => {
                ends.values().all(|end| matches!(end, Stage::Refused(_) | Stage::Reverted(_) | Stage::NotReached))
            }
        }
    }
}

impl Rollout<'_> {
    /// Carries it out: takes the lock, changes the hosts, copies the ledgers, releases the lock.
    pub fn run(&self) -> Ended {
        let held =
            match HeldLock::take_or_use(self.remotes.admin(), &self.remotes, &self.locked, self.lock(), LOCK_SECONDS) {
                Ok(held) => held,
                Err(refused) => return Ended::NotBegun(refused.into()),
            };
        let interrupted = interrupt::watch_for_interrupts(self.announce);
        let ended = match self.under_lock(&held, &interrupted) {
            Ok(ends) => Ended::Rolled(ends),
            Err(error) => Ended::NotBegun(error),
        };
        ledgers::collect(&self.remotes, self.fleet, &self.hosts(), &self.locked, self.observer);
        for (host, why) in held.release() {
            self.observer.message(&format!("{host} keeps the lock for up to {LOCK_SECONDS} s more: {why}"));
        }
        ended
    }

    fn lock(&self) -> Lock {
        let kind = self.record.kind.name();
        let reason = match self.record.revision.as_deref() {
            Some(revision) => format!("{kind} of {revision}"),
            None => kind.to_owned(),
        };
        Lock::wanted(self.record.who.clone(), &self.remotes.admin().location, reason)
    }

    fn under_lock(&self, held: &HeldLock, interrupted: &AtomicBool) -> Result<BTreeMap<String, Stage>, Error> {
        let session = Session {
            remotes: &self.remotes,
            fleet: self.fleet,
            record: &self.record,
            token: held.token(),
            confirm_within: self.trial_seconds(),
            prove_within: self.prove_within,
            old_keys: self.old_keys,
            observer: self.observer,
            interrupted,
        };
        self.compare()?;
        self.deliver(&session)?;
        if session.is_interrupted() {
            return Err(Error::new("interrupted"));
        }
        if let Some(why) = held.lost() {
            return Err(Error::new(why));
        }
        Ok(batches::run(&session, &self.batches))
    }

    /// How long hosts are on trial, in seconds: as requested, or longer if the proof of a host takes longer, since it would otherwise end
    /// before the host could be confirmed.
    fn trial_seconds(&self) -> u64 {
        let wanted = self.confirm_within.as_secs();
        let longest_proof =
            self.steps().map(|step| prove::least_time(self.fleet, &step.host)).max().unwrap_or_default();
        let least = longest_proof.as_secs();
        if least > wanted {
            self.observer.message(&format!(
                "hosts are on trial for {least} s instead of {wanted} s: their health checks need that long to prove them"
            ));
        }
        wanted.max(least)
    }

    fn steps(&self) -> impl Iterator<Item = &Step> {
        self.batches.iter().flatten()
    }

    fn hosts(&self) -> Vec<String> {
        self.steps().map(|step| step.host.clone()).collect()
    }

    /// Checks under the lock that every host still runs what the plan was made for (compare and swap).
    fn compare(&self) -> Result<(), Error> {
        let answers = ask_all(&*self.remotes, &self.hosts(), &Question::Report, PROMPT);
        for (step, answer) in self.steps().zip(answers) {
            match answer {
                Ok(Answer::Report(report)) => still_as_planned(step, *report)?,
                other => return Err(unexpected(other).of(&step.host)),
            }
        }
        Ok(())
    }

    fn deliver(&self, session: &Session<'_>) -> Result<(), Error> {
        if !self.derivations.is_empty() {
            self.steps().for_each(|step| self.observer.reached(&step.host, &Stage::Build));
            build(&self.derivations)?;
        }
        match self.record.kind {
            Kind::Push => deliver::copy_all(session, &self.steps().collect::<Vec<_>>()),
            // The host has the system or refuses. Nothing is signed and sent only because a host's ledger names it.
            Kind::Rollback => Ok(()),
        }
    }
}

fn still_as_planned(step: &Step, report: Report) -> Result<(), Error> {
    let host = &step.host;
    if let Some(activation) = report.activation {
        let (push, who) = (activation.record.push, activation.record.who);
        let phase = activation.phase.in_words();
        return Err(Error::at(host, format!("push {push} by {who} is {phase} there"))
            .remedy("wait until it has ended, then plan again"));
    }
    if report.system != step.before {
        let last = report.last.map_or_else(String::new, |entry| format!("; last in its ledger: {}", entry.in_words()));
        return Err(Error::new(format!(
            "the plan is stale: {host} ran {} when it was made, but runs {} now{last}",
            step.before.display(),
            report.system.display()
        ))
        .remedy("plan again"));
    }
    Ok(())
}
