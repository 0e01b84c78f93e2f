//! The times of signatures: 32 bits of seconds, which wrap in 2106 (RFC 4034, 3.1.5 and 3.2).

use super::super::escape::quote;
use super::super::fault::Fault;
use super::value::number;
use crate::unix_time;

/// `20261231235959`, in UTC, or seconds since the epoch.
pub fn read(word: &[u8]) -> Result<u32, Fault> {
    const DIGITS: usize = 14;
    if word.len() != DIGITS || !word.iter().all(u8::is_ascii_digit) {
        return number(word, u32::MAX);
    }
    let text = String::from_utf8_lossy(word);
    let parsed = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", &*text).ok();
    let moment = parsed.and_then(|moment| moment.to_zoned(jiff::tz::TimeZone::UTC).ok());
    let seconds = moment.map(|moment| moment.timestamp().as_second());
    // Only the lower bits count.
    seconds.filter(|seconds| *seconds >= 0).map(|seconds| seconds as u32).ok_or_else(|| {
        format!("{} is no time: expected YYYYMMDDHHMMSS in UTC, or seconds since 1970", quote(word)).into()
    })
}

/// The same as text.
pub fn show(seconds: u32) -> String {
    unix_time::formatted(u64::from(seconds) * 1000, "%Y%m%d%H%M%S")
}
