//! How the latch of one service moves in this proxy (pure).
//!
//! Owns the steps: what is proposed, what waits for running requests to end, and when an active backend that is down is
//! replaced. Must never: look at a clock, a socket or a disk; move to a backend only because it came back up.

use std::time::Duration;

use super::origin::Origin;
use super::{BackendState, Latch, Now, Situation};
use crate::api::alarms::no_other_backend;
use crate::api::operator::OperatorState;
use crate::config::proxy::LatchConfig;
use crate::daemon::eligibility::Eligibility;
use crate::health::Verdict;
use crate::proxy::snapshot::LatchView;

/// The latch of one service in this proxy.
#[derive(Debug, Clone)]
pub struct Keeper {
    /// The latch that counts; `None`: undecided.
    pub(super) in_force: Option<Latch>,
    /// While undecided: what this proxy has of it, which may be less than what a peer knows. `None`: it was lost.
    pub(super) doubtful: Option<Latch>,
    proposed: Option<Proposal>,
    pub(super) handover: Option<Handover>,
    /// Until then the active backend may be down without consequence: after a cold start, and after a peer moved it.
    grace_until: Option<Duration>,
    /// The active backend failed and nobody could follow it.
    stranded: bool,
    stand_in: StandIn,
}

#[derive(Debug, Clone)]
struct Proposal {
    latch: Latch,
    origin: Origin,
}

/// An operator's step under way: new requests wait, running ones may end until `until`.
#[derive(Debug, Clone)]
pub(super) struct Handover {
    pub(super) next: Latch,
    pub(super) origin: Origin,
    pub(super) until: Duration,
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
        Keeper { in_force: Some(latch), ..Keeper::undecided(None) }
    }

    /// Begins with a latch that names a backend which only a peer's document had; `previous` serves instead.
    pub fn with_substitute(latch: Latch, previous: Option<String>) -> Keeper {
        Keeper { stand_in: StandIn::For { previous }, ..Keeper::new(latch) }
    }

    /// Who serves, if anybody, because the active backend is one that only a peer's document has.
    pub fn substitute(&self) -> Option<Option<&str>> {
        match &self.stand_in {
            StandIn::For { previous } => Some(previous.as_deref()),
            StandIn::NotNeeded => None,
        }
    }

    /// Begins without one that counts: what this proxy has of it may not be the latest, or it has nothing. Nobody is served until a
    /// peer's latch comes, the proxies of the fleet agree that none of them knows more, or the operator decides who is active.
    pub fn undecided(doubtful: Option<Latch>) -> Keeper {
        Keeper {
            in_force: None,
            doubtful,
            proposed: None,
            handover: None,
            grace_until: None,
            stranded: false,
            stand_in: StandIn::NotNeeded,
        }
    }

    /// A start, of this daemon or of what it checks: the active backend has this long to come up before its being down counts.
    /// A grace that it still has never becomes shorter.
    pub fn begin_grace(&mut self, now: Now, rules: &LatchConfig) {
        self.grace_until = self.grace_until.max(Some(now.running + rules.start_grace));
    }

    /// In a process that has handed over: takes the new daemon's latch, which alone decides. While its backend is down,
    /// requests wait for the new daemon to move it.
    pub fn follow(&mut self, latch: Option<Latch>) {
        *self = Keeper { in_force: latch, grace_until: Some(Duration::MAX), ..Keeper::undecided(None) };
    }

    /// The latch that counts does so no more until somebody confirms it: a peer may know a later one.
    pub fn doubt(&mut self) {
        self.doubtful = self.in_force.take().or(self.doubtful.take());
    }

    /// While undecided: what this proxy has of the latch; `None`: it was lost.
    pub fn doubtful(&self) -> Option<&Latch> {
        self.doubtful.as_ref()
    }

    /// None of the proxies that were asked knows the latch: of what this one and those `others` have of it the latest counts.
    pub fn agree(&mut self, others: impl Iterator<Item = Latch>) {
        let Some(latch) = self.doubtful.clone().into_iter().chain(others).max() else { return };
        let ours = self.doubtful.as_ref() == Some(&latch) && self.stand_in == StandIn::NotNeeded;
        self.proposed = Some(Proposal { latch, origin: if ours { Origin::Here } else { Origin::Peer } });
    }

    /// The latch that counts; none while undecided.
    pub fn latch(&self) -> Option<&Latch> {
        self.in_force.as_ref()
    }

    /// The latch that will count when the step under way, if there is one, has ended.
    pub fn upcoming(&self) -> Option<&Latch> {
        let handover = self.handover.as_ref().map(|handover| &handover.next);
        self.proposed().or(handover).or(self.latch())
    }

    /// The latch to be stored before it counts.
    pub fn proposed(&self) -> Option<&Latch> {
        self.proposed.as_ref().map(|proposal| &proposal.latch)
    }

    /// `written` has been stored, or could not be: it counts from now on. Gives the one it replaces. What was proposed
    /// since then stays proposed.
    pub fn commit(&mut self, written: &Latch) -> Option<Option<Latch>> {
        let proposal = self.proposed.take_if(|proposal| proposal.latch == *written)?;
        let before = self.in_force.replace(proposal.latch);
        self.doubtful = None;
        let previous = match (&self.stand_in, &before) {
            (StandIn::For { previous }, _) => previous.clone(),
            (StandIn::NotNeeded, before) => before.as_ref().map(|latch| latch.active.clone()),
        };
        self.stand_in = if proposal.origin == Origin::Here { StandIn::NotNeeded } else { StandIn::For { previous } };
        self.stranded = false;
        Some(before)
    }

    /// Takes over a peer's latch if it is later than ours; while undecided it settles the matter either way. If it is an operator's step, or the one that is under way here,
    /// our running requests may end first, as the operator was promised.
    /// Gives whether something follows from it.
    pub fn merge_peers(&mut self, theirs: &Latch) -> bool {
        if let Some(handover) = self.handover.as_mut().filter(|handover| handover.next.active == theirs.active) {
            if *theirs > handover.next {
                handover.next = theirs.clone();
            }
            return true;
        }
        let ours = self.proposed().or(self.latch()).or(self.doubtful.as_ref());
        if ours.is_none_or(|ours| theirs > ours && !theirs.is_same_move(ours)) {
            self.proposed = Some(Proposal { latch: theirs.clone(), origin: Origin::Peer });
        } else if self.in_force.is_none() && self.proposed.is_none() {
            self.agree(std::iter::empty());
        } else {
            return false;
        }
        true
    }

    /// Takes what the proxies have agreed on, unless it is here already or what is here is later. Gives whether something follows from it.
    pub fn adopt(&mut self, agreed: &Latch) -> bool {
        let is_it = |latch: &Latch| {
            latch.is_same_move(agreed) && latch.without_agreement == agreed.without_agreement
                || latch.epoch > agreed.epoch
        };
        // What was decided here alone gives way.
        let proposed = self
            .proposed
            .as_ref()
            .filter(|proposal| proposal.origin != Origin::Here || proposal.latch.without_agreement);
        let handover = self.handover.as_ref().map(|handover| &handover.next);
        if proposed.map(|proposal| &proposal.latch).into_iter().chain(handover).chain(self.latch()).any(is_it) {
            return false;
        }
        self.handover = None;
        self.proposed = Some(Proposal { latch: agreed.clone(), origin: Origin::Agreed });
        true
    }

    /// The step that was decided here, if there is one: it is taken back, since others are to agree on it first.
    pub fn take_own_step(&mut self) -> Option<Latch> {
        let is_to_be_agreed = |latch: &Latch| !latch.without_agreement;
        let proposal =
            self.proposed.take_if(|proposal| proposal.origin == Origin::Here && is_to_be_agreed(&proposal.latch));
        let handover =
            self.handover.take_if(|handover| handover.origin == Origin::Here && is_to_be_agreed(&handover.next));
        let (proposal, handover) = (proposal.map(|proposal| proposal.latch), handover.map(|handover| handover.next));
        proposal.or(handover)
    }

    /// The step that was decided here counts though nobody has agreed on it.
    pub fn go_without_agreement(&mut self) {
        let proposed = self
            .proposed
            .iter_mut()
            .filter(|proposal| proposal.origin == Origin::Here)
            .map(|proposal| &mut proposal.latch);
        let handover = self
            .handover
            .iter_mut()
            .filter(|handover| handover.origin == Origin::Here)
            .map(|handover| &mut handover.next);
        proposed.chain(handover).for_each(|latch| latch.without_agreement = true);
    }

    /// Moves the latch if it must. Gives a text for the log if an operator's step was withdrawn.
    pub fn step(&mut self, now: Now, situation: &Situation<'_>) -> Option<String> {
        self.rename(situation);
        let active = self.in_force.as_ref()?.active.clone();
        if situation.find(&active).is_some()
            && std::mem::replace(&mut self.stand_in, StandIn::NotNeeded) != StandIn::NotNeeded
        {
            // A peer saw this backend up. If we do not, one of us is mistaken: without a pause two proxies that each see
            // another backend down would move the latch to and fro without end.
            self.begin_grace(now, situation.rules);
        }
        self.take_over_peers_step(&active, now, situation);
        if self.proposed.is_some() {
            return None;
        }
        if let Some(handover) = self.handover.take() {
            return self.continue_handover(handover, now, situation);
        }
        self.follow_health(now, situation);
        None
    }

    /// Calls the backends as the document does now.
    fn rename(&mut self, situation: &Situation<'_>) {
        let proposed = self.proposed.as_mut().map(|proposal| &mut proposal.latch);
        let next = self.handover.as_mut().map(|handover| &mut handover.next);
        for latch in self.in_force.iter_mut().chain(&mut self.doubtful).chain(proposed).chain(next) {
            if !situation.names_alike(latch) {
                *latch = situation.in_our_names(latch);
            }
        }
    }

    /// An operator's step that a peer has made lets our running requests end too. Of two steps under
    /// way the later one counts.
    fn take_over_peers_step(&mut self, active: &str, now: Now, situation: &Situation<'_>) {
        let gentle = |proposal: &Proposal| {
            proposal.origin != Origin::Here && proposal.latch.by_operator && proposal.latch.active != active
        };
        let Some(Proposal { latch: next, origin }) = self.proposed.take_if(|proposal| gentle(proposal)) else { return };
        let until = match &self.handover {
            Some(handover) if handover.next >= next => return,
            Some(handover) => handover.until,
            None => now.running + situation.rules.failover_drain,
        };
        self.handover = Some(Handover { next, origin, until });
    }

    fn continue_handover(&mut self, handover: Handover, now: Now, situation: &Situation<'_>) -> Option<String> {
        let latch = self.in_force.as_ref()?;
        let serves = situation.find(&latch.active).is_some_and(BackendState::keeps);
        let waits = now.running < handover.until && situation.running > 0 && serves;
        let Handover { ref next, origin, .. } = handover;
        if origin != Origin::Here {
            match origin.is_late(next, latch) {
                true => {}
                false if waits => self.handover = Some(handover),
                false => self.proposed = Some(Proposal { latch: handover.next, origin }),
            }
            return None;
        }
        let (service, to) = (situation.service, &handover.next.active);
        if origin.is_late(next, latch) {
            return Some(format!(
                "{service}: the step to {to} is withdrawn, the latch moved meanwhile to {}",
                latch.active
            ));
        }
        let target = situation.find(to);
        if !target.is_some_and(BackendState::usable) {
            let why = target.map_or_else(|| format!("{to} left the document"), BackendState::in_words);
            return Some(format!("{service}: the step to {to} is withdrawn, {why}; it stays on {}", latch.active));
        }
        if waits {
            self.handover = Some(handover);
        } else {
            self.propose(handover.next);
        }
        None
    }

    fn follow_health(&mut self, now: Now, situation: &Situation<'_>) {
        let Some(latch) = &self.in_force else { return };
        let (cause, lenient) = match situation.find(&latch.active) {
            None if self.stand_in == StandIn::NotNeeded => (format!("{} left the document", latch.active), false),
            None => return,
            // One proxy's false alarm moves nobody: if it is none, the others find it down as well in no more than their checks take.
            Some(active) if active.is_in_doubt() => return,
            Some(active) if active.eligibility() == Eligibility::None => {
                (active.in_words(), active.operator != OperatorState::Maint)
            }
            Some(active) => {
                if active.verdict == Verdict::Up {
                    self.stranded = false;
                    // What others saw before ends no grace: this backend may be starting again.
                    self.grace_until = self.grace_until.filter(|_| active.hearsay);
                }
                return;
            }
        };
        let fresh = situation.fresh(latch);
        let Some(next) = fresh.or_else(|| situation.last_resort(latch).filter(|_| situation.rules.last_resort)) else {
            // One that is not checked yet may turn out to be able to.
            self.stranded |= !situation.awaits_a_check();
            return;
        };
        let reason = if fresh.is_some() { cause } else { format!("{cause}; {} as the last resort", next.name) };
        let next = situation.next_latch(latch, next.name, latch.failed_from_with_active(), reason, now);
        // Nobody could follow until now, as when our own network was away: whoever's probe happens to be first must not
        // win. The active backend gets the same time as after a start.
        if std::mem::take(&mut self.stranded) && self.grace_until.is_none() {
            self.begin_grace(now, situation.rules);
        }
        if !(lenient && self.in_grace(now)) {
            self.grace_until = None;
            self.propose(next);
        }
    }

    pub(super) fn propose(&mut self, latch: Latch) {
        self.proposed = Some(Proposal { latch, origin: Origin::Here });
    }

    fn in_grace(&self, now: Now) -> bool {
        self.grace_until.is_some_and(|until| now.running < until)
    }

    /// What requests do by the latch now.
    pub fn view(&self, now: Now, situation: &Situation<'_>) -> LatchView {
        let index = |name: &str| situation.backends.iter().position(|backend| backend.name == name);
        let Some(latch) = &self.in_force else { return LatchView::Undecided };
        if self.handover.is_some() || self.proposed().is_some_and(|next| next.active != latch.active) {
            return LatchView::Hold;
        }
        match (index(&latch.active), &self.stand_in) {
            (Some(active), _) => {
                let backend = &situation.backends[active];
                let is_down = backend.eligibility() == Eligibility::None && backend.operator != OperatorState::Maint;
                match is_down {
                    true if self.in_grace(now) => LatchView::Hold,
                    true if backend.is_in_doubt() && situation.isolated => LatchView::Isolated,
                    true if backend.is_in_doubt() => LatchView::Hold,
                    // The others may find it down in a moment, and then it is moved.
                    true if situation.agreed && situation.has_successor(latch) => LatchView::Hold,
                    _ => LatchView::Active(active),
                }
            }
            (None, StandIn::For { previous: Some(previous) }) if !situation.agreed => match index(previous) {
                Some(stand_in) if situation.backends[stand_in].keeps() => LatchView::Active(stand_in),
                _ => LatchView::Nobody,
            },
            (None, _) => LatchView::Nobody,
        }
    }

    /// The next moment at which [`Keeper::step`] has something to decide though nothing happens.
    pub fn wakes(&self, now: Now) -> Option<Duration> {
        let grace = self.grace_until.filter(|until| *until > now.running);
        let handover = self.handover.as_ref().map(|handover| handover.until);
        grace.into_iter().chain(handover).min()
    }

    /// An operator's step waits for running requests to end: worth a look more often than events come.
    pub fn is_handing_over(&self) -> bool {
        self.handover.is_some()
    }

    /// Why it is undecided, in words.
    pub fn why_undecided(&self) -> String {
        match &self.doubtful {
            None => "the stored latch cannot be read and no peer has one".into(),
            Some(latch) if latch.epoch == 0 => {
                format!("none is stored here, and no peer that knows has been heard; the primary is {}", latch.active)
            }
            Some(Latch { active, epoch, .. }) => format!(
                "the stored latch, {active} in epoch {epoch}, may be older than what peers know, and none that knows has been heard"
            ),
        }
    }

    /// An alarm for the operator, if there is reason for one.
    pub fn alarm(&self, situation: &Situation<'_>) -> Option<String> {
        let service = situation.service;
        let Some(latch) = &self.in_force else {
            return Some(format!(
                "{service}: which backend is active is not known ({}); it answers 503, and this proxy is not ready, until \
                 `polder failover {service} --to BACKEND` decides",
                self.why_undecided()
            ));
        };
        let Some(active) = situation.find(&latch.active) else {
            let active = &latch.active;
            return match &self.stand_in {
                StandIn::NotNeeded => {
                    Some(format!("{service}: {active} left the document and no backend can follow it"))
                }
                StandIn::For { previous } => {
                    let serving = previous
                        .as_deref()
                        .filter(|previous| situation.find(previous).is_some_and(BackendState::keeps));
                    let serving = serving.map_or("nobody serves".into(), |previous| format!("{previous} serves"));
                    Some(format!(
                        "{service}: {} made {active} active, which this document does not have; {serving}",
                        latch.by
                    ))
                }
            };
        };
        if active.keeps() || active.is_in_doubt() || self.proposed.is_some() {
            return None;
        }
        let refused =
            !situation.rules.last_resort && situation.fresh(latch).is_none() && situation.last_resort(latch).is_some();
        let why = active.in_words();
        if situation.agreed && situation.has_successor(latch) {
            return Some(format!("{service}: {why}, and the proxies have yet to agree to leave it"));
        }
        Some(match refused {
            true => format!(
                "{service}: {why}, and only backends that were failed away from are up (last_resort is false): \
                 `polder failback {service}` uses the primary again"
            ),
            false => no_other_backend(service, &why),
        })
    }
}
