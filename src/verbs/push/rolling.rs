//! What push and rollback have in common: lock, compare, build, sign, copy, roll out, collect the ledgers, give the lock back.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::interrupt::watch_for_interrupts;
use super::progress::Progress;
use super::proving::Proving;
use crate::daemon::operator::unix_ms;
use crate::fleet::{Fleet, Role};
use crate::push::admin::Admin;
use crate::push::admin::copies;
use crate::push::fleet_lock::{Held, ask_all};
use crate::push::host::lock::Lock;
use crate::push::ledger::{Entry, Kind, Record};

use crate::push::admin::wanted::{self, Wanted};
use crate::push::protocol::{Answer, Question};
use crate::push::remote::Remotes;
use crate::push::rollout::prove::Asker;
use crate::push::rollout::{Move, Rollout, Stage, Watch, deliver};

/// How long a lock holds without a renewal: a pusher that was killed is in nobody's way after that.
const LOCK_SECONDS: u64 = 60;
/// Hosts that are copied to at once: enough to fill a link.
const COPIES_AT_ONCE: usize = 4;
/// How long the gates may take for what they know at once.
const PROMPT: Duration = Duration::from_secs(20);
/// Entries that are fetched of a ledger after a push: all that it can have written, and some.
const ENTRIES: usize = 50;

/// All that is to be done.
pub(in crate::verbs) struct Rolling<'a> {
    /// The hosts' gates.
    pub(in crate::verbs) remotes: Arc<Remotes>,
    /// What the probes and the other admin machines are taken from.
    pub(in crate::verbs) fleet: &'a Fleet,
    /// For the ledgers.
    pub(in crate::verbs) record: Record,
    /// Who goes where, in which order.
    pub(in crate::verbs) batches: Vec<Vec<Move>>,
    /// What has to be built for it.
    pub(in crate::verbs) derivations: Vec<PathBuf>,
    /// Every host that is locked: those that stay as they are too.
    pub(in crate::verbs) locked: Vec<String>,
    /// How long a host may be on trial, in seconds.
    pub(in crate::verbs) confirm_within: u64,
    /// A rollback may go back to systems that trust keys which the fleet has stopped naming.
    pub(in crate::verbs) old_keys: bool,
    /// How long a host may take until it serves as before.
    pub(in crate::verbs) patience: Duration,
    /// What the operator sees.
    pub(in crate::verbs) progress: &'a Progress,
}

/// How it ended.
pub(in crate::verbs) enum Ended {
    /// Nothing was activated, and why.
    NotBegun(String),
    /// Each host where it ended.
    Rolled(BTreeMap<String, Stage>),
}

/// Keeps what every host is to run, for `polder status` to hold them against.
pub(in crate::verbs) fn remember<'a>(
    admin: &Admin,
    record: &Record,
    systems: impl Iterator<Item = (&'a String, &'a PathBuf)>,
) -> Result<(), String> {
    let systems = systems.map(|(host, system)| (host.clone(), system.clone())).collect();
    let wanted = Wanted { push: record.push.clone(), at: unix_ms(), systems };
    wanted::store(admin, &wanted).map_err(|error| error.to_string())
}

impl Ended {
    /// Every host runs what it ran.
    pub(in crate::verbs) fn activated_nothing(&self) -> bool {
        match self {
            Ended::NotBegun(_) => true,
            Ended::Rolled(ends) => {
                ends.values().all(|end| matches!(end, Stage::Refused(_) | Stage::Reverted(_) | Stage::NotReached))
            }
        }
    }
}

impl Rolling<'_> {
    /// Does it.
    pub(in crate::verbs) fn run(&self) -> Ended {
        let reason = match self.record.revision.as_deref() {
            Some(revision) => format!("{} of {revision}", self.record.kind.name()),
            None => self.record.kind.name().to_owned(),
        };
        let admin = self.remotes.admin();
        let (holder, location) = (self.record.who.clone(), admin.location.clone());
        let lock = Lock { token: String::new(), holder, location, reason, expires: 0 };
        let held = match Held::take_or_use(admin, &self.remotes, &self.locked, lock, LOCK_SECONDS) {
            Ok(held) => held,
            Err(refusal) => return Ended::NotBegun(refusal.in_words()),
        };
        let interrupted = watch_for_interrupts();
        let ended = self.under_lock(&held, &interrupted);
        self.collect();
        for (host, why) in held.release() {
            self.progress.say(&format!("{host} keeps the lock for up to {LOCK_SECONDS} s more: {why}"));
        }
        ended
    }

    fn under_lock(&self, held: &Held, interrupted: &AtomicBool) -> Ended {
        let prove = Proving { fleet: self.fleet, asker: Asker::new(&self.remotes), patience: self.patience };
        let least = self.moves().map(|one| prove.least(&one.host)).max().unwrap_or_default().as_secs();
        if least > self.confirm_within {
            self.progress.say(&format!(
                "hosts are on trial for {least} s and not {}: so long their checks need to prove them",
                self.confirm_within
            ));
        }
        let rollout = Rollout {
            remotes: &self.remotes,
            record: &self.record,
            token: held.token(),
            confirm_within: self.confirm_within.max(least),
            old_keys: self.old_keys,
            prove: &prove,
            watch: self.progress,
            interrupted,
        };
        if let Err(why) = self.compare().and_then(|()| self.deliver(&rollout)) {
            return Ended::NotBegun(why);
        }
        if interrupted.load(Ordering::Relaxed) {
            return Ended::NotBegun("interrupted; nothing was activated".to_owned());
        }
        if let Some(why) = held.lost() {
            return Ended::NotBegun(why);
        }
        Ended::Rolled(rollout.run(&self.batches))
    }

    fn moves(&self) -> impl Iterator<Item = &Move> {
        self.batches.iter().flatten()
    }

    /// Compare and swap, under the lock: the plan was made for what ran then.
    fn compare(&self) -> Result<(), String> {
        let hosts: Vec<String> = self.moves().map(|one| one.host.clone()).collect();
        let answers = ask_all(&*self.remotes, &hosts, &Question::Report, PROMPT);
        for (one, answer) in self.moves().zip(answers) {
            let host = &one.host;
            let report = match answer {
                Ok(Answer::Report(report)) => report,
                Ok(_) => return Err(format!("{host}: its gate is of another release")),
                Err(silence) => return Err(format!("{host}: {}", silence.in_words())),
            };
            if let Some(activation) = report.activation {
                let (push, who) = (activation.record.push, activation.record.who);
                let phase = activation.phase.in_words();
                return Err(format!(
                    "{host}: the push {push} of {who} is {phase} there: wait for its end, then plan again"
                ));
            }
            if report.system != one.before {
                let last =
                    report.last.map_or_else(String::new, |entry| format!("; last in its ledger: {}", entry.in_words()));
                return Err(format!(
                    "the plan is stale: {host} ran {} when it was made, and runs {} now{last}; plan again",
                    one.before.display(),
                    report.system.display()
                ));
            }
        }
        Ok(())
    }

    fn deliver(&self, rollout: &Rollout<'_>) -> Result<(), String> {
        if !self.derivations.is_empty() {
            self.moves().for_each(|one| self.progress.at(&one.host, &Stage::Build));
            deliver::build(&self.derivations)?;
        }
        match self.record.kind {
            Kind::Push => self.copy(rollout, &self.moves().collect::<Vec<_>>()),
            // The host has it, or says that it has not. Nothing is signed and sent because a host's ledger names it.
            Kind::Rollback => Ok(()),
        }
    }

    /// All of them, before any is activated. The first that fails is told.
    fn copy(&self, rollout: &Rollout<'_>, moves: &[&Move]) -> Result<(), String> {
        let next = AtomicUsize::new(0);
        let copy_some = || {
            while let Some(one) = moves.get(next.fetch_add(1, Ordering::Relaxed)) {
                if rollout.interrupted.load(Ordering::Relaxed) {
                    return Err("interrupted".to_owned());
                }
                rollout.copy(one).map_err(|why| format!("{}: {why}", one.host))?;
            }
            Ok(())
        };
        thread::scope(|scope| {
            let copying: Vec<_> = (0..COPIES_AT_ONCE).map(|_| scope.spawn(copy_some)).collect();
            let ended = |one: thread::ScopedJoinHandle<'_, Result<(), String>>| {
                one.join().unwrap_or_else(|_| Err("the pusher failed while copying: a bug".to_owned()))
            };
            copying.into_iter().map(ended).collect::<Vec<_>>().into_iter().collect()
        })
    }

    /// The ledgers' news, here and on the other admin machines. What cannot be had now is had at the next `polder log`.
    fn collect(&self) {
        let hosts: Vec<String> = self.moves().map(|one| one.host.clone()).collect();
        let mut news: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for (host, answer) in
            hosts.iter().zip(ask_all(&*self.remotes, &hosts, &Question::Ledger { last: ENTRIES }, PROMPT))
        {
            if let Ok(Answer::Ledger { entries }) = answer {
                news.insert(host.clone(), entries);
            }
        }
        let admin = self.remotes.admin();
        let folder = copies::folder(&admin.state_dir);
        for (host, entries) in &news {
            if let Err(error) = copies::keep(&folder, host, entries) {
                self.progress.say(&format!("the copy of {host}'s ledger cannot be written: {error}"));
            }
        }
        let is_other = |host: &&String| **host != admin.name && self.fleet.hosts[*host].is(Role::Admin);
        let others: Vec<String> = self.locked.iter().filter(is_other).cloned().collect();
        for (host, answer) in others.iter().zip(copies::give(&*self.remotes, &others, news, PROMPT)) {
            if let Err(why) = answer {
                self.progress.say(&format!(
                    "{host} did not take copies of the ledgers ({why}); `polder log` there fetches them"
                ));
            }
        }
    }
}
