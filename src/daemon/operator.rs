//! What the operator says of a backend or member: ready, drain, maint; with who, when, why, and until when.
//!
//! Pure: the states, their merge and their expiry. Must never look at a clock, except [`unix_ms`] for the callers. The
//! daemons persist them (state_file) and peers exchange them.
//!
//! For each subject the greatest word counts, everywhere: the merge is a maximum, so it is commutative, associative and
//! idempotent, and daemons that hear of each other's words in any order end up with the same ones.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::bounds::{self, MAX_AHEAD, MAX_FOR, MAX_WHO, MAX_WHY, is_ahead, text};
use crate::config::names;

/// What the operator says. Shown beside what checks say, never merged with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperatorState {
    /// Wanted.
    #[default]
    Ready,
    /// No new visitors; those who belong to it stay.
    Drain,
    /// Nobody.
    Maint,
}

impl fmt::Display for OperatorState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OperatorState::Ready => "ready",
            OperatorState::Drain => "drain",
            OperatorState::Maint => "maint",
        })
    }
}

/// The operator's word on one subject. A `Ready` word is kept too: it must win over an older `Drain` on a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// What was said.
    pub state: OperatorState,
    /// Who said it (`alice@admin-nl`).
    pub who: String,
    /// When, in milliseconds since the epoch; with `by`, the order of words.
    pub when: u64,
    /// The daemon that heard it first.
    pub by: String,
    /// Why; may be empty.
    pub why: String,
    /// When it ends (back to ready), in milliseconds since the epoch.
    pub until: Option<u64>,
}

impl Word {
    /// It no longer counts at `now`.
    fn expired(&self, now: u64) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Whether a peer's word may be taken at `now`.
    ///
    /// # Errors
    ///
    /// What is beyond its bound.
    pub fn vet(&self, now: u64) -> Result<(), String> {
        if is_ahead(self.when, now) {
            let minutes = MAX_AHEAD.as_secs() / 60;
            return Err(format!("it was said more than {minutes} min in the future: compare the clocks"));
        }
        let latest = now.saturating_add((MAX_FOR + MAX_AHEAD).as_millis() as u64);
        if self.until.is_some_and(|until| until > latest) {
            return Err(format!("it ends in more than {} days", MAX_FOR.as_secs() / 86_400));
        }
        names::name(&self.by).map_err(|_| "it was first heard by what is no name".to_owned())?;
        text("who", &self.who, MAX_WHO)?;
        text("why", &self.why, MAX_WHY)
    }

    /// The order of words: by (when, by); every further field only makes it total, so that two daemons never disagree
    /// over which of two words is the greater.
    fn compare(&self, other: &Word) -> Ordering {
        fn key(word: &Word) -> (u64, &str, OperatorState, Option<u64>, &str, &str) {
            (word.when, &word.by, word.state, word.until, &word.who, &word.why)
        }
        key(self).cmp(&key(other))
    }
}

/// Every word by subject: `SERVICE/BACKEND` in a proxy, `POOL/MEMBER` in a nameserver. One that has ended stays: it must still
/// win over an older one on a peer that was away.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperatorStates(pub BTreeMap<String, Word>);

impl OperatorStates {
    /// What counts at `now` (milliseconds since the epoch): an expired word is `Ready`, and so is no word.
    pub fn state(&self, subject: &str, now: u64) -> OperatorState {
        self.0.get(subject).filter(|word| !word.expired(now)).map_or(OperatorState::Ready, |word| word.state)
    }

    /// Records a word; `when` is raised above the word it replaces, so that a clock set back loses nothing.
    pub fn say(&mut self, subject: &str, mut word: Word) {
        if let Some(former) = self.0.get(subject) {
            word.when = word.when.max(former.when.saturating_add(1));
        }
        self.0.insert(subject.to_owned(), word);
    }

    /// Only the words on subjects that a document names, within the bounds at `now`; and what is wrong with those beyond
    /// them. Words on other subjects are left out in silence: a peer's document may be newer than ours, and it says them
    /// again every second, also after our next reload.
    pub fn vetted(self, now: u64, knows: impl Fn(&str) -> bool) -> (OperatorStates, Vec<String>) {
        let mut untaken = Vec::new();
        let mut taken = OperatorStates::default();
        for (subject, word) in self.0.into_iter().filter(|(subject, _)| knows(subject)) {
            match word.vet(now) {
                Ok(()) => drop(taken.0.insert(subject, word)),
                Err(why) => untaken.push(format!("the word on {subject}: {why}")),
            }
        }
        (taken, untaken)
    }

    /// Puts `ready` in the place of what was said of a subject, so that it wins everywhere: later than a word of sane time,
    /// and one from the far future is taken by no peer again. Gives the word it replaces.
    pub fn forget(&mut self, subject: &str, mut ready: Word) -> Option<Word> {
        let former = self.0.remove(subject);
        if let Some(former) = former.as_ref().filter(|former| !is_ahead(former.when, ready.when)) {
            ready.when = ready.when.max(former.when + 1);
        }
        self.0.insert(subject.to_owned(), ready);
        former
    }

    /// Takes over every newer word of a peer, ordered by (when, by). True if anything changed.
    pub fn merge(&mut self, other: &OperatorStates) -> bool {
        let mut changed = false;
        for (subject, theirs) in &other.0 {
            let newer = self.0.get(subject).is_none_or(|ours| ours.compare(theirs) == Ordering::Less);
            if newer {
                self.0.insert(subject.clone(), theirs.clone());
                changed = true;
            }
        }
        changed
    }

    /// The next moment after `now` at which a word ends.
    pub fn next_expiry(&self, now: u64) -> Option<u64> {
        self.0.values().filter_map(|word| word.until).filter(|until| *until > now).min()
    }
}

/// The body of `POST /operator`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorCommand {
    /// `SERVICE/BACKEND`, or `POOL/MEMBER` with the pool's name without the final dot.
    pub subject: String,
    /// What is said.
    pub state: OperatorState,
    /// Who says it.
    pub who: String,
    /// Why.
    #[serde(default)]
    pub why: String,
    /// For how many milliseconds; none: until the next word.
    #[serde(default)]
    pub for_ms: Option<u64>,
    /// Even if it is the last one.
    #[serde(default)]
    pub force: bool,
}

impl OperatorCommand {
    /// Whether it is within the bounds.
    ///
    /// # Errors
    ///
    /// In words: which bound it is beyond.
    pub fn vet(&self) -> Result<(), String> {
        bounds::said(&self.who, &self.why)?;
        match self.for_ms.is_some_and(|length| u128::from(length) > MAX_FOR.as_millis()) {
            true => Err(format!("it is to last more than {} days", MAX_FOR.as_secs() / 86_400)),
            false => Ok(()),
        }
    }
}

/// The body of `POST /forget`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForgetCommand {
    /// What is forgotten.
    pub what: Forgotten,
    /// Who says it.
    pub who: String,
    /// Why.
    #[serde(default)]
    pub why: String,
}

/// What can be forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Forgotten {
    /// The word on `SERVICE/BACKEND` or `POOL/MEMBER`, also if no document names that any more.
    Subject(String),
    /// Where the latch of a service is, and what it was failed away from.
    Latch(String),
}

/// Milliseconds since the epoch, now.
pub fn unix_ms() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests;
