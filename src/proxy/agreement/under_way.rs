//! Transactions of ours that are under way: nobody knows yet what came of them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Effect, Ended, Key, Transaction};

/// Between two attempts to write something of which it is not known what came of the first.
const RETRY: Duration = Duration::from_millis(300);

/// Between two attempts of which the first was refused: what it did not know is being told.
const REFUSED: Duration = Duration::from_millis(20);

/// Transactions, by their tickets.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    ticket: u64,
    pending: BTreeMap<u64, Pending>,
}

#[derive(Debug)]
struct Pending {
    keys: Vec<Key>,
    until: Until,
}

#[derive(Debug)]
enum Until {
    /// Its end is told.
    Told,
    /// The view has come to this revision.
    Seen(i64),
    /// This time: it was refused, or nobody knows what came of it.
    Time(Duration),
}

impl UnderWay {
    /// Begins one.
    pub(super) fn begin(&mut self, transaction: Transaction) -> Effect {
        self.ticket += 1;
        let keys = transaction.writes.iter().map(|(key, _)| key.clone()).collect();
        self.pending.insert(self.ticket, Pending { keys, until: Until::Told });
        Effect::Transact { ticket: self.ticket, transaction }
    }

    /// One has ended.
    pub(super) fn end(&mut self, ticket: u64, how: &Ended, now: Duration) {
        // One whose end nobody waited for any more may be of another store.
        let told = |pending: &&mut Pending| matches!(pending.until, Until::Told);
        let Some(pending) = self.pending.get_mut(&ticket).filter(told) else { return };
        pending.until = match how {
            Ended::Written(revision) => Until::Seen(*revision),
            Ended::Refused => Until::Time(now + REFUSED),
            Ended::Unknown(_) => Until::Time(now + RETRY),
        };
    }

    /// The store was read anew. Its revisions say nothing of what was under way, and its end may never be told.
    pub(super) fn doubt(&mut self, now: Duration) {
        for pending in self.pending.values_mut() {
            pending.until = Until::Time(now + RETRY);
        }
    }

    /// What may be tried again now is not under way any more.
    pub(super) fn forget_what_has_ended(&mut self, revision: i64, now: Duration) {
        self.pending.retain(|_, pending| match pending.until {
            Until::Told => true,
            Until::Seen(seen) => seen > revision,
            Until::Time(time) => time > now,
        });
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether one that writes this key is under way: until it has ended nobody knows what the next one has to follow.
    pub(super) fn writes(&self, key: &Key) -> bool {
        self.pending.values().any(|pending| pending.keys.contains(key))
    }

    /// When something may be tried again.
    pub(super) fn retries(&self) -> impl Iterator<Item = Duration> {
        self.pending.values().filter_map(|pending| match pending.until {
            Until::Time(time) => Some(time),
            Until::Told | Until::Seen(_) => None,
        })
    }
}
