//! Durations in documents: `"2s"`, `"500ms"`.
//!
//! By hand and not by `humantime`: that reads `"1m 30s"`, `"2 sec"` and `"5us"` too, and a document has one spelling for one
//! duration, a whole number and a unit.

use std::time::Duration;

const MILLISECONDS_OF: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a whole number followed by `ms`, `s`, `m`, `h` or `d`. None for anything else, also for what does not fit
/// into 64 bits of milliseconds.
pub fn parse(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, milliseconds) = MILLISECONDS_OF.iter().find(|(name, _)| *name == unit)?;
    let count: u64 = number.parse().ok()?;
    Some(Duration::from_millis(count.checked_mul(*milliseconds)?))
}

/// What an operator types: durations as [`parse`] reads them, one after the other (`2h30m`), added up.
pub fn parse_sum(text: &str) -> Option<Duration> {
    let (mut sum, mut rest) = (Duration::ZERO, text);
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let unit = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
        let (first, behind) = rest.split_at(digits + unit);
        sum = sum.checked_add(parse(first)?)?;
        if behind.is_empty() {
            return Some(sum);
        }
        rest = behind;
    }
}

/// Writes it the way [`parse`] reads it, in the largest unit that is exact; what is finer than a millisecond is left out.
pub fn format(duration: Duration) -> String {
    let total = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if total == 0 {
        return "0s".to_owned();
    }
    let exact = MILLISECONDS_OF.iter().find(|(_, milliseconds)| total.is_multiple_of(*milliseconds));
    let (unit, milliseconds) = exact.unwrap_or(&("ms", 1));
    format!("{}{unit}", total / milliseconds)
}

#[cfg(test)]
mod tests;
