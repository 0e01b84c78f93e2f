//! What a peer told last, and where it differs from us (pure).
//!
//! Owns the reading of a peer's value, and holds it to the bounds: what is beyond them is left out, with an alarm, and the
//! rest of the letter counts. A letter of another form is refused whole. Must never: decide; `control` merges. Latches that differ for a moment are the
//! ordinary course of an exchange; only a difference that lasts is worth an alarm.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::VERSION;
use super::prepared::Prepared;
use crate::api::bounds;
use crate::daemon::operator::OperatorStates;
use crate::daemon::peers::Rejected;
use crate::proxy::latch::latches::Latches;
use crate::proxy::latch::{Latch, Now};

/// A difference that lasts longer than this is one.
const LASTING: Duration = Duration::from_secs(3);

/// One peer's words.
#[derive(Debug, Clone, Default)]
pub struct PeerWords {
    /// Its latches that are within the bounds, by service of our document.
    pub latches: BTreeMap<String, Latch>,
    /// Its latches of services that our document does not have, as it said them: they are not passed on, and go with its
    /// next letter.
    unknown: BTreeMap<String, Latch>,
    /// What of its letters was beyond the bounds.
    untaken: Rejected,
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
        let untaken = before.map(|before| before.untaken.clone()).unwrap_or_default();
        Ok(PeerWords {
            latches: told.latches,
            unknown: BTreeMap::new(),
            untaken,
            operator: told.operator,
            unreadable: None,
            differs,
        })
    }

    /// Leaves out what is beyond the bounds, or of what our document does not name. Gives words for the log if what is
    /// beyond them is news.
    pub fn hold_to_bounds(&mut self, prepared: &Prepared, latches: &Latches, now: Now) -> Option<String> {
        let subjects: BTreeSet<&str> = prepared.subjects().map(String::as_str).collect();
        let (operator, mut untaken) =
            std::mem::take(&mut self.operator).vetted(now.unix_ms, |subject| subjects.contains(subject));
        self.operator = operator;
        self.unknown = std::mem::take(&mut self.latches);
        untaken.extend(self.know(prepared, latches, now));
        self.untaken.note(untaken)
    }

    /// Takes the latches of the services that our document has by now, if they are within the bounds. Gives what is beyond
    /// them. A date from the future is told and decides nothing.
    pub fn know(&mut self, prepared: &Prepared, ours: &Latches, now: Now) -> Vec<String> {
        let mut untaken = Vec::new();
        let latched = |name: &String| prepared.service(name).filter(|service| service.rules().is_some());
        for (name, latch) in std::mem::take(&mut self.unknown) {
            let Some(service) = latched(&name) else {
                self.unknown.insert(name, latch);
                continue;
            };
            let epoch = ours.get(&name).and_then(|keeper| keeper.heading()).map_or(0, |ours| ours.epoch);
            let knows = |backend: &str| service.backends.iter().any(|known| &*known.name == backend);
            match latch.vet(epoch, knows) {
                Err(why) => untaken.push(format!("the latch of {name}: {why}")),
                Ok(()) => {
                    if bounds::is_ahead(latch.at, now.unix_ms) {
                        untaken.push(format!(
                            "the date of the latch of {name}, which lies in the future: compare the clocks"
                        ));
                    }
                    self.latches.insert(name, latch);
                }
            }
        }
        untaken
    }

    /// Values that were not taken since the start.
    pub fn untaken(&self) -> u64 {
        self.untaken.total()
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
        differing.chain(unreadable).chain(self.untaken.alarm(peer)).collect()
    }
}
