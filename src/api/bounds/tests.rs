#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn the_bounds_are_in_bytes_and_a_cut_text_is_still_text() {
    assert_eq!(text("why", &"y".repeat(500), MAX_WHY), Ok(()));
    let error = text("why", &"é".repeat(251), MAX_WHY).unwrap_err();
    assert_eq!(error.to_string(), "why has 502 bytes: expected at most 500");
    assert_eq!(text("who", "a\u{1b}[2J", MAX_WHO), Err(BoundError::ControlCharacter { field: "who" }));
    assert_eq!(truncated("aéé".to_owned(), 4), "aé");
}

#[test]
fn five_minutes_ahead_is_not_too_far() {
    assert!(!is_ahead(172_800_000, 0) && is_ahead(172_800_001, 0) && is_ahead(u64::MAX, 0) && !is_ahead(0, u64::MAX));
}
