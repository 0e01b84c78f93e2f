#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::health::Verdict;
use crate::proxy::latch::{Latch, Now};

const SUBJECT: &str = "shop/192.0.2.2:8080";

fn seat(epoch: u64, verdict: Option<Verdict>) -> Vec<u8> {
    let verdicts = verdict.map(|verdict| (SUBJECT.to_owned(), verdict)).into_iter().collect();
    let stands_at = BTreeMap::from([("shop".to_owned(), epoch)]);
    json!(Seat { lease: 1, stands_at, verdicts }).to_string().into_bytes()
}

fn view(seats: &[(&str, Vec<u8>)]) -> View {
    let entry = |(written, (proxy, value)): (i64, &(&str, Vec<u8>))| Entry {
        key: Key::Seat((*proxy).to_owned()),
        value: Some(value.clone()),
        written,
    };
    View::new(9, (1..).zip(seats).map(entry))
}

fn condemned(verdicts: &[Option<Verdict>]) -> bool {
    let names = ["px1", "px2", "px3", "px4"];
    let seats: Vec<_> = names.into_iter().zip(verdicts.iter().map(|verdict| seat(0, *verdict))).collect();
    view(&seats).votes("shop", SUBJECT).condemn()
}

#[test]
fn a_backend_is_condemned_by_most_of_those_who_hold_a_seat_and_by_none_who_finds_it_up() {
    let (up, down) = (Some(Verdict::Up), Some(Verdict::Down));
    assert!(condemned(&[down]));
    assert!(condemned(&[down, down, None]));
    assert!(!condemned(&[down, None]), "half are not most");
    assert!(!condemned(&[down, down, down, up]), "one finds it up");
    assert!(!condemned(&[down, down, None, None]));
    assert!(!condemned(&[None, None]));
    assert!(!condemned(&[]));
}

#[test]
fn a_seat_that_cannot_be_read_has_a_voice_that_nobody_knows_and_may_stand_anywhere() {
    let view = view(&[("px1", seat(3, Some(Verdict::Down))), ("px2", b"{".to_vec())]);
    assert!(!view.votes("shop", SUBJECT).condemn());
    assert_eq!(view.behind("px1", "shop", 3).collect::<Vec<_>>(), ["px2"]);
    assert_eq!(view.unreadable().count(), 1);
}

#[test]
fn a_seat_without_a_service_has_no_voice_in_it_and_is_waited_for_by_nobody() {
    let other = json!({ "lease": 1, "stands_at": { "wiki": 0 } }).to_string().into_bytes();
    let view = view(&[("px1", seat(3, Some(Verdict::Down))), ("px2", other)]);
    assert!(view.votes("shop", SUBJECT).condemn());
    assert_eq!(view.behind("px1", "shop", 3).count(), 0);
}

#[test]
fn keys_are_read_as_they_are_written_and_no_others() {
    for key in [Key::Latch("shop".into()), Key::Seat("px-1".into())] {
        assert_eq!(Key::read(&key.to_string()), Some(key));
    }
    for text in ["/polder/1/nodes/px-1", "/polder/2/seats/px-1", "seats/px-1", ""] {
        assert_eq!(Key::read(text), None, "{text}");
    }
}

#[test]
fn a_lease_is_given_up_a_tenth_before_its_end_and_counts_from_when_it_was_asked_for() {
    let (mut lease, seconds) = (Lease::default(), Duration::from_secs);
    assert!(lease.renew(7, seconds(10), seconds(10), seconds(12)));
    assert_eq!((lease.id(seconds(19)), lease.id(Duration::from_millis(19_001))), (Some(7), None));
    assert!(lease.renew(7, seconds(20), seconds(10), seconds(20)), "it lives again: the store has kept it");
    assert!(!lease.renew(7, seconds(21), seconds(10), seconds(21)), "nothing follows from that");
    lease.end();
    assert_eq!(lease.id(seconds(21)), None);
}

#[test]
fn whoever_holds_no_lease_stands_nowhere() {
    let now = Now::default();
    let agreement = Agreement::new("px1", Duration::from_secs(5), Duration::ZERO, now);
    assert_eq!(agreement.standing("shop", &Latch::first("web2"), now), Standing::Lapsed);
    assert!(!agreement.can_step(now) && agreement.lost().is_some());
}
