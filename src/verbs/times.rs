//! Moments and spans of time as the verbs print them.
//!
//! By hand and not by `humantime`: that writes every unit (`2h 5m 12s 400ms`), and a column of a table has room for one.

use std::time::Duration;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

use crate::config::duration;
use crate::push::error::Error;
pub use crate::unix_time::moment;
use crate::unix_time::{self, formatted};

/// A moment as the operator's clock shows it: `HH:MM:SS`, in UTC with a `Z`.
pub fn time_of_day(unix_ms: u64) -> String {
    formatted(unix_ms, "%H:%M:%SZ")
}

/// Since when something is so: the time of day, with its day where that is not within the last 20 hours.
pub fn since(unix_ms: u64) -> String {
    unix_time::since(unix_ms, unix_time::unix_ms())
}

/// How long ago, in the largest unit that says enough: `12s`, `5m`, `3h`, `2d`.
pub fn ago(unix_ms: u64) -> String {
    let seconds = unix_time::unix_ms().saturating_sub(unix_ms) / 1000;
    span(seconds)
}

/// Seconds in the largest unit that says enough.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// In milliseconds.
const DAY: u64 = 86_400_000;

/// A time on the command line, before it is known when it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// This long ago.
    Ago(Duration),
    /// The last time the clock showed this, in UTC.
    TimeOfDay(Time),
    /// Then.
    At(jiff::Timestamp),
}

impl Moment {
    /// In milliseconds since the epoch, seen from `now`.
    pub fn before(self, now: u64) -> u64 {
        match self {
            Moment::Ago(span) => now.saturating_sub(span.as_millis() as u64),
            Moment::At(moment) => u64::try_from(moment.as_millisecond()).unwrap_or_default(),
            Moment::TimeOfDay(time) => {
                let midnight = Time::midnight();
                let since_midnight = u64::try_from(time.duration_since(midnight).as_millis()).unwrap_or_default();
                let today = now - now % DAY + since_midnight;
                if today <= now { today } else { today.saturating_sub(DAY) }
            }
        }
    }
}

impl Moment {
    /// The end of a span that begins then, in milliseconds since the epoch: of a time of day the first one after it.
    pub fn after(self, since: u64, now: u64) -> u64 {
        let end = self.before(now);
        match self {
            Moment::TimeOfDay(_) if end < since => end + DAY,
            _ => end,
        }
    }
}

/// A time to come on the command line, before it is known when it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Later {
    /// In so long.
    In(Duration),
    /// Then.
    At(jiff::Timestamp),
}

impl Later {
    /// In seconds since the epoch, seen from `now`, which is so too.
    pub fn seconds(self, now: u64) -> u64 {
        match self {
            Later::In(span) => now.saturating_add(span.as_secs()),
            Later::At(moment) => u64::try_from(moment.as_second()).unwrap_or_default(),
        }
    }
}

/// What is later than this is a slip.
const FURTHEST: i16 = 2199;

/// `now`, `2d`, `2026-12-24 04:10`: how long from now, at most a hundred years, or a time in UTC.
///
/// # Errors
///
/// It is written in another way, or out of all reach.
pub fn parse_later(text: &str) -> Result<Later, Error> {
    const CENTURY: Duration = Duration::from_secs(36_525 * 86_400);
    let utc = |moment: DateTime| moment.to_zoned(TimeZone::UTC).map(|moment| moment.timestamp()).ok();
    let plain = || text.strip_suffix('Z').unwrap_or(text).parse::<DateTime>().ok().and_then(utc);
    let later = match (text, duration::parse_sum(text)) {
        ("now", _) => Some(Later::In(Duration::ZERO)),
        (_, Some(span)) => Some(Later::In(span)).filter(|_| span <= CENTURY),
        _ => text.parse().ok().or_else(plain).map(Later::At),
    };
    let is_near = |later: &Later| match later {
        Later::In(_) => true,
        Later::At(moment) => (1970..=FURTHEST).contains(&moment.to_zoned(TimeZone::UTC).year()),
    };
    later.filter(is_near).ok_or_else(|| {
        let forms = "`now`, how long from now (12h, 30d) or a time in UTC (2026-12-24 04:10)";
        Error::new(format!("expected {forms}, found {text:?}"))
    })
}

/// `3h`, `04:10`, `2026-11-28 04:10`: how long ago, or a time in UTC.
///
/// # Errors
///
/// It is written in another way.
pub fn parse_moment(text: &str) -> Result<Moment, Error> {
    if let Some(span) = duration::parse_sum(text) {
        return Ok(Moment::Ago(span));
    }
    // With an offset, or with a day and `Z`, it is that moment.
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Ok(Moment::At(moment));
    }
    let text = text.strip_suffix('Z').unwrap_or(text);
    let wrong = || {
        let forms = "how long ago (90m, 3h, 2d) or a time in UTC (04:10, 2026-11-28 04:10)";
        Error::new(format!("expected {forms}, found {text:?}"))
    };
    // A day first: a time of day is read from what has one too.
    match text.parse::<DateTime>() {
        Ok(moment) => moment.to_zoned(TimeZone::UTC).map(|moment| Moment::At(moment.timestamp())).map_err(|_| wrong()),
        Err(_) => text.parse().map(Moment::TimeOfDay).map_err(|_| wrong()),
    }
}

#[cfg(test)]
mod tests;
