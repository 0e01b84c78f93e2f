//! A store that keeps etcd's rules: revisions, transactions, leases that run out, and a watch that tells everything in order.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::proxy::agreement::{Condition, Ended, Entry, Key, Mark, Transaction, View};

#[derive(Debug, Clone, Default)]
pub struct Store {
    /// Which cluster it is.
    pub cluster: u64,
    pub revision: i64,
    pub kept: BTreeMap<Key, (String, i64, Option<i64>)>,
    /// What was written, in order.
    pub history: Vec<Entry>,
    /// Until when each lease lasts.
    pub leases: BTreeMap<i64, Duration>,
    last_lease: i64,
}

impl Store {
    pub fn view(&self) -> View {
        let entry = |(key, (value, written, _)): (&Key, &(String, i64, Option<i64>))| Entry {
            key: key.clone(),
            value: Some(value.clone().into_bytes()),
            written: *written,
        };
        View::new(Mark { cluster: self.cluster, term: 2, revision: self.revision }, self.kept.iter().map(entry))
    }

    pub fn grant(&mut self, lasts: Duration, at: Duration) -> i64 {
        self.last_lease += 1;
        // No two clusters give the same number.
        let lease = (self.cluster as i64) << 32 | self.last_lease;
        self.leases.insert(lease, at + lasts);
        lease
    }

    /// Whether it is known still.
    pub fn renew(&mut self, lease: i64, lasts: Duration, at: Duration) -> bool {
        let known = self.leases.get_mut(&lease);
        known.map(|until| *until = at + lasts).is_some()
    }

    /// Whoever can write there does.
    pub fn overwrite(&mut self, key: &Key, value: Option<&str>) {
        self.revision += 1;
        self.history.push(Entry { key: key.clone(), value: value.map(|text| text.into()), written: self.revision });
        match value {
            Some(text) => drop(self.kept.insert(key.clone(), (text.into(), self.revision, None))),
            None => drop(self.kept.remove(key)),
        }
    }

    /// A leader that had stood still, and has not heard of renewals, ends what lives.
    pub fn revoke_all(&mut self, at: Duration) {
        self.leases.values_mut().for_each(|until| *until = at);
        self.expire(at);
    }

    /// Takes away what stands under leases that have run out.
    pub fn expire(&mut self, at: Duration) {
        let over: Vec<i64> = self.leases.iter().filter(|(_, until)| **until <= at).map(|(lease, _)| *lease).collect();
        for lease in over {
            self.leases.remove(&lease);
            let gone = |(key, (_, _, under)): (&Key, &(String, i64, Option<i64>))| {
                (*under == Some(lease)).then(|| key.clone())
            };
            let gone: Vec<Key> = self.kept.iter().filter_map(gone).collect();
            for key in gone {
                self.kept.remove(&key);
                self.revision += 1;
                self.history.push(Entry { key, value: None, written: self.revision });
            }
        }
    }

    pub fn transact(&mut self, transaction: &Transaction) -> Ended {
        let written = |key: &Key| self.kept.get(key).map_or(0, |(_, written, _)| *written);
        let holds = |condition: &Condition| match condition {
            Condition::WrittenAt(key, at) => written(key) == *at,
            Condition::NoneAfter(kind, revision) => {
                self.kept.iter().filter(|(key, _)| kind.has(key)).all(|(_, (_, written, _))| written <= revision)
            }
            Condition::Exists(key) => written(key) > 0,
        };
        if !transaction.conditions.iter().all(holds) {
            return Ended::Refused;
        }
        if transaction.lease.is_some_and(|lease| !self.leases.contains_key(&lease)) {
            return Ended::Unknown("requested lease not found".into());
        }
        self.revision += 1;
        for (key, value) in &transaction.writes {
            let entry = Entry { key: key.clone(), value: Some(value.clone().into_bytes()), written: self.revision };
            self.history.push(entry);
            self.kept.insert(key.clone(), (value.clone(), self.revision, transaction.lease));
        }
        Ended::Written(self.revision)
    }
}
