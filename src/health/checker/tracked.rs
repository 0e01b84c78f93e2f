//! One target, as the checker follows it.
//!
//! Owns what each result means for what is published: the verdict, how long it may be acted on, and a line in the log. Must never: let
//! anything but a probe's outcome move the automaton.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::AbortHandle;

use super::super::automaton::{Automaton, Change};
use super::super::probe::{Outcome, Probed};
use super::super::proof::LATENESS;
use super::super::target::{Target, TargetHealth, Verdict};
use super::super::timetable::Id;
use crate::log_line::{Kind, LogLine};
use crate::running_time::running;

/// The reason shown for a target before its first probe.
const NOT_YET: &str = "not probed yet";

/// How a view is outdated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum News {
    /// Not at all.
    None,
    /// Times only.
    Times,
    /// Something that readers act on or show.
    Change,
}

/// One target.
pub(super) struct Tracked {
    pub(super) target: Arc<Target>,
    pub(super) users: Vec<String>,
    /// Where it is in the view; a target that is not wanted is probed for another one's `before`.
    pub(super) place: Option<usize>,
    /// The target whose check this one's replaced, until this one is up by its own probes.
    pub(super) before: Option<Id>,
    /// Those whose `before` this one is.
    pub(super) after: Vec<Id>,
    pub(super) automaton: Automaton,
    /// As it is shown, `before` left aside.
    pub(super) health: TargetHealth,
    /// Of the last probe, to tell a new reason from the old one in other milliseconds.
    last: Option<Outcome>,
    /// When the last probe with a result began.
    began: Duration,
    /// Its probe, which ends with it.
    pub(super) running: Option<AbortHandle>,
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if let Some(probe) = &self.running {
            probe.abort();
        }
    }
}

impl Tracked {
    pub(super) fn new(target: Arc<Target>, users: Vec<String>, known: Option<&TargetHealth>) -> Tracked {
        let (rise, fall) = (target.check.rise, target.check.fall);
        let known = known.filter(|known| known.verdict != Verdict::Unchecked);
        let automaton = match known {
            Some(known) => Automaton::resumed(rise, fall, known.health),
            None => Automaton::unchecked(rise, fall),
        };
        let unchecked = || TargetHealth {
            verdict: Verdict::Unchecked,
            health: 0,
            reason: NOT_YET.into(),
            since: SystemTime::now(),
            probed: None,
            changes: 0,
            hearsay: true,
            proof: Default::default(),
            before: None,
        };
        let began = running();
        let health = known.cloned().unwrap_or_else(unchecked);
        let health = TargetHealth { proof: target.proof(began), before: None, ..health };
        let (place, before, after, last, running) = Default::default();
        let mut tracked = Tracked { target, users, place, before, after, automaton, health, last, began, running };
        tracked.show_automaton();
        tracked
    }

    /// A target whose check replaces that of `origin`: its verdict stands until the new check says otherwise.
    pub(super) fn replacing(target: Arc<Target>, users: Vec<String>, id: Id, origin: &Tracked) -> Tracked {
        let mut tracked = Tracked::new(target, users, None);
        tracked.automaton = origin.automaton.with(tracked.target.check.rise, tracked.target.check.fall);
        let proof = tracked.health.proof.clone();
        tracked.health = TargetHealth { hearsay: true, proof, ..origin.health.clone() };
        tracked.before = Some(origin.before.unwrap_or(id));
        tracked.show_automaton();
        tracked
    }

    /// How long the first probe can wait: a target handed over keeps the rhythm it had, and a changed check is tried at once.
    pub(super) fn rest_of_interval(&self) -> Duration {
        let check = &self.target.check;
        if self.before.is_some() && self.last.is_none() {
            return Duration::ZERO;
        }
        let Some(probed) = self.health.probed else { return Duration::ZERO };
        let pause = if self.automaton.in_transition() { check.fast_interval } else { check.interval };
        let age = probed.elapsed().unwrap_or(Duration::ZERO);
        pause.saturating_sub(age)
    }

    /// Takes the outcome of one probe.
    pub(super) fn take(&mut self, Probed { outcome, began, ended }: Probed, now: SystemTime) -> News {
        self.running = None;
        let before = self.automaton;
        if began.saturating_sub(self.began) > self.target.check.detection_bound() + LATENESS {
            // There was a pause: results from before it and after it are not in a row.
            self.automaton = self.automaton.settled();
        }
        let change = match &outcome {
            Outcome::Success { .. } => self.automaton.success(),
            Outcome::Failure(_) => self.automaton.failure(),
            Outcome::LocalError(_) => None,
        };
        if !matches!(outcome, Outcome::LocalError(_)) {
            self.health.probed = Some(now);
            self.began = began;
        }
        let proved = match &outcome {
            Outcome::Success { .. } => Some(Verdict::Up),
            Outcome::Failure(_) => Some(Verdict::Down),
            // Nobody was asked: what is known stays known, and what has lapsed is not revived.
            Outcome::LocalError(_) => {
                self.health.proof.prolong(began, ended);
                None
            }
        };
        let was_proved_again = proved == Some(self.automaton.verdict()) && self.health.proof.renew(began, ended);
        let was_hearsay = self.health.hearsay;
        self.health.hearsay &= !matches!(outcome, Outcome::Success { .. });
        let same_kind = self.last.as_ref().is_some_and(|last| last.same_kind(&outcome));
        if self.last.as_ref() != Some(&outcome) || before != self.automaton {
            self.health.reason = self.reason(&outcome).into();
        }
        if let (Outcome::LocalError(reason), false) = (&outcome, same_kind) {
            tracing::warn!("check of {} ignored: {reason}", self.named());
        }
        self.last = Some(outcome);
        self.show_automaton();
        if let Some(change) = change {
            self.health.since = now;
            self.health.changes += 1;
            self.log(change);
        }
        let is_same = same_kind && before == self.automaton && was_hearsay == self.health.hearsay && !was_proved_again;
        if is_same { News::Times } else { News::Change }
    }

    /// The outcome in words, and, where it is not of the kind that the verdict says, how far it goes: an operator who reads that a
    /// target is down and answers 200 wants to know why.
    fn reason(&self, outcome: &Outcome) -> String {
        let words = outcome.reason();
        match (outcome, self.automaton.towards_change()) {
            (Outcome::Success { .. }, Some((count, of))) if self.automaton.verdict() == Verdict::Down => {
                format!("{words}, {count} of {of} to be up")
            }
            (Outcome::Failure(_), Some((count, of))) if self.automaton.verdict() == Verdict::Up => {
                format!("{words}, {count} of {of} to be down")
            }
            _ => words,
        }
    }

    fn show_automaton(&mut self) {
        (self.health.verdict, self.health.health) = (self.automaton.verdict(), self.automaton.health());
    }

    fn log(&self, Change { from, to }: Change) {
        let (named, reason) = (self.named(), &self.health.reason);
        let words = format!("check of {named}: {from} -> {to}: {reason}");
        let line = match to {
            Verdict::Down => LogLine::warn(Kind::Check, words),
            Verdict::Up | Verdict::Unchecked => LogLine::info(Kind::Check, words),
        };
        self.users.iter().fold(line, LogLine::about).write();
    }

    /// `www/web1, shop/web1 (127.0.0.1:80, GET /healthz)`.
    pub(super) fn named(&self) -> String {
        let Target { address, check } = &*self.target;
        let users = self.users.join(", ");
        format!("{users} ({address}, {})", check.kind)
    }
}
