//! What is found, and what makes room.
#![allow(clippy::unwrap_used)]

use super::*;

fn line(id: &str, path: &str) -> Vec<u8> {
    format!("{{\"time\":\"t\",\"path\":\"{path}\",\"request_id\":\"{id}\"}}\n").into_bytes()
}

#[test]
fn a_request_is_found_by_its_whole_id_and_by_nothing_else() {
    let mut kept = Kept::default();
    kept.add(&[line("0a0b", "/one"), line("0a0c", "/two")].concat(), true);
    kept.add(&line("0a0d", "/three"), false);
    let path = |id: &str| {
        let found = kept.find(id).lines;
        found.first().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["path"].clone())
    };
    assert_eq!(path("0a0b").unwrap(), "/one");
    assert_eq!(path("0a0c").unwrap(), "/two");
    assert_eq!(path("0a0d").unwrap(), "/three", "it was refused");
    assert_eq!((path("0a0"), path("a0b"), path("")), (None, None, None));
}

#[test]
fn the_oldest_failures_make_room_and_that_is_told() {
    let mut kept = Kept::default();
    assert_eq!(kept.find("x"), Found::default());
    let filler = line("x", &"a".repeat(1000));
    let halves = FAILED / filler.len();
    (0..3 * halves).for_each(|number| kept.add(&line(&format!("{number:x}"), &"a".repeat(1000)), true));
    let found = kept.find("0");
    assert!(found.lines.is_empty() && found.is_full);
    let last = format!("{:x}", 3 * halves - 1);
    assert_eq!(kept.find(&last).lines.len(), 1);
    assert!(kept.failed.newer.len() <= FAILED && kept.failed.older.len() <= FAILED);
    assert_ne!(found.oldest, None);
}

#[test]
fn whoever_is_refused_all_the_time_washes_no_failure_away() {
    let mut kept = Kept::default();
    kept.add(&line("failed", "/"), true);
    (0..3 * REFUSED / 50).for_each(|_| kept.add(&line("refused", "/"), false));
    assert_eq!(kept.find("failed").lines.len(), 1);
    assert_eq!(kept.find("refused").lines.len(), MOST_FOUND, "a client may give many requests one id");
}
