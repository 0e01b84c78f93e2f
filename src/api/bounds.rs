//! How much an operator or a peer may say (pure): every limit in one place, and the error for a value beyond one.
//!
//! A hostile peer holds a key that its host had, so it can move a latch or set an operator state as its operators could. It
//! must not be able to do what cannot be undone: send a value dated so far ahead that nothing ever replaces it, let the state
//! grow without end, or make a message too large to exchange. Operators are held to the same limits, since peers would
//! reject anything else.

use std::time::Duration;

/// How far ahead of our clock a value may be dated: one dated later than that is rejected. A clock that is off by a time zone or a
/// day is an alarm, and its operators are heard all the same.
pub const MAX_AHEAD: Duration = Duration::from_secs(48 * 3600);

/// The longest `--for`.
pub const MAX_FOR: Duration = Duration::from_secs(366 * 24 * 3600);

/// How much higher than ours the epoch of a peer's latch may be. It rises by one with each move: a proxy would have been
/// away for a million of them.
pub const MAX_EPOCH_STEP: u64 = 1 << 20;

/// The longest `who`, in bytes.
pub const MAX_WHO: usize = 100;

/// The longest `why`, in bytes.
pub const MAX_WHY: usize = 500;

/// The longest reason for a latch's move, in bytes: who, why, the verb, and names.
pub const MAX_REASON: usize = 800;

/// The most backends that a latch has been failed away from and that our document does not have: a peer's document may.
pub const MAX_UNKNOWN_SPENT: usize = 12;

/// A value beyond its limit. Its text goes on after the name of what holds the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BoundError {
    /// A text has too many bytes.
    #[error("{field} has {bytes} bytes: expected at most {most}")]
    TooLong {
        /// The field.
        field: &'static str,
        /// How many it has.
        bytes: usize,
        /// How many it may have.
        most: usize,
    },
    /// A text has a control character, which a terminal would obey.
    #[error("{field} has a control character")]
    ControlCharacter {
        /// The field.
        field: &'static str,
    },
    /// It is dated later than [`MAX_AHEAD`] from now.
    #[error("it is dated more than {} h in the future: compare the clocks", MAX_AHEAD.as_secs() / 3600)]
    FromTheFuture,
    /// It lasts longer than [`MAX_FOR`].
    #[error("it lasts more than {} days", MAX_FOR.as_secs() / 86_400)]
    LastsTooLong,
    /// The daemon that it names as its origin has no valid name.
    #[error("the daemon it comes from has no valid name")]
    BadOrigin,
}

/// Whether a moment (milliseconds since the epoch) is too far ahead of `now`.
pub fn is_ahead(moment: u64, now: u64) -> bool {
    moment.saturating_sub(now) > MAX_AHEAD.as_millis() as u64
}

/// Whether a text has at most `most` bytes and no control characters.
///
/// # Errors
///
/// Which of the two it breaks; the text itself is not repeated.
pub fn text(field: &'static str, text: &str, most: usize) -> Result<(), BoundError> {
    match text.len() {
        bytes if bytes > most => Err(BoundError::TooLong { field, bytes, most }),
        _ if text.contains(char::is_control) => Err(BoundError::ControlCharacter { field }),
        _ => Ok(()),
    }
}

/// Whether an operator's name and reason are within their limits.
///
/// # Errors
///
/// Which of them is not, and why.
pub fn who_and_why(who: &str, why: &str) -> Result<(), BoundError> {
    text("who", who, MAX_WHO)?;
    text("why", why, MAX_WHY)
}

/// As much of a text as fits into `most` bytes.
pub fn truncated(mut text: String, most: usize) -> String {
    text.truncate(text.floor_char_boundary(most));
    text
}

#[cfg(test)]
mod tests;
