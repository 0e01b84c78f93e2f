//! How much an operator or a peer may say (pure): the bounds, in one place, and what is said of what is beyond them.
//!
//! A peer that means ill holds a key that its host had, and so may move a latch or say a word as its operators could. It
//! must not do what cannot be undone: speak from a future that nobody outlives, grow the state without end, or make a
//! letter that does not fit. Operators are held to the same bounds, or their words would be refused by the peers.

use std::time::Duration;

/// How far ahead of our clock a peer's may be: what is said later than that is not taken.
pub const MAX_AHEAD: Duration = Duration::from_secs(5 * 60);

/// The longest `--for`.
pub const MAX_FOR: Duration = Duration::from_secs(366 * 24 * 3600);

/// How much higher than ours the epoch of a peer's latch may be. It rises by one with each move: a proxy would have been
/// away for a million of them.
pub const MAX_EPOCH_STEP: u64 = 1 << 20;

/// Who says it, in bytes.
pub const MAX_WHO: usize = 100;

/// Why, in bytes.
pub const MAX_WHY: usize = 500;

/// Why a latch moved, in bytes: who and why, the verb, and names.
pub const MAX_REASON: usize = 800;

/// Backends that a latch has been failed away from and that this document does not have: a peer's document may.
pub const MAX_UNKNOWN_SPENT: usize = 16;

/// Whether a moment (milliseconds since the epoch) is too far ahead of `now`.
pub fn is_ahead(moment: u64, now: u64) -> bool {
    moment.saturating_sub(now) > MAX_AHEAD.as_millis() as u64
}

/// A text of at most so many bytes, without control characters.
///
/// # Errors
///
/// In words, without the text.
pub fn text(what: &str, text: &str, most: usize) -> Result<(), String> {
    match text.len() {
        length if length > most => Err(format!("{what} has {length} bytes: expected at most {most}")),
        _ if text.contains(char::is_control) => Err(format!("{what} has a control character")),
        _ => Ok(()),
    }
}

/// What an operator's command says of itself.
///
/// # Errors
///
/// In words.
pub fn said(who: &str, why: &str) -> Result<(), String> {
    text("who", who, MAX_WHO)?;
    text("why", why, MAX_WHY)
}

/// As much of a text as fits.
pub fn fitted(mut text: String, most: usize) -> String {
    while text.len() > most {
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests;
