//! The operator's steps: `failover`, `failback`, and the decision on a lost latch (pure).
//!
//! Owns which steps are refused and why. Must never: move a latch at once while running requests may still end; that is
//! left to [`Keeper::step`]. Called by `control`.

use super::keeper::Handover;
use super::origin::Origin;
use super::{BackendState, Keeper, Latch, Now, Situation};
use crate::api::bounds::BoundError;

/// Why an operator's command is refused; the text says what to do instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandError {
    /// A value is beyond its bound (400).
    OutOfBounds(BoundError),
    /// There is no such service or backend (404).
    NotFound(String),
    /// The state of things forbids it (409).
    Conflict(String),
}

impl Keeper {
    /// `failover`: to the named backend, or the first usable one in order.
    pub fn failover(
        &mut self,
        to: Option<&str>,
        operator: &Operator<'_>,
        now: Now,
        situation: &Situation<'_>,
    ) -> Result<String, CommandError> {
        let service = situation.service;
        if let Some(name) = to.filter(|name| situation.find(name).is_none()) {
            return Err(CommandError::NotFound(format!(
                "{service} has no backend {name}; it has {}",
                names(situation)
            )));
        }
        let Some(latch) = self.in_force.clone() else { return self.decide(to, operator, now, situation) };
        if let Some(words) = self.already_moving(to, situation)? {
            return Ok(words);
        }
        let target = match to.and_then(|name| situation.find(name)) {
            Some(target) => target,
            None => situation.fresh(&latch).ok_or_else(|| {
                CommandError::Conflict(format!(
                    "{service} has no usable backend to fail over to: {}{}",
                    in_words(situation),
                    latch.failed_from_in_words(service)
                ))
            })?,
        };
        if target.name == latch.active {
            return Ok(format!("{service} is on {} already", target.name));
        }
        if !target.usable() {
            return Err(CommandError::Conflict(format!("{}; it cannot become active now", target.in_words())));
        }
        if latch.failed_from.iter().any(|name| name == target.name) {
            return Err(CommandError::Conflict(format!(
                "{} was failed away from and may hold stale sessions: `polder failback {service}` goes back to the primary \
                 and makes every backend eligible again",
                target.name
            )));
        }
        let next = situation.next_latch(
            &latch,
            target.name,
            latch.failed_from_with_active(),
            operator.reason("failover"),
            now,
        );
        Ok(self.begin_handover(next, now, situation, &latch.active))
    }

    /// `failover` where the proxies cannot agree: what the operator says counts, also that the service stays where it is, or goes back to a
    /// backend that it was failed away from: there may be no other, and `failback` needs agreement.
    pub fn last_word(
        &mut self,
        to: Option<&str>,
        operator: &Operator<'_>,
        now: Now,
        situation: &Situation<'_>,
    ) -> Result<String, CommandError> {
        let target = to.and_then(|name| situation.find(name));
        let (Some(latch), Some(target)) = (self.in_force.clone(), target.filter(|target| target.usable())) else {
            return self.failover(to, operator, now, situation);
        };
        let others = |backends: Vec<String>| backends.into_iter().filter(|name| *name != target.name).collect();
        let reason = || operator.reason("failover");
        if let Some(words) = self.already_moving(to, situation)? {
            return Ok(words);
        }
        if target.name != latch.active {
            let failed_from = others(latch.failed_from_with_active());
            let next = situation.next_latch(&latch, target.name, failed_from, reason(), now);
            return Ok(self.begin_handover(next, now, situation, &latch.active));
        }
        if latch.without_agreement {
            return Ok(format!("{} is on {} already, without agreement", situation.service, target.name));
        }
        let next = situation.next_latch(&latch, target.name, others(latch.failed_from.clone()), reason(), now);
        self.propose(Latch { by_operator: true, ..next });
        Ok(format!("{} stays on {}, and is served from there without agreement", situation.service, target.name))
    }

    /// `failback`: to the primary, and no backend counts as failed away from any more.
    pub fn failback(
        &mut self,
        operator: &Operator<'_>,
        now: Now,
        situation: &Situation<'_>,
    ) -> Result<String, CommandError> {
        let service = situation.service;
        let Some(latch) = self.in_force.clone() else {
            return Err(CommandError::Conflict(format!(
                "which backend of {service} is active is not known: `polder failover {service} --to BACKEND` decides"
            )));
        };
        let primary = situation.primary().ok_or_else(|| CommandError::Conflict(format!("{service} has no primary")))?;
        if let Some(words) = self.already_moving(Some(primary.name), situation)? {
            return Ok(words);
        }
        if !primary.usable() && primary.name != latch.active {
            return Err(CommandError::Conflict(format!("{}; {service} stays on {}", primary.in_words(), latch.active)));
        }
        let next = situation.next_latch(&latch, primary.name, Vec::new(), operator.reason("failback"), now);
        if primary.name != latch.active {
            return Ok(self.begin_handover(next, now, situation, &latch.active));
        }
        if latch.failed_from.is_empty() {
            return Ok(format!("{service} is on {} already", primary.name));
        }
        self.propose(next);
        Ok(format!("{service} stays on {}; every backend is eligible again", primary.name))
    }

    /// `forget --latch`: as at its first start, the primary is active and nobody was failed away from. It wins
    /// everywhere: its epoch is higher. Where ours is beyond all reason the count begins anew, and no peer can bring the old one
    /// back, since peers refuse a latch that is so far ahead.
    pub fn forget(
        &mut self,
        operator: &Operator<'_>,
        now: Now,
        situation: &Situation<'_>,
    ) -> Result<String, CommandError> {
        let service = situation.service;
        let primary = situation.primary().ok_or_else(|| CommandError::Conflict(format!("{service} has no primary")))?;
        let first = Latch::first(primary.name);
        let former = self.in_force.as_ref().or(self.doubtful.as_ref());
        let former = former.filter(|latch| latch.has_a_possible_epoch()).unwrap_or(&first);
        let next = Latch {
            by_operator: true,
            ..situation.next_latch(former, primary.name, Vec::new(), operator.reason("forgotten"), now)
        };
        self.handover = None;
        let words = format!("{service} begins anew on {}, its primary, in epoch {}", primary.name, next.epoch);
        self.propose(next);
        Ok(words)
    }

    fn decide(
        &mut self,
        to: Option<&str>,
        operator: &Operator<'_>,
        now: Now,
        situation: &Situation<'_>,
    ) -> Result<String, CommandError> {
        let service = situation.service;
        let Some(to) = to else {
            return Err(CommandError::Conflict(format!(
                "which backend of {service} is active is not known: name it, `polder failover {service} --to BACKEND`, one of {}",
                names(situation)
            )));
        };
        let nothing = Latch::first(to);
        let former = self.doubtful.as_ref().unwrap_or(&nothing);
        self.propose(situation.next_latch(former, to, Vec::new(), operator.reason("decided"), now));
        Ok(format!("{service} is on {to}"))
    }

    /// The verb sends the command to every proxy, and proxies send each other their latches: a step that is under way
    /// already counts as done.
    fn already_moving(&self, to: Option<&str>, situation: &Situation<'_>) -> Result<Option<String>, CommandError> {
        let Some(next) = self.handover.as_ref().map(|handover| &handover.next).or(self.proposed()) else {
            return Ok(None);
        };
        let words = format!("{} is moving to {} already", situation.service, next.active);
        if to.is_some_and(|to| to != next.active) { Err(CommandError::Conflict(words)) } else { Ok(Some(words)) }
    }

    /// The words are for the log now, and for the answer when the step has been made.
    fn begin_handover(&mut self, next: Latch, now: Now, situation: &Situation<'_>, from: &str) -> String {
        let (to, drain) = (next.active.clone(), situation.rules.failover_drain);
        let next = Latch { by_operator: true, ..next };
        self.handover = Some(Handover { next, origin: Origin::Here, until: now.running + drain });
        let limit = crate::config::duration::format(drain);
        let service = situation.service;
        format!("{service}: from {from} to {to}; new requests wait meanwhile, running ones have at most {limit} to end")
    }
}

/// Who gives a command, and why.
#[derive(Debug, Clone, Copy)]
pub struct Operator<'a> {
    /// The operator.
    pub who: &'a str,
    /// May be empty.
    pub why: &'a str,
}

impl Operator<'_> {
    fn reason(&self, verb: &str) -> String {
        match self.why {
            "" => format!("{verb} by {}", self.who),
            why => format!("{verb} by {}: {why}", self.who),
        }
    }
}

fn names(situation: &Situation<'_>) -> String {
    situation.backends.iter().map(|backend| backend.name).collect::<Vec<_>>().join(", ")
}

fn in_words(situation: &Situation<'_>) -> String {
    situation.backends.iter().map(BackendState::in_words).collect::<Vec<_>>().join("; ")
}
