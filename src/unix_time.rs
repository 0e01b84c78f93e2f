//! Wall-clock time as documents, state files and the admin API write it: milliseconds since the Unix epoch.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now.
pub fn unix_ms() -> u64 {
    to_unix_ms(SystemTime::now())
}

/// A moment; 0 if it is before the epoch.
pub fn to_unix_ms(moment: SystemTime) -> u64 {
    moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Since or until when something is so: `04:08:05Z`, with its day where that is not within 20 hours of `now`.
pub fn since(unix_ms: u64, now: u64) -> String {
    const LATELY: u64 = 20 * 3_600_000;
    let is_near = unix_ms.abs_diff(now) < LATELY;
    if is_near { formatted(unix_ms, "%H:%M:%SZ") } else { moment(unix_ms) }
}

/// When something was: `2026-11-29 04:08:05Z`.
pub fn moment(unix_ms: u64) -> String {
    formatted(unix_ms, "%Y-%m-%d %H:%M:%SZ")
}

/// A moment by a format of strftime, in UTC.
pub fn formatted(unix_ms: u64, format: &str) -> String {
    let moment = i64::try_from(unix_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    moment.map_or_else(|| "an unknown time".to_owned(), |moment| moment.strftime(format).to_string())
}
