//! What daemons of one kind tell each other of their checks (pure): the verdict on each target, by the name that the document has for it.
//!
//! Owns which verdicts are told, and which of a peer's count. Must never: change a verdict, which is what a daemon's own probes say.
//! Called by both daemons' control.
//!
//! A daemon tells a verdict only as long as its own probes bear it out, and takes it back when they do not any more, were it that they
//! cannot be made. So what a peer says is as old as the last exchange with it, and counts while that is [recent](RECENT).

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::peers::RECENT;
use crate::health::{TargetHealth, Verdict};

/// What one daemon's checks say of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinion {
    /// Up or down.
    pub verdict: Verdict,
    /// In how many milliseconds its check finds a target dead: so old can the verdict be.
    #[serde(default)]
    pub bound: u64,
}

impl Opinion {
    /// Whether a daemon whose own check takes `bound` to find a target dead heeds it: the verdict of a check that takes more than twice as long
    /// may be of a time long before anything went wrong. Such checks differ while documents are pushed.
    fn is_of_use(&self, bound: Duration) -> bool {
        self.bound() <= 2 * bound
    }

    fn bound(&self) -> Duration {
        Duration::from_millis(self.bound)
    }
}

/// The opinions of one daemon by subject, which names a service or a pool, and an address: backends and members may be called otherwise in another document.
/// One that cannot be read is none: what a later version says costs nobody the rest of its message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, Value>")]
pub struct Opinions(BTreeMap<String, Opinion>);

impl From<BTreeMap<String, Value>> for Opinions {
    fn from(told: BTreeMap<String, Value>) -> Opinions {
        let readable = told.into_iter().filter_map(|(subject, told)| Some((subject, Opinion::deserialize(told).ok()?)));
        Opinions(readable.collect())
    }
}

impl Opinions {
    /// The opinions become these: of the targets that were probed by this daemon, and whose verdict is borne out. Each comes with the time
    /// in which its check finds it dead. Gives whether anything has changed.
    pub fn renew<'a, Subject: Borrow<str> + Ord>(
        &mut self,
        seen: impl Iterator<Item = (Subject, &'a TargetHealth, Duration)>,
        running: Duration,
    ) -> bool {
        let told = |health: &TargetHealth| {
            health.verdict != Verdict::Unchecked && !health.hearsay && health.proof.is_borne_out(running)
        };
        let (mut changed, mut kept) = (false, BTreeSet::new());
        for (subject, health, bound) in seen.filter(|(_, health, _)| told(health)) {
            let bound = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
            let opinion = Opinion { verdict: health.verdict, bound };
            match self.0.get_mut(subject.borrow()) {
                Some(known) => changed |= std::mem::replace(known, opinion) != opinion,
                None => changed |= self.0.insert(subject.borrow().to_owned(), opinion).is_none(),
            }
            kept.insert(subject);
        }
        let before = self.0.len();
        self.0.retain(|subject, _| kept.contains(subject.as_str()));
        changed || self.0.len() != before
    }

    /// The verdict that is told of a target.
    pub fn told(&self, subject: &str) -> Option<Verdict> {
        self.0.get(subject).map(|opinion| opinion.verdict)
    }

    /// Those about what the document names.
    pub fn vetted(mut self, is_named: impl Fn(&str) -> bool) -> Opinions {
        self.0.retain(|subject, opinion| opinion.verdict != Verdict::Unchecked && is_named(subject));
        self
    }

    /// The verdict on a target, for a daemon whose own check takes `bound` to find it dead; with how long this one's takes.
    pub fn verdict(&self, subject: &str, bound: Duration) -> Option<(Verdict, Duration)> {
        let opinion = self.0.get(subject).filter(|opinion| opinion.is_of_use(bound))?;
        Some((opinion.verdict, opinion.bound()))
    }
}

/// When a peer was heard last, as far as its opinions count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard(Duration);

impl Heard {
    /// Now.
    pub fn now(running: Duration) -> Heard {
        Heard(running)
    }

    /// Whether what it said then counts.
    pub fn is_recent(self, running: Duration) -> bool {
        running.saturating_sub(self.0) <= RECENT
    }

    /// Whether that was at this time or later.
    pub fn is_after(self, running: Duration) -> bool {
        self.0 >= running
    }

    /// When it counts no more.
    pub fn lapses(self) -> Duration {
        self.0 + RECENT + Duration::from_millis(1)
    }
}

#[cfg(test)]
mod tests;
