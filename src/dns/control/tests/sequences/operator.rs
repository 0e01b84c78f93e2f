//! The operator: the folder of keys on his machine, what he does with them, and the parent that does as he says.

use std::collections::BTreeSet;
use std::fs;

use tempfile::TempDir;

use super::super::*;
use super::nameserver::{APEX, Nameserver, START};
use crate::dnssec::parent_roll::{self, UnderWay};
use crate::dnssec::roll::{self, Pace, Roll, Successor};
use crate::dnssec::schedule::{Terms, least_every, next_step};
use crate::dnssec::{Algorithm, Role, Times, ZoneKey, make, read_keys, set_times, tags};
use crate::zone::name;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// What may be done wrong, for the sequences to find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// A successor signs as soon as it is made.
    NoPublication,
    /// Files come to nameservers when the new key signs already.
    LateFiles,
    /// An old key is gone as soon as it signs no more.
    NoRetirement,
    /// The parent has the new DS when the new key has just been made.
    EarlyDs,
    /// The old key ends while caches have its DS.
    EarlyEnd,
    /// Keys of another algorithm stand in the zone before their signatures are known.
    KeysBeforeSignatures,
    /// Signatures of the old algorithm go with its keys.
    SignaturesWithKeys,
}

pub struct Operator {
    pub keys: TempDir,
    pace: Pace,
    /// The keys that the parent has a DS of.
    pub ds: BTreeSet<Vec<u8>>,
    pub ds_ttl: u64,
    /// Which nameserver gets the files when, in seconds since the epoch.
    pub copies: Vec<(usize, u64)>,
    /// Since when all nameservers show the key that the parent is to know.
    shown_since: Option<u64>,
    mistake: Option<Mistake>,
}

impl Operator {
    /// With keys that sign already: two, or one for all; that end by themselves, or not.
    pub fn new(rng: &mut fastrand::Rng, pace: Pace, mistake: Option<Mistake>) -> Operator {
        let folder = tempfile::tempdir().unwrap();
        let ends = rng.u8(..6) == 0 && mistake.is_none();
        let since = Some(START - 100 * DAY);
        let inactive = ends.then(|| START + rng.u64(2..10) * DAY);
        let delete = inactive.map(|at| at + pace.lifetime);
        let times = Times { created: since, publish: since, activate: since, inactive, delete };
        let roles: &[Role] = if rng.bool() { &[Role::Ksk, Role::Zsk] } else { &[Role::Ksk] };
        let mut operator = Operator {
            keys: folder,
            pace,
            ds: BTreeSet::new(),
            ds_ttl: [HOUR, DAY][rng.usize(..2)],
            copies: Vec::new(),
            shown_since: None,
            mistake,
        };
        roles.iter().for_each(|role| operator.make(*role, Algorithm::Ed25519, times));
        let all = operator.read();
        operator.ds = all.iter().filter(|key| key.is_ksk()).map(|key| key.dnskey().to_vec()).collect();
        operator
    }

    fn is(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    pub fn read(&self) -> Vec<Arc<ZoneKey>> {
        read_keys(self.keys.path(), &name::from_text(APEX).unwrap()).unwrap()
    }

    fn make(&mut self, role: Role, algorithm: Algorithm, times: Times) {
        let apex = name::from_text(APEX).unwrap();
        let taken = tags(self.keys.path(), &apex).unwrap();
        make(&apex, role, algorithm, times, &taken).unwrap().write(self.keys.path()).unwrap();
    }

    /// Brings all files to a nameserver.
    pub fn copy_to(&self, nameserver: &Nameserver) {
        for file in fs::read_dir(self.keys.path()).unwrap().map(Result::unwrap) {
            fs::copy(file.path(), nameserver.keys.path().join(file.file_name())).unwrap();
        }
    }

    /// All nameservers get the files at some time before a moment.
    fn copy_before(&mut self, rng: &mut fastrand::Rng, now: u64, before: u64) {
        // Clocks differ.
        let before = before.saturating_sub(2 * HOUR).max(now + 1);
        self.copies.extend([0, 1].map(|nameserver| (nameserver, rng.u64(now..=before))));
    }

    fn carry_out(&mut self, mut roll: Roll) {
        if self.is(Mistake::NoRetirement) {
            roll.old_times.delete = roll.old_times.inactive;
        }
        if let Successor::Missing(algorithm, times) = &roll.successor {
            self.make(Role::Zsk, *algorithm, *times);
        }
        set_times(self.keys.path(), &roll.old, &roll.old_times).unwrap();
    }

    /// The ZSK gets a successor, if it can have one.
    pub fn roll_zsk(&mut self, rng: &mut fastrand::Rng, now: u64) {
        let pace =
            if self.is(Mistake::NoPublication) { Pace { ttl: 0, propagation: 0, ..self.pace } } else { self.pace };
        let Ok(roll) = roll::plan(&self.read(), now, None, pace) else { return };
        let before = roll.publish_before;
        self.carry_out(roll);
        if self.is(Mistake::LateFiles) {
            let late = before + self.pace.ttl + 2 * HOUR;
            self.copies.extend([(0, now), (1, rng.u64(late..late + 3 * DAY))]);
            return;
        }
        self.copy_before(rng, now, before);
    }

    /// Successors are made ahead.
    pub fn roll_ahead(&mut self, rng: &mut fastrand::Rng, now: u64) {
        let every = least_every(self.pace) + rng.u64(..5) * DAY;
        let terms = Terms { every, until: now + rng.u64(2..5) * every, first: None, pace: self.pace };
        let mut before = None;
        while let Ok(Some(roll)) = next_step(&self.read(), now, terms) {
            before = Some(before.map_or(roll.publish_before, |before: u64| before.min(roll.publish_before)));
            self.carry_out(roll);
        }
        if let Some(before) = before {
            self.copy_before(rng, now, before);
        }
    }

    /// A ZSK beside the keys that are there, for one that was lost sight of.
    pub fn make_late(&mut self, rng: &mut fastrand::Rng, now: u64) {
        let keys = self.read();
        let comes = |key: &Arc<ZoneKey>| key.times().activate.is_some_and(|from| from > now);
        if keys.iter().any(|key| key.is_active(now) || comes(key)) {
            return;
        }
        let at = (now + self.pace.ttl + self.pace.propagation).next_multiple_of(HOUR);
        let times = Times { created: Some(now), publish: Some(now), activate: Some(at), ..Times::default() };
        let algorithm = keys.iter().max_by_key(|key| key.times().activate).unwrap().algorithm();
        self.make(Role::Zsk, algorithm, times);
        self.copy_before(rng, now, at - self.pace.ttl);
    }

    /// The key that the parent knows gets a successor, of another algorithm or of the same, if it can have one.
    pub fn begin(&mut self, rng: &mut fastrand::Rng, now: u64, is_to_change: bool) {
        let keys = self.read();
        let present =
            keys.iter().filter(|key| key.is_ksk()).max_by_key(|key| key.times().activate).unwrap().algorithm();
        let other = if present == Algorithm::Ed25519 { Algorithm::EcdsaP256 } else { Algorithm::Ed25519 };
        let Ok(begin) = parent_roll::begin(&keys, now, is_to_change.then_some(other), self.pace) else { return };
        if let Some(times) = &begin.old_times {
            set_times(self.keys.path(), &begin.old, times).unwrap();
        }
        for (key, times) in &begin.replaced {
            set_times(self.keys.path(), key, times).unwrap();
        }
        for (role, algorithm, times) in &begin.make {
            let is_early = self.is(Mistake::KeysBeforeSignatures);
            let times = if is_early { Times { publish: Some(now), activate: Some(now), ..*times } } else { *times };
            self.make(*role, *algorithm, times);
        }
        let before = if is_to_change { begin.published - self.pace.ttl } else { now + 2 * DAY };
        self.copy_before(rng, now, before);
        self.shown_since = None;
        if self.is(Mistake::EarlyDs) {
            self.ds = self.under_way(now).into_iter().map(|roll| roll.new.dnskey().to_vec()).collect();
        }
    }

    fn under_way(&self, now: u64) -> Option<UnderWay> {
        parent_roll::under_way(&self.read(), now).unwrap()
    }

    /// Looks at the nameservers and the parent, and does what comes next, if it can be done.
    pub fn go_on(&mut self, rng: &mut fastrand::Rng, now: u64, nameservers: &[Nameserver]) {
        let Some(roll) = self.under_way(now) else { return };
        let (old, new) = (roll.old.dnskey().to_vec(), roll.new.dnskey().to_vec());
        let is_shown = nameservers.iter().all(|one| one.shows(&new));
        if !is_shown {
            return;
        }
        let since = *self.shown_since.get_or_insert(now);
        if !self.ds.contains(&new) && now >= since + self.pace.ttl {
            // In one step, or the new one first.
            if rng.bool() {
                self.ds.remove(&old);
            }
            self.ds.insert(new);
        } else if self.ds.contains(&new) && self.ds.contains(&old) {
            self.ds.remove(&old);
        } else if self.ds.contains(&new) {
            let ds_ttl = if self.is(Mistake::EarlyEnd) { 0 } else { self.ds_ttl };
            let is_change = roll.old.algorithm() != roll.new.algorithm();
            let before = if is_change { now + self.pace.propagation } else { now + 3 * DAY };
            for (key, mut times) in parent_roll::finish(&self.read(), &roll, now, ds_ttl, self.pace) {
                if self.is(Mistake::EarlyEnd) {
                    (times.inactive, times.delete) = (Some(now), Some(now));
                }
                if self.is(Mistake::SignaturesWithKeys) {
                    times.inactive = times.delete;
                }
                set_times(self.keys.path(), &key, &times).unwrap();
            }
            self.copy_before(rng, now, before);
        }
    }

    /// The parent reads what nameservers tell it, and does it if all of them say the same (RFC 7344, 6.1).
    pub fn read_cds(&mut self, nameservers: &[Nameserver]) {
        let told: Vec<_> = nameservers.iter().filter_map(Nameserver::tells_parent).collect();
        if told.len() == nameservers.len() && !told[0].is_empty() && told.iter().all(|one| *one == told[0]) {
            self.ds.clone_from(&told[0]);
        }
    }

    /// All keys and their times, and which of them the parent knows.
    pub fn told(&self) -> String {
        let told = |key: &Arc<ZoneKey>| {
            let known = if self.ds.contains(key.dnskey()) { ", with a DS" } else { "" };
            format!("  key {} ({}, {}{known}): {:?}\n", key.tag(), key.flags(), key.algorithm(), key.times())
        };
        self.read().iter().map(told).collect()
    }

    /// The next moment at which a key does something else.
    pub fn next_change(&self, now: u64) -> Option<u64> {
        self.read().iter().filter_map(|key| key.times().next_change(now)).map(|(at, _)| at).min()
    }
}
