//! Ids that are made, and those that are taken.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use super::*;

#[test]
fn made_ids_are_sixteen_hexadecimal_digits_and_all_differ() {
    let ids: HashSet<String> = (0..10_000).map(|_| RequestId::new().to_string()).collect();
    assert_eq!(ids.len(), 10_000);
    let is_hexadecimal =
        |id: &String| id.len() == 16 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    assert!(ids.iter().all(is_hexadecimal), "{:?}", ids.iter().next());
    // Every digit takes every value, and so every bit.
    for place in 0..16 {
        let digits: HashSet<u8> = ids.iter().map(|id| id.as_bytes()[place]).collect();
        assert_eq!(digits.len(), 16, "digit {place}");
    }
}

#[test]
fn what_a_proxy_before_ours_says_is_taken_if_it_can_mean_nothing_else() {
    for taken in
        ["a", "7bd6a4a0-0f7f-4a2f-8b0e-1c2d3e4f5a6b", "Root=1-67891233-abcdef012345678912345678", &"x".repeat(64)]
    {
        assert_eq!(RequestId::given(taken.as_bytes()).unwrap().to_string(), taken);
    }
    for refused in ["", "a b", "a\"b", "<b>", "a\r\nX: y", "a,b", "a;b", "\u{e9}", "a&b", "a'b", &"x".repeat(65)] {
        assert_eq!(RequestId::given(refused.as_bytes()), None, "{refused:?}");
    }
}
