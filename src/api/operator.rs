//! What an operator says of a backend or pool member (ready, drain, maint; who, when, why, until when), and the commands that
//! say it.

use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bounds::{BoundError, MAX_AHEAD, MAX_FOR, is_ahead, who_and_why};
use crate::config::{duration, names};
use crate::unix_time::since;

/// The state that an operator sets. Shown beside what checks say, never merged with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperatorState {
    /// In use, as its checks allow.
    #[default]
    Ready,
    /// No new visitors; those whose session is there stay.
    Drain,
    /// No visitors at all.
    Maint,
}

impl OperatorState {
    /// Every state.
    pub const ALL: [OperatorState; 3] = [OperatorState::Ready, OperatorState::Drain, OperatorState::Maint];

    /// Its name in commands, output and metrics.
    pub fn name(self) -> &'static str {
        match self {
            OperatorState::Ready => "ready",
            OperatorState::Drain => "drain",
            OperatorState::Maint => "maint",
        }
    }
}

impl fmt::Display for OperatorState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The state of one subject with who set it, when, why and until when. A `Ready` note is kept too: it must win over an older
/// `Drain` on a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorNote {
    /// The state that was set.
    pub state: OperatorState,
    /// Who set it (`alice@admin-nl`).
    pub who: String,
    /// When, in milliseconds since the epoch, or later than every note that the daemon knew then: notes are ordered by this and
    /// `by`.
    pub when: u64,
    /// When the state began, where the note only says again what one before it had said; none: with this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// The daemon that received it first.
    pub by: String,
    /// Why; may be empty.
    pub why: String,
    /// When it ends (back to ready), in milliseconds since the epoch by the clock of the daemon that has the note; none: it stays
    /// until the next one.
    pub until: Option<u64>,
}

impl OperatorNote {
    /// When the state began, in milliseconds since the epoch.
    pub fn began(&self) -> u64 {
        self.since.map_or(self.when, |since| since.min(self.when))
    }

    /// Whether it has ended at `now`.
    pub fn is_expired(&self, now: u64) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Whether a peer's note is acceptable at `now`.
    ///
    /// # Errors
    ///
    /// Which limit it breaks.
    pub fn vet(&self, now: u64) -> Result<(), BoundError> {
        if is_ahead(self.when, now) {
            return Err(BoundError::FromTheFuture);
        }
        let latest = now.saturating_add((MAX_FOR + MAX_AHEAD).as_millis() as u64);
        if self.until.is_some_and(|until| until > latest) {
            return Err(BoundError::LastsTooLong);
        }
        names::name(&self.by).map_err(|_| BoundError::BadOrigin)?;
        who_and_why(&self.who, &self.why)
    }

    /// `www/web1 is set to drain until 05:00:00Z by alice@admin-nl: new disk`.
    pub fn in_words(&self, subject: &str) -> String {
        let why = if self.why.is_empty() { String::new() } else { format!(": {}", self.why) };
        let until = self.until.map(|until| format!(" until {}", since(until, self.when))).unwrap_or_default();
        format!("{subject} is set to {}{until} by {}{why}", self.state, self.who)
    }

    /// `in drain since 04:12:05Z by alice@admin-nl: new disk`.
    pub fn since_in_words(&self, now: u64) -> String {
        let why = if self.why.is_empty() { String::new() } else { format!(": {}", self.why) };
        format!("in {} since {} by {}{why}", self.state, since(self.began(), now), self.who)
    }

    /// `; until 05:00:00Z`, or until when else.
    pub fn until_in_words(&self, now: u64) -> String {
        match self.until {
            Some(until) => format!("; until {}", since(until, now)),
            None => "; until somebody says otherwise".to_owned(),
        }
    }

    /// That a command which says the same again changes nothing: `www/web1 is in drain already (by alice@admin-nl: new disk);
    /// nothing changed`. Ready is what everything is of which nobody has said anything else, and then nobody is named.
    pub fn already_in_words(&self, subject: &str) -> String {
        let why = if self.why.is_empty() { String::new() } else { format!(": {}", self.why) };
        match self.state {
            OperatorState::Ready => format!("{subject} is ready already; nothing changed"),
            state => format!("{subject} is in {state} already (by {}{why}); nothing changed", self.who),
        }
    }

    /// Whether both say the same. A command that is given to several daemons for a time ends a moment apart.
    pub fn says_the_same(&self, other: &OperatorNote) -> bool {
        const APART: u64 = 5_000;
        let ends_alike = match (self.until, other.until) {
            (Some(one), Some(other)) => one.abs_diff(other) < APART,
            (one, other) => one == other,
        };
        ends_alike && (self.state, &self.who, &self.why) == (other.state, &other.who, &other.why)
    }

    /// The order of notes: by (when, by). Every further field only makes it total, so that two daemons never disagree over
    /// which of two notes is the newer; but for the end, which each daemon has by its own clock.
    pub fn compare(&self, other: &OperatorNote) -> Ordering {
        fn key(note: &OperatorNote) -> (u64, &str, OperatorState, &str, &str) {
            (note.when, &note.by, note.state, &note.who, &note.why)
        }
        key(self).cmp(&key(other))
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it asks about by reference")]
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

/// The body of `POST /operator`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorCommand {
    /// `SERVICE/BACKEND`, or `POOL/MEMBER` with the pool's name without the final dot.
    pub subject: String,
    /// The state to set.
    pub state: OperatorState,
    /// Who asks for it.
    pub who: String,
    /// Why.
    #[serde(default)]
    pub why: String,
    /// For how many milliseconds; none: until the next command.
    #[serde(default)]
    pub for_ms: Option<u64>,
    /// Do it even if it takes the last usable member of a pool.
    #[serde(default)]
    pub force: bool,
    /// Only say what would come of it, or why it is refused.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
}

impl OperatorCommand {
    /// Whether it is within the limits.
    ///
    /// # Errors
    ///
    /// Which limit it breaks.
    pub fn vet(&self) -> Result<(), BoundError> {
        who_and_why(&self.who, &self.why)?;
        match self.for_ms.is_some_and(|length| u128::from(length) > MAX_FOR.as_millis()) {
            true => Err(BoundError::LastsTooLong),
            false => Ok(()),
        }
    }

    /// `www/web1 is set to drain for 2h`.
    pub fn in_words(&self) -> String {
        let length = self.for_ms.map(|ms| format!(" for {}", duration::format(Duration::from_millis(ms))));
        format!("{} is set to {}{}", self.subject, self.state, length.unwrap_or_default())
    }
}

/// The body of `POST /forget`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForgetCommand {
    /// What to forget.
    pub what: ForgetTarget,
    /// Who asks for it.
    pub who: String,
    /// Why.
    #[serde(default)]
    pub why: String,
}

/// What can be forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ForgetTarget {
    /// The operator state of `SERVICE/BACKEND` or `POOL/MEMBER`, also if no document names that any more.
    Subject(String),
    /// The latch of a service: which backend is active, and which were failed away from.
    Latch(String),
}
