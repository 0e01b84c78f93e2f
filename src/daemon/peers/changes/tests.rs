#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;

/// A state with latches of so many services.
fn latches(count: usize) -> Value {
    let latch = |at: usize| {
        json!({ "epoch": at, "by": "px1", "at": 1_800_000_000_000_u64, "active": "web1", "spent": ["web2"],
                "reason": "web2 is down (connection refused)", "addresses": { "web1": "192.0.2.1:8080" } })
    };
    let latches: Map<String, Value> = (0..count).map(|at| (format!("service-{at:05}"), latch(at))).collect();
    json!({ "version": 1, "latches": latches, "operator": {} })
}

/// Over the wire, as JSON; gives the bytes.
fn send(outbox: &Outbox, inbox: &mut Inbox) -> usize {
    let piece = serde_json::to_string(&outbox.piece(inbox.position())).unwrap();
    inbox.take(serde_json::from_str(&piece).unwrap()).unwrap();
    piece.len()
}

/// Without sections that have become empty: they stay where they have been told.
fn filled(state: &Value) -> Value {
    let filled = |value: &&Value| value.as_object().is_none_or(|section| !section.is_empty());
    let object = state.as_object().unwrap().iter();
    Value::Object(
        object.filter(|(_, value)| filled(value)).map(|(name, value)| (name.clone(), value.clone())).collect(),
    )
}

#[test]
fn whatever_changes_and_is_lost_repeated_or_late_both_sides_end_with_the_same_state() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..200 {
        let mut state = json!({ "version": 1, "latches": {}, "undecided": {} });
        let (mut outbox, mut inbox) = (Outbox::new(&state), Inbox::default());
        let mut under_way: Vec<Piece> = Vec::new();
        for _ in 0..60 {
            let section = ["latches", "undecided", "operator"][random.usize(..3)];
            let key = random.u8(..5).to_string();
            match random.u8(..8) {
                0 | 1 => state[section][key] = json!(random.u8(..3)),
                2 => state[section][key] = Value::Null,
                3 => drop(state[section].as_object_mut().map(|entries| entries.remove(&key))),
                // Another process comes in its place.
                4 if random.u8(..8) == 0 => outbox = Outbox::new(&state),
                5 => inbox.take(outbox.piece(inbox.position())).unwrap(),
                6 => under_way.push(outbox.piece(inbox.position())),
                _ if under_way.is_empty() => {}
                _ => inbox.take(under_way[random.usize(..under_way.len())].clone()).unwrap(),
            }
            outbox.set(&state);
        }
        // What a process that has ended said may still have come last: then one more round shows it.
        for _ in 0..2 {
            inbox.take(outbox.piece(inbox.position())).unwrap();
        }
        let (read, _) = inbox.news().unwrap();
        assert_eq!(filled(&read), filled(&state), "seed {seed}");
        assert_eq!(outbox.whole(), state, "seed {seed}");
    }
}

#[test]
fn six_thousand_latches_come_in_bounded_pieces_and_a_failover_among_them_in_one_small_one() {
    let mut state = latches(6_000);
    let (mut outbox, mut inbox) = (Outbox::new(&state), Inbox::default());
    let mut pieces = Vec::new();
    while inbox.news().is_none() {
        pieces.push(send(&outbox, &mut inbox));
    }
    assert!(pieces.len() > 1 && pieces.iter().all(|bytes| *bytes < 2 * MAX_PIECE), "{pieces:?}");
    assert!(inbox.position().unwrap().reaches(outbox.position()));
    let nothing = send(&outbox, &mut inbox);
    assert!(nothing < 200 && !inbox.news().unwrap().1, "{nothing} bytes where nothing has changed");
    state["latches"]["service-03000"]["active"] = json!("web2");
    outbox.set(&state);
    let failover = send(&outbox, &mut inbox);
    let (read, is_news) = inbox.news().unwrap();
    assert!(failover < 600 && is_news, "{failover} bytes of one failover");
    assert_eq!(*read, state);
}

#[test]
fn a_state_that_is_not_whole_is_not_told_and_an_entry_larger_than_a_piece_comes_alone() {
    let long = "y".repeat(2 * MAX_PIECE);
    let outbox = Outbox::new(&json!({ "s": { "a": long, "b": long, "c": 1 } }));
    let mut inbox = Inbox::default();
    for whole in [false, false, false, true] {
        send(&outbox, &mut inbox);
        assert_eq!(inbox.is_whole(), whole);
        assert_eq!(inbox.news().is_some(), whole);
    }
}

#[test]
fn a_peer_cannot_make_us_keep_more_than_the_bound_whatever_it_sends() {
    let mut inbox = Inbox::default();
    let (entry, mut change) = ("y".repeat(MAX_STATE / 10), 0);
    let mut piece = |section: &str, key: &str, value: Value| {
        change += 1;
        let set = [(section.to_owned(), [(key.to_owned(), value)].into())].into();
        Piece { process: 1, since: change - 1, upto: change, more: false, set, removed: BTreeMap::new() }
    };
    // Scalars that are called as sections, and the other way round, neither count nor are counted wrongly.
    for (section, key, value) in [
        ("s", "a", json!(1)),
        ("", "s", json!({ "a": 1 })),
        ("", "s", json!({})),
        ("s", "a", json!(1)),
        ("", "s", json!({})),
        ("", "s", json!(1)),
        ("", "t", json!(1)),
        ("t", "a", json!(1)),
    ] {
        inbox.take(piece(section, key, value)).unwrap();
    }
    let mut gone = piece("", "gone", json!(1));
    gone.removed = [(String::new(), vec!["s".to_owned(), "never".to_owned()])].into();
    inbox.take(gone).unwrap();
    assert_eq!(*inbox.news().unwrap().0, json!({ "s": { "a": 1 }, "t": 1, "gone": 1 }));
    let taken = (0..20).take_while(|at| inbox.take(piece("s", &at.to_string(), json!(entry))).is_ok()).count();
    assert_eq!((taken, inbox.news().is_none(), inbox.position()), (9, true, None));
}

#[test]
fn removed_entries_are_forgotten_before_they_outnumber_the_others_by_far() {
    let mut outbox = Outbox::new(&json!({}));
    let mut inbox = Inbox::default();
    for at in 0..3 * MOST_REMOVED {
        outbox.set(&json!({ "seen": { at.to_string(): 1 } }));
        send(&outbox, &mut inbox);
    }
    assert!(outbox.entries.len() <= MOST_REMOVED + 2, "{}", outbox.entries.len());
    send(&outbox, &mut inbox);
    assert_eq!(*inbox.news().unwrap().0, outbox.whole());
}
