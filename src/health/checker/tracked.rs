//! One target, as the checker follows it.
//!
//! Owns what each result means for what is published: the verdict, how long it may be acted on, and a line in the log.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::AbortHandle;

use super::super::automaton::{Automaton, Change};
use super::super::probe::{Outcome, Probed};
use super::super::proof::Proof;
use super::super::target::{Target, TargetHealth, Verdict};
use super::super::timetable::Id;
use crate::running_time::running;

/// The reason shown for a target before its first probe.
const NOT_YET: &str = "not probed yet";

/// How the published view is outdated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// Nothing.
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
    /// It is in the view; otherwise it is probed for another one's `before`.
    pub(super) wanted: bool,
    /// The target whose check this one's replaced, until this one is up by its own probes.
    pub(super) before: Option<Id>,
    pub(super) hearsay: bool,
    pub(super) automaton: Automaton,
    /// Of the last probe, to tell a new reason from the old one in other milliseconds.
    pub(super) last: Option<Outcome>,
    pub(super) reason: Arc<str>,
    pub(super) since: SystemTime,
    pub(super) probed: Option<SystemTime>,
    /// When the last probe with a result began.
    pub(super) began: Duration,
    /// That a probe has agreed with the verdict lately.
    pub(super) proof: Proof,
    pub(super) changes: u64,
    pub(super) running: Option<AbortHandle>,
}

impl Tracked {
    pub(super) fn new(target: Arc<Target>, users: Vec<String>, known: Option<&TargetHealth>) -> Tracked {
        let (rise, fall) = (target.check.rise, target.check.fall);
        let known = known.filter(|known| known.verdict != Verdict::Unchecked);
        Tracked {
            automaton: known
                .map_or_else(|| Automaton::unchecked(rise, fall), |known| Automaton::resumed(rise, fall, known.health)),
            last: None,
            reason: known.map_or_else(|| NOT_YET.into(), |known| Arc::clone(&known.reason)),
            since: known.map_or_else(SystemTime::now, |known| known.since),
            probed: known.and_then(|known| known.probed),
            began: running(),
            proof: target.proof(running()),
            changes: known.map_or(0, |known| known.changes),
            running: None,
            wanted: false,
            before: None,
            hearsay: known.is_none_or(|known| known.hearsay),
            target,
            users,
        }
    }

    /// A target whose check replaces that of `origin`: its verdict stands until the new check says otherwise.
    pub(super) fn replacing(target: Arc<Target>, users: Vec<String>, id: Id, origin: &Tracked) -> Tracked {
        let automaton = origin.automaton.with(target.check.rise, target.check.fall);
        let before = origin.before.unwrap_or(id);
        Tracked {
            automaton,
            reason: Arc::clone(&origin.reason),
            since: origin.since,
            probed: origin.probed,
            changes: origin.changes,
            before: Some(before),
            ..Tracked::new(target, users, None)
        }
    }

    /// How long the first probe can wait: a target handed over keeps the rhythm it had, and a changed check is tried at once.
    pub(super) fn rest_of_interval(&self) -> Duration {
        let check = &self.target.check;
        if self.before.is_some() && self.last.is_none() {
            return Duration::ZERO;
        }
        let Some(probed) = self.probed else { return Duration::ZERO };
        let pause = if self.automaton.in_transition() { check.fast_interval } else { check.interval };
        let age = probed.elapsed().unwrap_or(Duration::ZERO);
        pause.saturating_sub(age)
    }

    /// Takes the outcome of one probe.
    pub(super) fn take(&mut self, Probed { outcome, began }: Probed, now: SystemTime) -> News {
        self.running = None;
        let before = self.automaton;
        if !self.target.proof(self.began).holds(began) {
            // There was a pause: results from before it and after it are not in a row.
            self.automaton = self.automaton.settled();
        }
        let change = match &outcome {
            Outcome::Success { .. } => self.automaton.success(),
            Outcome::Failure(_) => self.automaton.failure(),
            Outcome::LocalError(_) => None,
        };
        if !matches!(outcome, Outcome::LocalError(_)) {
            self.probed = Some(now);
            self.began = began;
        }
        let agrees = match &outcome {
            Outcome::Success { .. } => self.automaton.verdict() == Verdict::Up,
            Outcome::Failure(_) => self.automaton.verdict() == Verdict::Down,
            Outcome::LocalError(_) => true,
        };
        let was_proved_again = agrees && self.proof.renew(began, running());
        let was_hearsay = self.hearsay;
        self.hearsay &= !matches!(outcome, Outcome::Success { .. });
        self.reason = outcome.reason().into();
        let same_kind = self.last.as_ref().is_some_and(|last| last.same_kind(&outcome));
        if let (Outcome::LocalError(reason), false) = (&outcome, same_kind) {
            tracing::warn!("check of {} ignored: {reason}", self.named());
        }
        self.last = Some(outcome);
        if let Some(change) = change {
            self.since = now;
            self.changes += 1;
            self.log(change);
        }
        let is_same = same_kind && before == self.automaton && was_hearsay == self.hearsay && !was_proved_again;
        if is_same { News::Times } else { News::Change }
    }

    pub(super) fn log(&self, Change { from, to }: Change) {
        let (named, reason) = (self.named(), &self.reason);
        match to {
            Verdict::Down => tracing::warn!("check of {named}: {from} -> {to}: {reason}"),
            Verdict::Up | Verdict::Unchecked => tracing::info!("check of {named}: {from} -> {to}: {reason}"),
        }
    }

    /// `www/web1, shop/web1 (127.0.0.1:80, GET /healthz)`.
    pub(super) fn named(&self) -> String {
        let Target { address, check } = &*self.target;
        let users = self.users.join(", ");
        format!("{users} ({address}, {})", check.kind)
    }

    pub(super) fn health(&self) -> TargetHealth {
        TargetHealth {
            verdict: self.automaton.verdict(),
            health: self.automaton.health(),
            reason: Arc::clone(&self.reason),
            since: self.since,
            probed: self.probed,
            changes: self.changes,
            hearsay: self.hearsay,
            proof: self.proof.clone(),
            before: None,
        }
    }
}
