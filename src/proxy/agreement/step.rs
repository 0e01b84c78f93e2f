//! What is asked of the store, as transactions.

use std::collections::BTreeSet;

use serde_json::json;

use super::key::Kind;
use super::view::Votes;
use super::{Condition, Key, Seat, Transaction, View};
use crate::proxy::latch::Latch;

/// So many conditions, and so many writes, etcd takes in one transaction (`--max-txn-ops`).
pub(super) const MOST_OPERATIONS: usize = 128;
/// So much is written by one transaction of several writes: a part of what etcd takes as one request (`--max-request-bytes`).
const MOST_BYTES: usize = 512 << 10;

/// A latch that is to follow the one in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The latch.
    pub next: Latch,
    /// The backend that is left, by `SERVICE/ADDRESS`, where the seats must find it down. None: the operator wants it.
    pub condemned: Option<String>,
}

impl Step {
    /// Whether it is the operator's.
    pub fn is_operators(&self) -> bool {
        self.condemned.is_none() && self.next.by_operator
    }
}

/// Our seat. No latch may have moved since: we would stand where nobody expects us any more.
pub(super) fn take_seat(own: &str, seat: &Seat, view: &View) -> Transaction {
    Transaction {
        conditions: vec![Condition::NoneAfter(Kind::Latches, view.mark.revision)],
        writes: vec![(Key::Seat(own.to_owned()), json!(seat).to_string())],
        lease: Some(seat.lease),
    }
}

/// A latch that is to be written, and on what that depends.
#[derive(Debug)]
pub(super) struct Draft {
    key: Key,
    value: String,
    /// When the one that it follows was written; 0: there is none.
    follows: i64,
    /// The proxies whose votes it stands on, of those with a seat; none: it needs no votes.
    voters: Option<Vec<String>>,
    /// Somebody is told what came of it: it shares its end with no other.
    is_alone: bool,
}

/// A step, if the seats allow it.
pub(super) fn step(service: &str, step: &Step, view: &View) -> Option<Draft> {
    let (_, follows) = view.latch(service)?;
    let votes = step.condemned.as_ref().map(|subject| view.votes(service, subject));
    if !votes.as_ref().is_none_or(Votes::condemn) {
        return None;
    }
    let (key, value) = (Key::Latch(service.to_owned()), json!(step.next).to_string());
    Some(Draft { key, value, follows, voters: votes.map(|votes| votes.down), is_alone: step.is_operators() })
}

/// A latch that the store does not know, or knows no more: it is new, or has gone back.
pub(super) fn restored(service: &str, ours: &Latch, view: &View) -> Option<Draft> {
    let follows = match view.latch(service) {
        Some((agreed, _)) if agreed.epoch >= ours.epoch => return None,
        Some((_, written)) => written,
        None if view.has_latch(service) => return None,
        None => 0,
    };
    // With it in the store the proxies agree, also on an operator's last word.
    let agreed = Latch { without_agreement: false, ..ours.clone() };
    let (key, value) = (Key::Latch(service.to_owned()), json!(agreed).to_string());
    Some(Draft { key, value, follows, voters: None, is_alone: false })
}

/// Latches that are written together, all of them or none.
#[derive(Default)]
struct Batch {
    conditions: Vec<Condition>,
    writes: Vec<(Key, String)>,
    bytes: usize,
    voters: BTreeSet<String>,
    counts_votes: bool,
}

impl Batch {
    fn of(draft: Draft) -> Batch {
        let mut batch = Batch::default();
        batch.add(draft);
        batch
    }

    fn has_room_for(&self, draft: &Draft) -> bool {
        let others = draft.voters.iter().flatten().filter(|voter| !self.voters.contains(*voter)).count();
        // One is that no seat was written since.
        let conditions = self.conditions.len() + 1 + self.voters.len() + others + 1;
        !draft.is_alone && conditions <= MOST_OPERATIONS && self.bytes + draft.value.len() <= MOST_BYTES
    }

    fn add(&mut self, Draft { key, value, follows, voters, .. }: Draft) {
        self.conditions.push(Condition::WrittenAt(key.clone(), follows));
        self.bytes += value.len();
        self.writes.push((key, value));
        self.counts_votes |= voters.is_some();
        self.voters.extend(voters.into_iter().flatten());
    }

    fn transaction(self, view: &View) -> Transaction {
        let mut conditions = self.conditions;
        if self.counts_votes {
            // Nobody has come, or thought otherwise, since they were counted; and those who count are still there.
            conditions.push(Condition::NoneAfter(Kind::Seats, view.mark.revision));
            conditions.extend(self.voters.into_iter().map(|proxy| Condition::Exists(Key::Seat(proxy))));
        }
        Transaction { conditions, writes: self.writes, lease: None }
    }
}

/// As few transactions as these latches can be written by. One for each would have them refuse each other: all proxies ask for the same at once,
/// and each move makes all of them write their seats anew. Of several drafts of one latch the first counts.
pub(super) fn write(drafts: impl Iterator<Item = Draft>, view: &View) -> Vec<Transaction> {
    let mut keys = BTreeSet::new();
    let drafts = drafts.filter(|draft| keys.insert(draft.key.clone()));
    let (alone, together): (Vec<Draft>, Vec<Draft>) = drafts.partition(|draft| draft.is_alone);
    let mut batches: Vec<Batch> = Vec::new();
    for draft in together.into_iter().chain(alone) {
        match batches.last_mut().filter(|batch| batch.has_room_for(&draft)) {
            Some(batch) => batch.add(draft),
            None => batches.push(Batch::of(draft)),
        }
    }
    batches.into_iter().map(|batch| batch.transaction(view)).collect()
}
