//! The operator states of one daemon (pure): their merge with those of peers, and their expiry.
//!
//! The daemons persist them (state_file) and peers exchange them. For each subject the newest note counts, everywhere: the
//! merge is a maximum, so it is commutative, associative and idempotent, and daemons that receive each other's notes in any
//! order end up with the same ones. The order is that of a logical clock: a note is dated later than all that its daemon knows,
//! and by the wall clock where that is later still. So of two notes of which one was said in knowledge of the other, that one
//! wins however wrong the clocks are. What ends, ends by the clock of each daemon: see [`OperatorStates::vetted`].

pub mod events;
pub mod proposals;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::bounds::is_ahead;
use crate::api::operator::{ForgetCommand, OperatorCommand, OperatorNote, OperatorState};
use proposals::{Proposals, Refused};

/// Clocks that differ by less count as the same: an exchange does not measure them better.
const SAME_CLOCK_MS: u64 = 1_000;

/// What has come of a peer's notes.
#[derive(Debug, Default)]
pub struct Merged {
    /// Some of them are newer than ours were.
    pub changed: bool,
    /// Those that say something else than what was in force here.
    pub news: Vec<(String, OperatorNote)>,
}

/// The newest note on each subject: `SERVICE/BACKEND` in a proxy, `POOL/MEMBER` in a nameserver. A note that has ended stays: it
/// must still win over an older one of a peer that was away.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperatorStates(pub BTreeMap<String, OperatorNote>);

impl OperatorStates {
    /// The state in force at `now` (milliseconds since the epoch): `Ready` without a note or when it has expired.
    pub fn state(&self, subject: &str, now: u64) -> OperatorState {
        self.0.get(subject).filter(|note| !note.is_expired(now)).map_or(OperatorState::Ready, |note| note.state)
    }

    /// The latest date of a note that is not beyond the bounds at `now`.
    fn latest(&self, now: u64) -> u64 {
        self.0.values().map(|note| note.when).filter(|when| !is_ahead(*when, now)).max().unwrap_or(0)
    }

    /// The note that a command makes here at `now`. A command that changes nothing says again what was said, with a later date; one that
    /// gives the state in force another end and no reason keeps the reason.
    pub fn note(&self, command: &OperatorCommand, by: &str, asked: &Proposals<impl Clone>, now: u64) -> OperatorNote {
        let OperatorCommand { subject, state, who, why, for_ms, .. } = command;
        let repeated = self.0.get(subject).filter(|note| note.state == *state && !note.is_expired(now));
        let when = self.next_date(asked, now);
        if let Some(note) = repeated.filter(|_| self.already(command, now).is_some()) {
            return OperatorNote { when, since: Some(note.began()), by: by.to_owned(), ..note.clone() };
        }
        let why = repeated.filter(|_| why.is_empty()).map_or(why, |note| &note.why);
        OperatorNote {
            state: *state,
            who: who.clone(),
            when,
            since: None,
            by: by.to_owned(),
            why: why.clone(),
            until: for_ms.map(|length| now.saturating_add(length)),
        }
    }

    /// That a command changes nothing, if so: the state that it sets is in force and has no end, and the command has none either
    /// and gives no other reason. It is recorded all the same: of what daemons have been told apart, the last word counts.
    pub fn already(&self, command: &OperatorCommand, now: u64) -> Option<String> {
        let OperatorCommand { subject, state, why, for_ms, .. } = command;
        let Some(note) = self.0.get(subject).filter(|note| !note.is_expired(now)) else {
            let is_ready = *state == OperatorState::Ready;
            return is_ready.then(|| format!("{subject} is ready already; nothing changed"));
        };
        let is_same = note.state == *state && (why.is_empty() || *why == note.why || *state == OperatorState::Ready);
        let has_no_end = note.until.is_none() && for_ms.is_none();
        (is_same && has_no_end).then(|| note.already_in_words(subject))
    }

    /// The date of a note that is given at `now`: later than all that is known here, of these and of what the peers are asked.
    fn next_date(&self, asked: &Proposals<impl Clone>, now: u64) -> u64 {
        now.max(self.latest(now).max(asked.latest()) + 1)
    }

    /// Whether what the peers were asked about may still take effect. The same command that came by a peer first is no obstacle: an
    /// operator gives it to every daemon at once.
    ///
    /// # Errors
    ///
    /// A later note on the subject has come into force meanwhile.
    pub fn admits(&self, subject: &str, note: &OperatorNote) -> Result<(), Refused> {
        let is_same = |in_force: &OperatorNote| in_force.state == note.state && in_force.who == note.who;
        match self.0.get(subject).filter(|in_force| in_force.compare(note).is_gt() && !is_same(in_force)) {
            Some(OperatorNote { state, who, .. }) => {
                Err(Refused(format!("{who} has set {subject} to {state} meanwhile, and that is in force")))
            }
            None => Ok(()),
        }
    }

    /// Records a note; `when` is raised above the note it replaces, so that a clock set back loses nothing.
    pub fn set(&mut self, subject: &str, mut note: OperatorNote) {
        if let Some(former) = self.0.get(subject) {
            note.when = note.when.max(former.when.saturating_add(1));
        }
        self.0.insert(subject.to_owned(), note);
    }

    /// The acceptable notes on subjects that a document names, and what is wrong with the others on such subjects. Notes on
    /// other subjects are left out silently: a peer's document may be newer than ours, and it sends them again every second,
    /// also after our next reload.
    ///
    /// The peer's clock is `ahead_ms` ahead of ours: what ends there in a minute ends here in a minute.
    pub fn vetted(self, now: u64, ahead_ms: i64, is_named: impl Fn(&str) -> bool) -> (OperatorStates, Vec<String>) {
        let mut rejected = Vec::new();
        let mut accepted = OperatorStates::default();
        for (subject, mut note) in self.0.into_iter().filter(|(subject, _)| is_named(subject)) {
            if ahead_ms.unsigned_abs() > SAME_CLOCK_MS {
                note.until = note.until.map(|until| until.saturating_add_signed(ahead_ms.saturating_neg()));
            }
            match note.vet(now) {
                Ok(()) => drop(accepted.0.insert(subject, note)),
                Err(why) => rejected.push(format!("the operator state of {subject}: {why}")),
            }
        }
        (accepted, rejected)
    }

    /// Replaces a subject's note with a `ready` one that wins everywhere: it is dated later than any sane note, and a note from the
    /// far future is rejected by every peer. Gives the note it replaces.
    pub fn forget(
        &mut self,
        subject: &str,
        command: &ForgetCommand,
        by: &str,
        asked: &Proposals<impl Clone>,
        now: u64,
    ) -> Option<OperatorNote> {
        let ForgetCommand { who, why, .. } = command;
        let mut ready = OperatorNote {
            state: OperatorState::Ready,
            who: who.clone(),
            when: self.next_date(asked, now),
            since: None,
            by: by.to_owned(),
            why: why.clone(),
            until: None,
        };
        let former = self.0.remove(subject);
        if let Some(former) = former.as_ref().filter(|former| !is_ahead(former.when, ready.when)) {
            ready.when = ready.when.max(former.when + 1);
        }
        self.0.insert(subject.to_owned(), ready);
        former
    }

    /// Whether a note says something else than what is in force. The same command that came by a peer first is none.
    pub fn is_news(&self, subject: &str, note: &OperatorNote, now: u64) -> bool {
        match self.0.get(subject).filter(|note| !note.is_expired(now)) {
            None => note.state != OperatorState::Ready,
            Some(in_force) => !in_force.says_the_same(note),
        }
    }

    /// Takes over every newer note of a peer.
    pub fn merge(&mut self, other: &OperatorStates, now: u64) -> Merged {
        let mut merged = Merged::default();
        for (subject, theirs) in &other.0 {
            let ours = self.0.get(subject);
            if ours.is_some_and(|ours| ours.compare(theirs) != Ordering::Less) {
                continue;
            }
            if self.is_news(subject, theirs, now) && !theirs.is_expired(now) {
                merged.news.push((subject.clone(), theirs.clone()));
            }
            self.0.insert(subject.clone(), theirs.clone());
            merged.changed = true;
        }
        merged
    }

    /// The next moment after `now` at which a note ends.
    pub fn next_expiry(&self, now: u64) -> Option<u64> {
        self.0.values().filter_map(|note| note.until).filter(|until| *until > now).min()
    }
}

#[cfg(test)]
mod tests;
