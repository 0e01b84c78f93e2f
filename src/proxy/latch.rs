//! The latch: which backend of a stateful service is active (pure; DESIGN 7 "Latch").
//!
//! Owns the value that proxies store and exchange, its merge, and the rules by which it moves. Must never: look at a
//! clock, a socket or a disk; move to a backend only because it came back up. Called by `control`, which stores what is
//! proposed here before it takes effect:
//!
//! ```text
//!   in force ──step, failover, failback, hear──▶ proposed ──stored (or the disk failed)──▶ in force
//!      │  ▲                                         (requests wait)
//!      ▼  │ ended, or withdrawn
//!   handing over (requests wait, running ones end)
//! ```
//!
//! Documents reach proxies at different times during a push. So a latch heard from a peer may name a backend that our
//! document does not know yet. It is kept, since it is the later one, and our own document is no reason to move it:
//! otherwise two proxies with two documents would take turns for ever. Until our document knows the backend we go on
//! with the one we served before, if it may serve (`polder status` shows an alarm). Only a backend that our document did
//! know and then lost has left the document.

mod by_operator;
pub mod latches;
mod site;
pub mod store;
mod vet;

pub use by_operator::{Refusal, Said};
pub use site::{Now, Site, Standing};

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::api::bounds;
use crate::api::operator::OperatorState;
use crate::config::proxy::LatchConfig;
use crate::daemon::eligibility::Eligibility;
use crate::health::Verdict;
use crate::proxy::snapshot::LatchView;

/// Which backend is active, since when and why. The order of the fields is the order of latches: the highest
/// (epoch, by) wins, and the rest makes the order total, so that a merge never depends on who speaks first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Latch {
    /// Rises by one with each move.
    pub epoch: u64,
    /// The proxy that moved it; empty at epoch 0, so that new proxies agree.
    pub by: String,
    /// When, in milliseconds since the epoch.
    pub at: u64,
    /// The active backend.
    pub active: String,
    /// Backends that were failed away from, the latest last; never the active one.
    pub spent: Vec<String>,
    /// Why, in words.
    pub reason: String,
    /// An operator's step from a backend that can serve: wherever it is heard, running requests may end first.
    #[serde(default)]
    pub by_operator: bool,
}

impl Latch {
    /// What a service begins with: its primary is active.
    pub fn first(primary: &str) -> Latch {
        Latch {
            epoch: 0,
            by: String::new(),
            at: 0,
            active: primary.into(),
            spent: Vec::new(),
            reason: "the primary, since the start".into(),
            by_operator: false,
        }
    }

    /// The later of two.
    pub fn merge(self, other: Latch) -> Latch {
        self.max(other)
    }

    /// The next one, which leaves the active backend behind.
    fn moved(&self, to: &str, spent: Vec<String>, reason: String, now: Now, site: &Site<'_>) -> Latch {
        let mut spent: Vec<String> = spent.into_iter().filter(|name| name != to).collect();
        // The oldest of those that this document does not have go first: each move adds one at most.
        let unknown = |spent: &Vec<String>| spent.iter().filter(|name| site.find(name).is_none()).count();
        while unknown(&spent) > bounds::MAX_UNKNOWN_SPENT {
            spent.iter().position(|name| site.find(name).is_none()).map(|oldest| spent.remove(oldest));
        }
        let reason = bounds::truncated(reason, bounds::MAX_REASON);
        let by = site.own.to_string();
        let epoch = self.epoch.saturating_add(1);
        Latch { epoch, by, at: now.unix_ms, active: to.into(), spent, reason, by_operator: false }
    }

    fn spent_in_words(&self, service: &str) -> String {
        match self.spent.as_slice() {
            [] => String::new(),
            spent => format!(
                "; failed away from before: {}, which `polder failback {service}` makes eligible again",
                spent.join(", ")
            ),
        }
    }

    fn spent_with_active(&self) -> Vec<String> {
        let mut spent: Vec<String> = self.spent.iter().filter(|name| **name != self.active).cloned().collect();
        spent.push(self.active.clone());
        spent
    }
}

/// The latch of one service in this proxy.
#[derive(Debug, Clone)]
pub struct Keeper {
    /// None: undecided.
    in_force: Option<Latch>,
    proposed: Option<Proposal>,
    handing: Option<Handing>,
    /// Until then the active backend may be down without consequence: after a cold start, and after a peer moved it.
    grace_until: Option<Duration>,
    /// The active backend failed and nobody could follow it.
    stranded: bool,
    stand_in: StandIn,
}

#[derive(Debug, Clone)]
struct Proposal {
    latch: Latch,
    ours: bool,
}

/// An operator's step under way: new requests wait, running ones may end until `until`. `ours`: said to this proxy, who
/// may still withdraw it; else a peer's, which counts already.
#[derive(Debug, Clone)]
struct Handing {
    next: Latch,
    ours: bool,
    until: Duration,
}

/// Who serves while the active backend is one that only a peer's document has.
#[derive(Debug, Clone, PartialEq, Eq)]
enum StandIn {
    NotNeeded,
    For { previous: Option<String> },
}

impl Keeper {
    /// Begins with a latch from the disk, from a peer or [`Latch::first`].
    pub fn new(latch: Latch) -> Keeper {
        Keeper { in_force: Some(latch), ..Keeper::undecided() }
    }

    /// Begins with a latch that names a backend which only a peer's document had; `previous` serves instead.
    pub fn of_stranger(latch: Latch, previous: Option<String>) -> Keeper {
        Keeper { stand_in: StandIn::For { previous }, ..Keeper::new(latch) }
    }

    /// Who serves, if anybody, because the active backend is one that only a peer's document has.
    pub fn stranger(&self) -> Option<Option<&str>> {
        match &self.stand_in {
            StandIn::For { previous } => Some(previous.as_deref()),
            StandIn::NotNeeded => None,
        }
    }

    /// Begins without one: both slots were unreadable. Nobody is served until a peer or the operator says who is active.
    pub fn undecided() -> Keeper {
        Keeper {
            in_force: None,
            proposed: None,
            handing: None,
            grace_until: None,
            stranded: false,
            stand_in: StandIn::NotNeeded,
        }
    }

    /// A cold start: the active backend has this long to come up before its being down counts.
    pub fn begin_grace(&mut self, now: Now, rules: &LatchConfig) {
        self.grace_until = Some(now.running + rules.start_grace);
    }

    /// In a process that has handed over: what the daemon's latch is, which alone decides. While its backend is down,
    /// requests wait for the daemon to move it.
    pub fn follow(&mut self, latch: Option<Latch>) {
        *self = Keeper { in_force: latch, grace_until: Some(Duration::MAX), ..Keeper::undecided() };
    }

    /// The latch that counts; none while undecided.
    pub fn latch(&self) -> Option<&Latch> {
        self.in_force.as_ref()
    }

    /// The latch that counts when the step under way, if there is one, has ended.
    pub fn heading(&self) -> Option<&Latch> {
        let handing = self.handing.as_ref().map(|handing| &handing.next);
        self.proposed().or(handing).or(self.latch())
    }

    /// The latch to be stored before it counts.
    pub fn proposed(&self) -> Option<&Latch> {
        self.proposed.as_ref().map(|proposal| &proposal.latch)
    }

    /// Has been stored, or could not be: it counts from now on. Gives the one it replaces. What was proposed since then
    /// stays proposed.
    pub fn commit(&mut self, written: &Latch) -> Option<Option<Latch>> {
        let proposal = self.proposed.take_if(|proposal| proposal.latch == *written)?;
        let before = self.in_force.replace(proposal.latch);
        let previous = match (&self.stand_in, &before) {
            (StandIn::For { previous }, _) => previous.clone(),
            (StandIn::NotNeeded, before) => before.as_ref().map(|latch| latch.active.clone()),
        };
        self.stand_in = if proposal.ours { StandIn::NotNeeded } else { StandIn::For { previous } };
        self.stranded = false;
        Some(before)
    }

    /// A peer's latch: taken over if it is later than ours. If it is an operator's step, or where one is leading us
    /// anyway, our running requests may end first, as the operator was told.
    pub fn hear(&mut self, theirs: &Latch) {
        if let Some(handing) = self.handing.as_mut().filter(|handing| handing.next.active == theirs.active) {
            if *theirs > handing.next {
                handing.next = theirs.clone();
            }
            return;
        }
        if self.proposed().or(self.latch()).is_none_or(|ours| theirs > ours) {
            self.proposed = Some(Proposal { latch: theirs.clone(), ours: false });
        }
    }

    /// Moves the latch if it must. Gives words for the log if an operator's step was withdrawn.
    pub fn step(&mut self, now: Now, site: &Site<'_>) -> Option<String> {
        let active = self.in_force.as_ref()?.active.clone();
        if site.find(&active).is_some()
            && std::mem::replace(&mut self.stand_in, StandIn::NotNeeded) != StandIn::NotNeeded
        {
            // A peer saw this backend up. If we do not, one of us is mistaken: without a pause two proxies that each see
            // another backend down would move the latch to and fro without end.
            self.begin_grace(now, site.rules);
        }
        self.hand_over_gently(&active, now, site);
        if self.proposed.is_some() {
            return None;
        }
        if let Some(handing) = self.handing.take() {
            return self.hand_over(handing, now, site);
        }
        self.follow_health(now, site);
        None
    }

    /// An operator's step that a peer made before we heard of it lets our running requests end too. Of two steps under
    /// way the later one counts.
    fn hand_over_gently(&mut self, active: &str, now: Now, site: &Site<'_>) {
        let gentle =
            |proposal: &Proposal| !proposal.ours && proposal.latch.by_operator && proposal.latch.active != active;
        let Some(Proposal { latch: next, .. }) = self.proposed.take_if(|proposal| gentle(proposal)) else { return };
        let until = match &self.handing {
            Some(handing) if handing.next >= next => return,
            Some(handing) => handing.until,
            None => now.running + site.rules.failover_drain,
        };
        self.handing = Some(Handing { next, ours: false, until });
    }

    fn hand_over(&mut self, handing: Handing, now: Now, site: &Site<'_>) -> Option<String> {
        let latch = self.in_force.as_ref()?;
        let serves = site.find(&latch.active).is_some_and(Standing::keeps);
        let waits = now.running < handing.until && site.running > 0 && serves;
        if !handing.ours {
            match *latch >= handing.next {
                true => {}
                false if waits => self.handing = Some(handing),
                false => self.proposed = Some(Proposal { latch: handing.next, ours: false }),
            }
            return None;
        }
        let (service, to) = (site.service, &handing.next.active);
        if latch.epoch >= handing.next.epoch {
            return Some(format!(
                "{service}: the step to {to} is withdrawn, the latch moved meanwhile to {}",
                latch.active
            ));
        }
        let target = site.find(to);
        if !target.is_some_and(Standing::usable) {
            let why = target.map_or_else(|| format!("{to} left the document"), Standing::in_words);
            return Some(format!("{service}: the step to {to} is withdrawn, {why}; it stays on {}", latch.active));
        }
        if waits {
            self.handing = Some(handing);
        } else {
            self.propose(handing.next);
        }
        None
    }

    fn follow_health(&mut self, now: Now, site: &Site<'_>) {
        let Some(latch) = &self.in_force else { return };
        let (cause, lenient) = match site.find(&latch.active) {
            None if self.stand_in == StandIn::NotNeeded => (format!("{} left the document", latch.active), false),
            None => return,
            Some(active) if active.eligibility() == Eligibility::None => {
                (active.in_words(), active.operator != OperatorState::Maint)
            }
            Some(active) => {
                if active.verdict == Verdict::Up {
                    self.grace_until = None;
                    self.stranded = false;
                }
                return;
            }
        };
        let fresh = site.fresh(latch);
        let Some(next) = fresh.or_else(|| site.last_resort(latch).filter(|_| site.rules.last_resort)) else {
            self.stranded = true;
            return;
        };
        let reason = if fresh.is_some() { cause } else { format!("{cause}; {} as the last resort", next.name) };
        let next = latch.moved(next.name, latch.spent_with_active(), reason, now, site);
        // Nobody could follow until now, as when our own network was away: whoever's probe happens to be first must not
        // win. The active backend gets the same time as after a start.
        if std::mem::take(&mut self.stranded) && self.grace_until.is_none() {
            self.begin_grace(now, site.rules);
        }
        if !(lenient && self.in_grace(now)) {
            self.grace_until = None;
            self.propose(next);
        }
    }

    fn propose(&mut self, latch: Latch) {
        self.proposed = Some(Proposal { latch, ours: true });
    }

    fn in_grace(&self, now: Now) -> bool {
        self.grace_until.is_some_and(|until| now.running < until)
    }

    /// What the latch says to a request now.
    pub fn view(&self, now: Now, site: &Site<'_>) -> LatchView {
        let index = |name: &str| site.backends.iter().position(|backend| backend.name == name);
        let Some(latch) = &self.in_force else { return LatchView::Nobody };
        if self.handing.is_some() || self.proposed().is_some_and(|next| next.active != latch.active) {
            return LatchView::Hold;
        }
        match (index(&latch.active), &self.stand_in) {
            (Some(active), _) => {
                let backend = &site.backends[active];
                let is_down = backend.eligibility() == Eligibility::None && backend.operator != OperatorState::Maint;
                let waits = is_down && self.in_grace(now);
                if waits { LatchView::Hold } else { LatchView::Active(active) }
            }
            (None, StandIn::For { previous: Some(previous) }) => match index(previous) {
                Some(stand_in) if site.backends[stand_in].keeps() => LatchView::Active(stand_in),
                _ => LatchView::Nobody,
            },
            (None, _) => LatchView::Nobody,
        }
    }

    /// The next moment at which [`Keeper::step`] has something to decide though nothing happens.
    pub fn wakes(&self, now: Now) -> Option<Duration> {
        let grace = self.grace_until.filter(|until| *until > now.running);
        let handing = self.handing.as_ref().map(|handing| handing.until);
        grace.into_iter().chain(handing).min()
    }

    /// An operator's step waits for running requests to end: worth a look more often than events come.
    pub fn is_handing_over(&self) -> bool {
        self.handing.is_some()
    }

    /// What the operator should look at.
    pub fn alarm(&self, site: &Site<'_>) -> Option<String> {
        let service = site.service;
        let Some(latch) = &self.in_force else {
            return Some(format!(
                "{service}: which backend is active is not known (the stored latch cannot be read and no peer told one); \
                 it answers 503 until `polder failover {service} --to BACKEND` decides"
            ));
        };
        let Some(active) = site.find(&latch.active) else {
            let active = &latch.active;
            return match &self.stand_in {
                StandIn::NotNeeded => {
                    Some(format!("{service}: {active} left the document and no backend can follow it"))
                }
                StandIn::For { previous } => {
                    let serving =
                        previous.as_deref().filter(|previous| site.find(previous).is_some_and(Standing::keeps));
                    let serving = serving.map_or("nobody serves".into(), |previous| format!("{previous} serves"));
                    Some(format!(
                        "{service}: {} made {active} active, which this document does not have; {serving}",
                        latch.by
                    ))
                }
            };
        };
        if active.keeps() || self.proposed.is_some() {
            return None;
        }
        let refused = !site.rules.last_resort && site.fresh(latch).is_none() && site.last_resort(latch).is_some();
        let why = active.in_words();
        Some(match refused {
            true => format!(
                "{service}: {why}, and only backends that were failed away from are up (last_resort is false): \
                 `polder failback {service}` uses the primary again"
            ),
            false => format!("{service}: {why}, and no other backend can serve"),
        })
    }
}

#[cfg(test)]
mod tests;
