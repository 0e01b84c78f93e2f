//! What of a service's requests is sent again, or twice at once: `retry_on`, `retry_budget`, `try_timeout`, `hedge_after`.

use std::fmt;
use std::ops::{BitOr, RangeInclusive};
use std::time::Duration;

use crate::config::reader::{Object, Read};

/// What is sent again, how much of it, and when an attempt is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RetryConfig {
    /// After what.
    pub on: RetryOn,
    /// How many of a hundred requests; none: each, up to `retries` times.
    pub budget: Option<u32>,
    /// From the request sent to the end of the response's head, for one attempt; none: `timeouts.response_head`.
    pub try_timeout: Option<Duration>,
    /// From the beginning of an attempt, after which time without a response's head a copy of the request is sent to another backend; none:
    /// never.
    pub hedge_after: Option<Duration>,
}

/// After what a request is sent again that may be sent twice, as HAProxy's `retry-on`: a set. A connection that could not be opened is
/// in it always, for nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryOn(u8);

impl Default for RetryOn {
    fn default() -> RetryOn {
        RetryOn::EMPTY_RESPONSE
    }
}

impl RetryOn {
    /// Nothing.
    pub const NONE: RetryOn = RetryOn(0);
    /// The backend closed without an answer.
    pub const EMPTY_RESPONSE: RetryOn = RetryOn(1);
    /// The response's head was malformed.
    pub const JUNK_RESPONSE: RetryOn = RetryOn(2);
    /// It did not come in time.
    pub const RESPONSE_TIMEOUT: RetryOn = RetryOn(4);
    /// The status 502.
    pub const BAD_GATEWAY: RetryOn = RetryOn(8);
    /// The status 503.
    pub const UNAVAILABLE: RetryOn = RetryOn(16);
    /// The status 504.
    pub const GATEWAY_TIMEOUT: RetryOn = RetryOn(32);
    /// All of it.
    pub const ALL: RetryOn = RetryOn(63);

    /// What a status is; [`RetryOn::NONE`] for all but three.
    pub fn of_status(status: u16) -> RetryOn {
        match status {
            502 => RetryOn::BAD_GATEWAY,
            503 => RetryOn::UNAVAILABLE,
            504 => RetryOn::GATEWAY_TIMEOUT,
            _ => RetryOn::NONE,
        }
    }

    /// Whether all of that is in it, and that is something.
    pub fn contains(self, other: RetryOn) -> bool {
        other != RetryOn::NONE && self.0 & other.0 == other.0
    }

    /// Whether any status is in it.
    pub fn has_statuses(self) -> bool {
        [502, 503, 504].into_iter().any(|status| self.contains(RetryOn::of_status(status)))
    }
}

impl BitOr for RetryOn {
    type Output = RetryOn;

    fn bitor(self, other: RetryOn) -> RetryOn {
        RetryOn(self.0 | other.0)
    }
}

impl fmt::Display for RetryOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = CHOICES.iter().filter(|(_, one)| self.contains(*one)).map(|(name, _)| *name).collect();
        f.write_str(if names.is_empty() { "nothing but failed connections" } else { "" })?;
        f.write_str(&names.join(", "))
    }
}

const CHOICES: [(&str, RetryOn); 6] = [
    ("empty-response", RetryOn::EMPTY_RESPONSE),
    ("junk-response", RetryOn::JUNK_RESPONSE),
    ("response-timeout", RetryOn::RESPONSE_TIMEOUT),
    ("502", RetryOn::BAD_GATEWAY),
    ("503", RetryOn::UNAVAILABLE),
    ("504", RetryOn::GATEWAY_TIMEOUT),
];

/// Of a hundred requests.
const BUDGET: RangeInclusive<u32> = 1..=100;
const DEFAULT_BUDGET: u32 = 20;
const TIMES: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(3600);

/// Reads what a service says of it.
pub(super) fn read(service: &Object<'_>) -> Read<RetryConfig> {
    let on = service.optional("retry_on", |value| {
        let all = value.list("what a request is sent again after", |value| value.one_of(&CHOICES))?;
        Ok(all.into_iter().fold(RetryOn::NONE, RetryOn::bitor))
    });
    let budget = service.optional("retry_budget", |value| value.integer(BUDGET));
    let try_timeout = service.optional("try_timeout", |value| value.duration(TIMES));
    let hedge_after = service.optional("hedge_after", |value| {
        let after = value.duration(TIMES)?;
        match try_timeout.as_ref().ok().copied().flatten() {
            Some(most) if after >= most => Err(value.fault(format!(
                "no attempt lasts so long: \"try_timeout\" ends each after {most:?}; say less than that, or leave it out"
            ))),
            _ => Ok(after),
        }
    });
    let (on, budget, hedge_after) = (on?, budget?, hedge_after?);
    let spends = on.is_some() || hedge_after.is_some();
    Ok(RetryConfig {
        on: on.unwrap_or_default(),
        budget: budget.or(spends.then_some(DEFAULT_BUDGET)),
        try_timeout: try_timeout?,
        hedge_after,
    })
}
