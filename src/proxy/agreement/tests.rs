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

/// One store at a revision.
fn at(revision: i64) -> Mark {
    Mark { cluster: 1, term: 4, revision }
}

fn view(seats: &[(&str, Vec<u8>)]) -> View {
    let entry = |(written, (proxy, value)): (i64, &(&str, Vec<u8>))| Entry {
        key: Key::Seat((*proxy).to_owned()),
        value: Some(value.clone()),
        written,
    };
    View::new(at(9), (1..).zip(seats).map(entry))
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

fn latches(services: usize) -> View {
    let value = json!(Latch::first("web2")).to_string().into_bytes();
    let entry = |written: usize| Entry {
        key: Key::Latch(format!("s{written}")),
        value: Some(value.clone()),
        written: written as i64,
    };
    let down = |proxy: &str| Entry {
        key: Key::Seat(proxy.to_owned()),
        value: Some(
            json!(Seat { lease: 1, stands_at: at_first(services), verdicts: found_down() }).to_string().into_bytes(),
        ),
        written: 500,
    };
    View::new(at(600), (1..=services).map(entry).chain(["px1", "px2", "px3"].map(down)))
}

fn at_first(services: usize) -> BTreeMap<String, u64> {
    (1..=services).map(|service| (format!("s{service}"), 0)).collect()
}

fn found_down() -> BTreeMap<String, Verdict> {
    BTreeMap::from([(SUBJECT.to_owned(), Verdict::Down)])
}

#[test]
fn latches_that_move_at_once_are_written_by_as_few_transactions_as_etcd_takes_and_an_operators_by_its_own() {
    let (view, now) = (latches(200), Now::default());
    let mut agreement = Agreement::new("px1", Duration::from_secs(5), Duration::ZERO, now);
    agreement.take_in(Event::Leased { id: 1, asked: Duration::ZERO, lasts: Duration::from_secs(5) }, now);
    agreement.take_in(Event::Known(view), now);
    let next = Latch { epoch: 1, ..Latch::first("web3") };
    for service in 1..=199 {
        agreement.stand_at(&format!("s{service}"), 0, now);
        agreement.want(&format!("s{service}"), Step { next: next.clone(), condemned: Some(SUBJECT.into()) });
    }
    agreement.stand_at("s200", 0, now);
    agreement.want("s200", Step { next: Latch { by_operator: true, ..next }, condemned: None });
    let asked = agreement.settle(std::iter::empty(), found_down(), now);
    let transactions: Vec<Transaction> = asked
        .into_iter()
        .map(|effect| match effect {
            Effect::Transact { transaction, .. } => transaction,
            Effect::AwaitWorkers(_) => panic!("{effect:?}"),
        })
        .collect();
    let sizes: Vec<_> = transactions.iter().map(|asked| (asked.conditions.len(), asked.writes.len())).collect();
    assert_eq!(sizes, [(128, 124), (79, 75), (1, 1)]);
    let seats = ["px1", "px2", "px3"].map(|proxy| Condition::Exists(Key::Seat(proxy.into())));
    for Transaction { conditions, writes, .. } in &transactions[..2] {
        for (key, _) in writes {
            let Key::Latch(service) = key else { panic!("{key:?}") };
            let written = service[1..].parse().unwrap();
            assert!(conditions.contains(&Condition::WrittenAt(key.clone(), written)), "{key:?}");
        }
        let votes = &conditions[writes.len()..];
        assert_eq!(votes, [&[Condition::NoneAfter(key::Kind::Seats, 600)], &seats[..]].concat());
    }
    assert_eq!(transactions[2].writes[0].0, Key::Latch("s200".into()));
    assert_eq!(agreement.settle(std::iter::empty(), found_down(), now), [], "all are under way");
}

#[test]
fn a_latch_that_is_to_be_restored_and_to_be_left_is_written_once() {
    let now = Now::default();
    let mut agreement = Agreement::new("px1", Duration::from_secs(5), Duration::ZERO, now);
    agreement.take_in(Event::Leased { id: 1, asked: Duration::ZERO, lasts: Duration::from_secs(5) }, now);
    agreement.take_in(Event::Known(latches(1)), now);
    agreement.stand_at("s1", 0, now);
    let ours = Latch { epoch: 1, ..Latch::first("web3") };
    agreement.want("s1", Step { next: ours.clone(), condemned: Some(SUBJECT.into()) });
    let asked = agreement.settle([("s1", &ours)].into_iter(), found_down(), now);
    let keys = |effect: &Effect| match effect {
        Effect::Transact { transaction, .. } => transaction.writes.len(),
        Effect::AwaitWorkers(_) => 0,
    };
    assert_eq!(asked.iter().map(keys).collect::<Vec<_>>(), [1], "etcd refuses a transaction that names a key twice");
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

#[test]
fn a_lease_that_the_store_ends_early_is_waited_for_until_it_would_have_lapsed() {
    let at = |ms| Now { running: Duration::from_millis(ms), ..Now::default() };
    let mut agreement = Agreement::new("px1", Duration::from_secs(5), Duration::ZERO, at(0));
    agreement.take_in(Event::Leased { id: 1, asked: Duration::ZERO, lasts: Duration::from_secs(5) }, at(0));
    let standing = |agreement: &Agreement, ms| agreement.standing("shop", &Latch::first("web2"), at(ms));
    agreement.take_in(Event::LeaseEnded, at(1000));
    agreement.take_in(Event::LeaseEnded, at(1001));
    assert_eq!(standing(&agreement, 1001), Standing::Begins);
    let wakes = agreement.wakes(at(1001)).map(|wakes| wakes.as_millis() as u64);
    assert_eq!(wakes, Some(4501));
    assert_eq!((standing(&agreement, 4500), standing(&agreement, 4501)), (Standing::Begins, Standing::Lapsed));
    assert!(!agreement.can_step(at(1001)));

    // When the next one lapses, which is a short one here, nothing is left to be waited for.
    agreement.take_in(Event::Leased { id: 2, asked: Duration::from_secs(1), lasts: Duration::from_secs(2) }, at(1002));
    assert_eq!((standing(&agreement, 2800), standing(&agreement, 2801)), (Standing::Begins, Standing::Lapsed));
}

#[test]
fn a_latch_of_an_epoch_that_no_moves_can_lead_to_counts_as_one_that_cannot_be_read() {
    let latch = |epoch: u64| serde_json::json!({ "epoch": epoch, "by": "px1", "at": 0, "active": "web2", "spent": [], "reason": "x" });
    let view = |epoch| {
        let entry =
            Entry { key: Key::Latch("shop".into()), value: Some(latch(epoch).to_string().into_bytes()), written: 1 };
        View::new(at(1), [entry])
    };
    assert_eq!(view(7).latch("shop").map(|(latch, _)| latch.epoch), Some(7));
    let beyond = view(u64::MAX);
    assert!(beyond.latch("shop").is_none() && beyond.has_latch("shop"));
    let why: Vec<&String> = beyond.unreadable().map(|(_, why)| why).collect();
    assert_eq!(why, ["no service has moved 18446744073709551615 times"]);
}

#[test]
fn whoever_takes_over_waits_where_the_process_before_it_was_waiting() {
    let seconds = |number| Now { running: Duration::from_secs(number), ..Now::default() };
    let new = || Agreement::new("px1", Duration::from_secs(5), Duration::ZERO, seconds(1));
    assert!(!new().waits(seconds(1)), "a successor of one that serves");
    let mut starts = new().starting();
    assert!(starts.waits(seconds(1)), "it has not read the store yet");
    starts.take_in(Event::Known(latches(1)), seconds(2));
    assert!(starts.waits(seconds(6)) && starts.has_just_started());
    assert!(!starts.waits(seconds(7)), "leases that it did not know of have run out");

    // The store goes back before its eyes.
    let mut sees = new();
    sees.take_in(Event::Known(View::new(at(90), [])), seconds(2));
    assert!(!sees.waits(seconds(2)));
    sees.take_in(Event::Known(View::new(at(9), [])), seconds(20));
    assert!(sees.waits(seconds(21)) && !sees.has_just_started());
}

#[test]
fn a_store_that_was_made_anew_is_waited_for_though_it_has_come_as_far_as_the_one_before() {
    let seconds = |number| Now { running: Duration::from_secs(number), ..Now::default() };
    let waits_after = |before: Mark, after: Mark| {
        let mut sees = Agreement::new("px1", Duration::from_secs(5), Duration::ZERO, seconds(1));
        sees.take_in(Event::Known(View::new(before, [])), seconds(2));
        sees.take_in(Event::Known(View::new(after, [])), seconds(20));
        let mut takes_over = Agreement::new("px1", Duration::from_secs(5), Duration::ZERO, seconds(1));
        takes_over = takes_over.succeeding(Some(before));
        assert!(!takes_over.waits(seconds(1)), "the one before it did not");
        takes_over.take_in(Event::Known(View::new(after, [])), seconds(20));
        assert_eq!(sees.waits(seconds(21)), takes_over.waits(seconds(21)), "{before:?}, {after:?}");
        sees.waits(seconds(21))
    };
    assert!(!waits_after(at(90), at(90)) && !waits_after(at(90), Mark { term: 5, ..at(91) }), "it goes on");
    assert!(waits_after(at(90), at(89)), "it has gone back");
    assert!(waits_after(at(90), Mark { cluster: 2, ..at(95) }), "it was restored, and has been written to since");
    assert!(waits_after(at(90), Mark { term: 2, ..at(95) }), "it was restored as the cluster that it had been");
}
