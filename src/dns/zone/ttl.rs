//! Times in seconds, with or without units.

use super::escape::quote;

/// RFC 2181, 8.
const MOST: u64 = (1 << 31) - 1;

/// Reads `3600`, or BIND's `1h30m`: numbers with units, w d h m s in either case, added up.
pub fn parse(text: &[u8]) -> Result<u32, String> {
    let total = if text.last().is_none_or(u8::is_ascii_digit) { digits(text) } else { with_units(text) };
    match total {
        None => Err(format!("{} is not a time: seconds (3600), or w, d, h, m and s (1h30m)", quote(text))),
        Some(total) if total > MOST => Err(format!("{} is too long: at most {MOST} seconds", quote(text))),
        Some(total) => Ok(u32::try_from(total).unwrap_or(u32::MAX)),
    }
}

fn with_units(text: &[u8]) -> Option<u64> {
    text.split_inclusive(|byte| !byte.is_ascii_digit()).try_fold(0, |sum: u64, part| {
        let (unit, number) = part.split_last()?;
        Some(sum.saturating_add(digits(number)?.saturating_mul(seconds(*unit)?)))
    })
}

/// Saturates: whatever is too long is refused in one place.
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
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn seconds_and_units_in_either_case_add_up_in_any_order() {
        for (text, seconds) in [
            ("0", 0),
            ("007", 7),
            ("3600", 3600),
            ("1h30m", 5400),
            ("1W2D3H4M5S", 788_645),
            ("5s1w", 604_805),
            ("1h1h", 7200),
            ("2147483647", 2_147_483_647),
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_time() {
        for text in ["", "h", "1h30", "1 h", "-1", "+1", "1.5h", "1y", "1hh", "1h\u{e4}"] {
            assert!(
                parse(text.as_bytes())
                    .unwrap_err()
                    .ends_with("is not a time: seconds (3600), or w, d, h, m and s (1h30m)"),
                "{text}"
            );
        }
    }

    #[test]
    fn times_beyond_31_bits_are_too_long_however_long_they_are() {
        for text in ["2147483648", "4000w", "2147483647s1s", "99999999999999999999999999", "99999999999999999999w"] {
            let expected = format!("\"{text}\" is too long: at most 2147483647 seconds");
            assert_eq!(parse(text.as_bytes()), Err(expected));
        }
    }
}
