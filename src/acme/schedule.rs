//! When a certificate is renewed, and when an order that failed is tried again (pure). Times are milliseconds since the epoch, unless they
//! say otherwise.

use std::time::Duration;

use serde::{Deserialize, Serialize};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// The longest pause between two orders of a certificate.
pub const LONGEST_PAUSE: u64 = 8 * HOUR;

/// The longest that a CA's Retry-After is heeded: it may say anything.
const LONGEST_RETRY_AFTER: u64 = 24 * HOUR;

/// Between two questions for the time of a renewal, whatever the CA says (RFC 9773, 4.3.1).
const ASK_AGAIN: (u64, u64) = (MINUTE, 24 * HOUR);

/// The same if it could not be asked.
const ASK_AGAIN_AFTER_FAILURE: u64 = HOUR;

/// What an order failed by, as far as that decides when there is the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The CA was asked nothing that it counts: it does not answer, or a peer or a nameserver was not ready.
    Unasked,
    /// The CA has refused.
    Refused,
}

impl Cause {
    /// The first pause, and the longest. CAs allow five failed orders of a name an hour or so (Let's Encrypt does): of this kind there
    /// are five in the first hour, and fewer then.
    fn pauses(self) -> (u64, u64) {
        match self {
            Cause::Unasked => (5_000, 15 * MINUTE),
            Cause::Refused => (2 * MINUTE, LONGEST_PAUSE),
        }
    }
}

/// When the next order may begin after so many failures in a row (1 or more), the last of them now. `retry_after` is what the CA said.
pub fn next_try(now: u64, failures: u32, cause: Cause, retry_after: Option<Duration>) -> u64 {
    let (first, longest) = cause.pauses();
    let pause = first.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(longest);
    let asked_for = retry_after.map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    now.saturating_add(pause.max(asked_for.min(LONGEST_RETRY_AFTER)))
}

/// The time in which a certificate is to be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// From here.
    pub start: u64,
    /// To here.
    pub end: u64,
}

impl Window {
    /// Where the CA suggests none: from two thirds of its life on, for a thirtieth of it.
    pub fn of_life(begins: u64, ends: u64) -> Window {
        let life = ends.saturating_sub(begins);
        let start = begins.saturating_add(life / 3 * 2);
        Window { start, end: start.saturating_add(life / 30) }
    }

    /// As much of it as a certificate of this life may wait for: till a sixth of its life is left, whatever the CA suggests. A window
    /// may reach past the end of a short life, and visitors would find no certificate then; of 90 days a sixth is more than
    /// what an alarm is raised for. One that lies behind is left as it is: the renewal is due at once (RFC 9773, 4.2).
    pub fn in_life(self, begins: u64, ends: u64) -> Window {
        let latest = ends.saturating_sub(ends.saturating_sub(begins).div_ceil(6));
        Window { start: self.start.min(latest), end: self.end.min(latest) }
    }

    /// A point in it, the same for all who have the certificate: `number` is drawn from its bytes. So a fleet of a CA's
    /// customers does not come at once (RFC 9773, 4.2), and no proxy of ours has to tell another what it has drawn.
    pub fn point(self, number: u32) -> u64 {
        let length = u128::from(self.end.saturating_sub(self.start));
        let into = length * u128::from(number) / (u128::from(u32::MAX) + 1);
        self.start.saturating_add(u64::try_from(into).unwrap_or(0))
    }
}

/// When the CA is asked again for the time of a renewal, by what it said (none: it could not be asked, or has not said).
pub fn next_question(now: u64, retry_after: Option<Duration>) -> u64 {
    let (least, most) = ASK_AGAIN;
    let asked_for = retry_after.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX).clamp(least, most));
    now.saturating_add(asked_for.unwrap_or(ASK_AGAIN_AFTER_FAILURE))
}

#[cfg(test)]
mod tests;
