//! Times in seconds, with or without units.

use super::escape::quote;
use super::fault::Fault;

/// The longest TTL, in seconds (RFC 2181, 8).
pub const MOST: u32 = (1 << 31) - 1;

/// The longest time, in seconds: a SOA's go beyond a TTL's.
const LONGEST: u64 = u32::MAX as u64;

/// Reads `3600`, or BIND's `1h30m`: numbers with units, w d h m s in either case, added up.
pub fn parse(text: &[u8]) -> Result<u32, Fault> {
    let total = if text.last().is_none_or(u8::is_ascii_digit) { digits(text) } else { with_units(text) };
    match total {
        None => Err(format!("{} is not a time: seconds (3600), or w, d, h, m and s (1h30m)", quote(text)).into()),
        Some(total) if total > LONGEST => Err(format!("{} is too long: at most {LONGEST} seconds", quote(text)).into()),
        Some(total) => Ok(u32::try_from(total).unwrap_or(u32::MAX)),
    }
}

fn with_units(text: &[u8]) -> Option<u64> {
    text.split_inclusive(|byte| !byte.is_ascii_digit()).try_fold(0, |sum: u64, part| {
        let (unit, number) = part.split_last()?;
        Some(sum.saturating_add(digits(number)?.saturating_mul(seconds(*unit)?)))
    })
}

/// Adds up and saturates: the caller refuses what is too long.
fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |sum, byte| {
        byte.is_ascii_digit().then(|| sum.saturating_mul(10).saturating_add(u64::from(byte - b'0')))
    })
}

fn seconds(unit: u8) -> Option<u64> {
    match unit.to_ascii_lowercase() {
        b'w' => Some(7 * 86_400),
        b'd' => Some(86_400),
        b'h' => Some(3600),
        b'm' => Some(60),
        b's' => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
