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
                .to_string()
                .ends_with("is not a time: seconds (3600), or w, d, h, m and s (1h30m)"),
            "{text}"
        );
    }
}

#[test]
fn times_beyond_32_bits_are_too_long_however_long_they_are() {
    for text in ["4294967296", "8000w", "4294967295s1s", "99999999999999999999999999", "99999999999999999999w"] {
        let expected = format!("\"{text}\" is too long: at most 4294967295 seconds");
        assert_eq!(parse(text.as_bytes()), Err(expected.into()));
    }
}
