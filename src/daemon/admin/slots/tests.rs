#![allow(clippy::unwrap_used)]
use std::time::Duration;

use super::*;

/// Connections, the first of them idle longest.
fn held(clients: impl IntoIterator<Item = (Client, bool)>) -> Vec<Held> {
    let start = Instant::now();
    let at = |n: usize| start + Duration::from_millis(n as u64);
    clients
        .into_iter()
        .enumerate()
        .map(|(n, (client, busy))| Held { id: n as u64, client, busy, since: at(n) })
        .collect()
}

fn host(n: u8) -> Client {
    Client::host(IpAddr::from([192, 0, 2, n]))
}

#[test]
fn a_client_with_all_its_places_loses_its_own_longest_idle_and_nobody_elses() {
    let mut all = vec![(host(1), false)];
    all.extend(std::iter::repeat_n((host(2), false), MOST_OF_A_HOST));
    assert_eq!(judge(&held(all.clone()), host(2)), Verdict::InsteadOf(1));
    assert_eq!(judge(&held(all), host(3)), Verdict::Admit);
    let working = held(std::iter::repeat_n((host(2), true), MOST_OF_A_HOST));
    assert_eq!(judge(&working, host(2)), Verdict::Refuse);
}

#[test]
fn when_all_places_are_taken_the_longest_idle_goes_and_what_is_answered_stays() {
    let many = |busy: bool| (0..MOST).map(move |n| (host((n / 8) as u8), busy || n == 0));
    assert_eq!(judge(&held(many(false)), host(99)), Verdict::InsteadOf(1), "the first is being answered");
    assert_eq!(judge(&held(many(true)), host(99)), Verdict::Refuse);
}

#[test]
fn the_operator_gets_a_place_whatever_others_hold_and_loses_none_to_them() {
    let (mallory, eve, bob) = (Client::User(1001), Client::User(1002), Client::User(1003));
    let mut busy: Vec<_> = std::iter::repeat_n((mallory, true), MOST_OF_A_USER).collect();
    busy.extend(std::iter::repeat_n((eve, true), MOST_OF_A_USER));
    busy.extend(std::iter::repeat_n((bob, true), MOST - RESERVED_FOR_OPERATORS - busy.len()));
    assert_eq!(judge(&held(busy.clone()), bob), Verdict::Refuse);
    for _ in 0..RESERVED_FOR_OPERATORS {
        assert_eq!(judge(&held(busy.clone()), Client::Operator), Verdict::Admit);
        busy.push((Client::Operator, false));
    }
    assert_eq!(judge(&held(busy.clone()), bob), Verdict::Refuse, "an idle operator keeps its place");
    busy[3].1 = false;
    assert_eq!(judge(&held(busy), Client::Operator), Verdict::InsteadOf(3));
}

#[test]
fn one_host_of_ipv6_is_its_whole_64() {
    let client = |text: &str| Client::host(text.parse().unwrap());
    assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:2"));
    assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
    assert_eq!(client("::ffff:192.0.2.1"), host(1));
}

#[tokio::test]
async fn a_place_that_was_given_away_is_told_of_and_one_that_is_left_is_free() {
    let slots = Rc::new(Slots::default());
    let mut kept = Vec::new();
    for _ in 0..MOST_OF_A_HOST {
        kept.push(slots.take(host(1)).unwrap());
    }
    let another = slots.take(host(1)).unwrap();
    let (first, evicted) = kept.remove(0);
    evicted.wait().await;
    drop(first);
    assert_eq!(slots.taken.borrow().len(), MOST_OF_A_HOST);
    drop(another);
    drop(kept);
    assert!(slots.taken.borrow().is_empty());
}
