//! What a peer told last, and where it differs from us (pure).
//!
//! Owns the reading of a peer's value. Must never: decide; `control` merges. Latches that differ for a moment are the
//! ordinary course of an exchange; only a difference that lasts is worth an alarm.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::VERSION;
use crate::daemon::operator::OperatorStates;
use crate::proxy::latch::{Latch, Now};

/// A difference that lasts longer than this is one.
const LASTING: Duration = Duration::from_secs(3);

/// One peer's words.
#[derive(Debug, Clone, Default)]
pub struct PeerWords {
    /// Its latches, by service.
    pub latches: BTreeMap<String, Latch>,
    /// The operator's words it knows.
    pub operator: OperatorStates,
    /// Why its last words could not be read.
    unreadable: Option<String>,
    /// Services whose latch differs, and since when.
    differs: BTreeMap<String, Duration>,
}

#[derive(Deserialize)]
struct Told {
    version: u64,
    #[serde(default)]
    latches: BTreeMap<String, Latch>,
    #[serde(default)]
    operator: OperatorStates,
}

impl PeerWords {
    /// Reads a value; `before` is what the same peer said last.
    pub fn read(value: &Value, before: Option<&PeerWords>) -> Result<PeerWords, String> {
        let told = Told::deserialize(value).map_err(|error| error.to_string())?;
        if told.version != VERSION {
            return Err(format!("it is of version {}, this program reads {VERSION}", told.version));
        }
        let differs = before.map(|before| before.differs.clone()).unwrap_or_default();
        Ok(PeerWords { latches: told.latches, operator: told.operator, unreadable: None, differs })
    }

    /// Remembers why; true if that is news.
    pub fn note_unreadable(&mut self, why: &str) -> bool {
        self.unreadable.replace(why.to_owned()).is_none_or(|before| before != why)
    }

    /// Compares with our latches. A service that only one of the two knows does not differ: documents arrive at
    /// different times.
    pub fn compare(&mut self, ours: &BTreeMap<String, Latch>, now: Now) {
        let differing = |service: &&String| ours.get(*service).is_some_and(|ours| *ours != self.latches[*service]);
        let since = |service: &String| self.differs.get(service).copied().unwrap_or(now.running);
        self.differs = self.latches.keys().filter(differing).map(|service| (service.clone(), since(service))).collect();
    }

    /// Services whose latch has differed for longer than a moment.
    pub fn differing(&self, now: Now) -> Vec<String> {
        let lasting = self.differs.iter().filter(|(_, since)| now.running.saturating_sub(**since) > LASTING);
        lasting.map(|(service, _)| service.clone()).collect()
    }

    /// What the operator should look at.
    pub fn alarms(&self, peer: &str, ours: &BTreeMap<String, Latch>, now: Now) -> Vec<String> {
        let differing = self.differing(now).into_iter().filter_map(|service| {
            let (ours, theirs) = (ours.get(&service)?, self.latches.get(&service)?);
            Some(format!(
                "{service}: peer {peer} has {} active (epoch {}), this proxy {} (epoch {})",
                theirs.active, theirs.epoch, ours.active, ours.epoch
            ))
        });
        let unreadable =
            self.unreadable.iter().map(|why| format!("peer {peer} says what this program cannot read: {why}"));
        differing.chain(unreadable).collect()
    }
}
