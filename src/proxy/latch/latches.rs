//! All latches of a proxy, and what of them is on disk (pure).
//!
//! Owns the [`Keeper`]s, of services in the document and of those that are not (yet, or any more), and the order of
//! writes: what is proposed counts once its write has ended, whether it succeeded or failed. Must never: touch the disk itself
//! ([`crate::proxy::latch::store`] does). Called by `control`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Keeper, Latch, Now};
use crate::daemon::lifecycle::Persistence;
use crate::proxy::control::prepared::{Prepared, PreparedBackend, PreparedService};

/// Between two attempts to write what could not be written.
const RETRY: Duration = Duration::from_secs(2);

/// Latches as they are stored, handed over and sent to peers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Record {
    /// By service.
    pub latches: BTreeMap<String, Latch>,
    /// Services whose latch is undecided: not to be mistaken for new ones.
    #[serde(default)]
    pub undecided: BTreeSet<String>,
    /// What is known of theirs, where it was not lost.
    #[serde(default)]
    pub doubtful: BTreeMap<String, Latch>,
    /// Services whose latch names a backend that only a peer's document has, and who serves instead: after a restart that
    /// backend must not be taken for one that left our document.
    #[serde(default, rename = "strangers")]
    pub substitutes: BTreeMap<String, Option<String>>,
}

/// What the disk held at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredLatches {
    /// Nothing: a new machine.
    Missing,
    /// A record.
    Whole(Record),
    /// Both slots are there and neither can be used, for this reason.
    Broken(String),
}

/// A latch that moved, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatchMove {
    /// The service.
    pub service: String,
    /// The latch before; `None`: it was undecided.
    pub before: Option<Latch>,
    /// The latch now.
    pub now: Latch,
}

/// The latches of all services.
#[derive(Debug, Default)]
pub struct Latches {
    keepers: BTreeMap<String, Keeper>,
    on_disk: Record,
    writing: Option<Writing>,
    ticket: u64,
    /// Why the last write failed, and when the next one is due.
    failure: Option<(String, Duration)>,
    /// Services first seen now are lost ones, not new ones.
    lost: bool,
}

#[derive(Debug)]
struct Writing {
    ticket: u64,
    record: Record,
    /// Its time was up and it counts as failed; it may still end well.
    late: bool,
}

impl Latches {
    /// Begins with what was found on disk.
    pub fn restore(found: StoredLatches) -> Latches {
        let (record, lost) = match found {
            StoredLatches::Missing => (Record::default(), false),
            StoredLatches::Whole(record) => (record, false),
            StoredLatches::Broken(_) => (Record::default(), true),
        };
        let keeper = |service: &String, latch: &Latch| match record.substitutes.get(service) {
            Some(previous) => Keeper::with_substitute(latch.clone(), previous.clone()),
            None => Keeper::new(latch.clone()),
        };
        let held = record.latches.iter().map(|(service, latch)| (service.clone(), keeper(service, latch)));
        let undecided = |service: &String| Keeper::undecided(record.doubtful.get(service).cloned());
        let undecided = record.undecided.iter().map(|service| (service.clone(), undecided(service)));
        let keepers = undecided.chain(held).collect();
        Latches { keepers, on_disk: record, lost, ..Latches::default() }
    }

    /// At a start of a proxy that has peers: they may know a latch that is not stored here, and, where a slot was `damaged`, a later
    /// one than is stored. What is here counts once one of them has been heard.
    pub fn doubt(&mut self, prepared: &Prepared, is_damaged: bool) {
        if is_damaged {
            self.keepers.values_mut().for_each(Keeper::doubt);
        }
        for service in &prepared.services {
            let (Some(_), Some(primary)) = (service.rules(), service.primary()) else { continue };
            let first = (!self.lost).then(|| Latch::first(&primary.name));
            self.keepers.entry(service.name.to_string()).or_insert_with(|| Keeper::undecided(first));
        }
    }

    /// Takes over from a process that was undecided about this service.
    pub fn inherit_doubt(&mut self, service: &str, doubtful: Option<Latch>) {
        self.keepers.insert(service.into(), Keeper::undecided(doubtful));
    }

    /// Makes sure that every latched service of a document has a latch. The active backends of services seen for the
    /// first time get their grace, and those that are not `settled`: they may still be starting, as after a power cut or where
    /// the document has just named them, however well their backups are.
    pub fn cover(
        &mut self,
        prepared: &Prepared,
        settled: impl Fn(&PreparedService, &PreparedBackend) -> bool,
        now: Now,
    ) {
        let lost = std::mem::take(&mut self.lost);
        for service in &prepared.services {
            let (Some(rules), Some(primary)) = (service.rules(), service.primary()) else { continue };
            let new = !self.keepers.contains_key(&*service.name);
            let keeper = self.keepers.entry(service.name.to_string()).or_insert_with(|| match lost {
                true => Keeper::undecided(None),
                false => Keeper::new(Latch::first(&primary.name)),
            });
            let active = keeper
                .latch()
                .and_then(|latch| latch.meant(&latch.active, &service.backends, PreparedBackend::identity));
            if new || !active.is_some_and(|active| settled(service, active)) {
                keeper.begin_grace(now, rules);
            }
        }
    }

    /// A service's latch.
    pub fn get(&self, service: &str) -> Option<&Keeper> {
        self.keepers.get(service)
    }

    /// Those that are undecided and not lost, to be decided.
    pub fn in_doubt(&mut self) -> impl Iterator<Item = (&String, &mut Keeper)> {
        self.keepers.iter_mut().filter(|(_, keeper)| keeper.doubtful().is_some() && keeper.proposed().is_none())
    }

    /// The same, to be moved.
    pub fn get_mut(&mut self, service: &str) -> Option<&mut Keeper> {
        self.keepers.get_mut(service)
    }

    /// In a process that has handed over: takes the new daemon's latch of this service.
    pub fn follow(&mut self, service: &str, latch: Option<Latch>) {
        self.keepers.entry(service.into()).or_insert_with(|| Keeper::undecided(None)).follow(latch);
    }

    /// Takes over a peer's latches where they are later than ours. Gives whether something follows from it.
    pub fn merge_peers(&mut self, theirs: &BTreeMap<String, Latch>) -> bool {
        let mut any = false;
        for (service, latch) in theirs {
            any |= match self.keepers.get_mut(service) {
                Some(keeper) => keeper.merge_peers(latch),
                None => self.keepers.entry(service.clone()).or_insert(Keeper::undecided(None)).merge_peers(latch),
            };
        }
        any
    }

    /// The latches that count now: for peers.
    pub fn record(&self) -> Record {
        self.collect(Keeper::latch)
    }

    /// The latches that count once the steps under way have ended: for a takeover, which must not lose one.
    pub fn upcoming(&self) -> Record {
        self.collect(Keeper::upcoming)
    }

    fn collect<'a>(&'a self, latch: impl Fn(&'a Keeper) -> Option<&'a Latch>) -> Record {
        let mut record = Record::default();
        for (service, keeper) in &self.keepers {
            if let Some(previous) = keeper.substitute() {
                record.substitutes.insert(service.clone(), previous.map(str::to_owned));
            }
            match latch(keeper) {
                Some(latch) => drop(record.latches.insert(service.clone(), latch.clone())),
                None => {
                    record.undecided.insert(service.clone());
                    record.doubtful.extend(keeper.doubtful().map(|latch| (service.clone(), latch.clone())));
                }
            }
        }
        record
    }

    /// What has to be written now, if anything: one write at a time.
    pub fn to_write(&mut self, now: Now) -> Option<(u64, Record)> {
        let proposed = self.keepers.values().any(|keeper| keeper.proposed().is_some());
        if !proposed && self.writing.is_none() && self.is_on_disk() {
            self.failure = None;
            return None;
        }
        let wanted = self.collect(|keeper| keeper.proposed().or(keeper.latch()));
        let waits = self.failure.as_ref().is_some_and(|(_, due)| now.running < *due);
        let busy = self.writing.as_ref().is_some_and(|writing| !writing.late || writing.record == wanted);
        if wanted == self.on_disk && !proposed && !busy {
            self.failure = None;
            return None;
        }
        if busy || (waits && !proposed) {
            return None;
        }
        self.ticket += 1;
        self.writing = Some(Writing { ticket: self.ticket, record: wanted.clone(), late: false });
        Some((self.ticket, wanted))
    }

    /// A write has ended, or its time is up (`Err` with a later second report). A full disk must not stop a failover:
    /// what was to be written counts either way.
    pub fn written(&mut self, ticket: u64, ended: WriteOutcome, now: Now) -> Vec<LatchMove> {
        let Some(writing) = self.writing.take_if(|writing| writing.ticket == ticket) else { return Vec::new() };
        let moved = self.commit(&writing.record);
        match ended {
            WriteOutcome::Written => {
                self.on_disk = writing.record;
                self.failure = None;
            }
            WriteOutcome::Failed(why) => self.failure = Some((why, now.running + RETRY)),
            WriteOutcome::Late(why) => {
                self.failure = Some((why, now.running + RETRY));
                self.writing = Some(Writing { late: true, ..writing });
            }
        }
        moved
    }

    fn commit(&mut self, record: &Record) -> Vec<LatchMove> {
        let mut moved = Vec::new();
        for (service, latch) in &record.latches {
            let before = self.keepers.get_mut(service).and_then(|keeper| keeper.commit(latch));
            // Which of two proxies that have made the same step counts is nobody's news.
            let is_the_same = |before: &Latch| (&before.active, before.epoch) == (&latch.active, latch.epoch);
            let before = before.filter(|before| !before.as_ref().is_some_and(is_the_same));
            moved.extend(before.map(|before| LatchMove { service: service.clone(), before, now: latch.clone() }));
        }
        moved
    }

    fn is_on_disk(&self) -> bool {
        let Record { latches, undecided, doubtful, substitutes } = &self.on_disk;
        let is_stored = |(service, keeper): (&String, &Keeper)| {
            (latches.get(service), doubtful.get(service)) == (keeper.latch(), keeper.doubtful())
                && substitutes.get(service).map(Option::as_deref) == keeper.substitute()
                && undecided.contains(service) == keeper.latch().is_none()
        };
        latches.len() + undecided.len() == self.keepers.len() && self.keepers.iter().all(is_stored)
    }

    /// Whether the latch that counts for this service is on disk.
    pub fn is_stored(&self, service: &str) -> bool {
        self.on_disk.latches.get(service) == self.get(service).and_then(Keeper::latch)
    }

    /// Whether an operator's step of this service to `active`, in this epoch or a later one, has come about and is on disk.
    pub fn persistence(&self, service: &str, active: &str, epoch: u64) -> Persistence {
        let keeper = self.get(service);
        if keeper.is_some_and(|keeper| keeper.is_handing_over() || keeper.proposed().is_some()) {
            return Persistence::Pending;
        }
        match (keeper.and_then(Keeper::latch), &self.failure) {
            (Some(latch), _) if latch.active != active || latch.epoch < epoch => Persistence::Withdrawn(format!(
                "{service} is on {}, and the step to {active} is withdrawn: {}",
                latch.active, latch.reason
            )),
            (None, _) => Persistence::Withdrawn(format!("which backend of {service} is active is not known")),
            (Some(_), _) if self.is_stored(service) => Persistence::OnDisk,
            (Some(_), Some((why, _))) => Persistence::Failed(format!(
                "{service} is on {active}, but that is not on disk ({why}); the write is tried again every 2 s"
            )),
            (Some(_), None) => Persistence::Pending,
        }
    }

    /// Why the latches are not on disk.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_ref().map(|(why, _)| why.as_str())
    }

    /// The next moment at which a keeper or a repeated write has something to do.
    pub fn wakes(&self, now: Now) -> Option<Duration> {
        let keepers = self.keepers.values().filter_map(|keeper| keeper.wakes(now));
        let retry = self.failure.iter().filter(|_| self.writing.is_none()).map(|(_, due)| *due);
        keepers.chain(retry).min()
    }

    /// An operator's step waits for running requests to end.
    pub fn is_handing_over(&self) -> bool {
        self.keepers.values().any(Keeper::is_handing_over)
    }
}

/// How a write ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteOutcome {
    /// It is on disk.
    Written,
    /// It is not, for this reason.
    Failed(String),
    /// It has not ended in time, for this reason; another report follows when it has.
    Late(String),
}
