//! A full hour comes: pools flip before it, in it and while it is being signed, and nothing of it is late.

use super::signing::{HOUR, key, ordered, ordered_ahead, perform, perform_ahead, signed_by, start};
use super::*;
use crate::dns::control::SigningOrder;
use crate::dns::signing::hour_of;
use crate::dnssec::{Role, Times, ZoneKey};
use crate::zone::name;
use crate::zone::number::rtype;

/// In seconds since the epoch, so many hours after the first one.
fn unix(hour: u64) -> u64 {
    start(hour * HOUR).unix_ms / 1000
}

/// A nameserver that answers, with both members up; all that pools can have is signed.
fn answering(keys: &[Arc<ZoneKey>]) -> State {
    let document = signed_by(keys.to_vec(), unix(0));
    let mut state = State::new(document.clone(), Saved::default());
    state.on_event(Event::Health(health(&document, |_| Verdict::Up)), start(0));
    let order = ordered_ahead(state.on_event(Event::Ready, start(0))).unwrap();
    state.on_event(perform_ahead(order), start(0));
    state
}

/// Only these members are up: the others leave the answer with the next event, when those are known to be up.
fn flip(state: &mut State, up: &[&str], ms: u64) {
    let document = Arc::clone(&state.document);
    let verdict = |member: &str| if up.contains(&member) { Verdict::Up } else { Verdict::Down };
    let effects = state.on_event(Event::Health(health(&document, verdict)), start(ms));
    assert!(ordered_ahead(effects).is_none(), "all that can be answered is signed");
    state.on_event(Event::Time, start(ms));
    assert_eq!(answers(state).len(), up.len());
}

/// What proves the pool's A and its types.
fn proof(state: &State) -> [Vec<u8>; 2] {
    let zone = state.snapshot.zones.get(&name::from_text("example.net").unwrap()).unwrap();
    let (id, pool) = zone.pool_names().next().unwrap();
    let answer = state.snapshot.pool(id);
    [answer.set(pool, None, rtype::A), answer.denial(pool, None)].map(|set| set.unwrap().signatures.to_vec())
}

/// How many sets are late in so many hours in each of which the pool flips before, while and after it is signed; what is ordered is done by `perform`.
fn late_in(hours: u64, keys: &[Arc<ZoneKey>], perform: impl Fn(SigningOrder) -> Event) -> u64 {
    let mut state = answering(keys);
    let at_first = state.signed_pools.waited_for();
    for hour in 1..=hours {
        let begins = hour * HOUR;
        flip(&mut state, &["a"], begins - 60_000);
        let order = ordered(state.on_event(Event::Time, start(begins))).unwrap();
        flip(&mut state, &["b"], begins + 10_000);
        assert_eq!(state.signed_for(), unix(hour - 1), "as in the hour before, until this one is signed");
        let effects = state.on_event(perform(order), start(begins + 20_000));
        assert_eq!((state.signed_for(), published(&effects)), (unix(hour), 1));
        if let Some(order) = ordered_ahead(effects) {
            flip_before(&mut state, order, begins + 30_000);
        }
        flip(&mut state, &["a", "b"], begins + 40_000);
    }
    state.signed_pools.waited_for() - at_first
}

/// The pool flips before that has been signed ahead which was not signed with the hour.
fn flip_before(state: &mut State, order: AheadOrder, ms: u64) {
    flip(state, &["a"], ms);
    state.on_event(perform_ahead(order), start(ms));
}

/// The same order without its pools.
fn zones_alone(order: SigningOrder) -> Event {
    perform(SigningOrder { pools: None, ..order })
}

#[test]
fn nothing_is_late_in_any_hour_for_what_pools_may_come_to_is_signed_with_the_zones() {
    let keys = [key(Role::Ksk, Times::default())];
    assert_eq!(late_in(20 * 24, &keys, perform), 0);
    assert!(late_in(20 * 24, &keys, zones_alone) > 0, "what is to be renewed by the clock would be");
}

#[test]
fn nothing_is_late_in_the_hour_from_which_on_another_key_signs() {
    let ends = Times { publish: Some(0), activate: Some(0), inactive: Some(unix(5)), ..Times::default() };
    let begins = Times { publish: Some(0), activate: Some(unix(5)), ..Times::default() };
    let keys = [key(Role::Ksk, Times::default()), key(Role::Zsk, ends), key(Role::Zsk, begins)];
    assert_eq!(late_in(8, &keys, perform), 0);
    assert!(late_in(8, &keys, zones_alone) >= 3, "the A of both answers would be, and the NSEC");
}

#[test]
fn nameservers_that_are_in_the_same_hour_answer_alike_whatever_has_flipped_and_when() {
    let keys = [key(Role::Ksk, Times::default())];
    let [mut one, mut other] = [answering(&keys), answering(&keys)];
    let (mut before, mut changes) = (proof(&one), 0);
    for hour in 1..=20 * 24 {
        let begins = hour * HOUR;
        let order = ordered(one.on_event(Event::Time, start(begins))).unwrap();
        // Of one of them flips while it is being signed, of the other one after it was, and later in the hour.
        flip(&mut one, &["a"], begins + 1_000);
        flip(&mut one, &["a", "b"], begins + 2_000);
        one.on_event(perform(order), start(begins + 3_000));
        assert_eq!(proof(&other), before, "it does not know of the hour yet");
        let order = ordered(other.on_event(Event::Time, start(begins + 4_000))).unwrap();
        other.on_event(perform(order), start(begins + 5_000));
        assert_eq!(proof(&other), proof(&one));
        flip(&mut other, &["b"], begins + 6_000);
        flip(&mut other, &["a", "b"], begins + 7_000);
        assert_eq!(proof(&other), proof(&one));
        changes += usize::from(proof(&one) != before);
        before = proof(&one);
    }
    assert!(changes > 2, "{changes}");
}

#[test]
fn what_was_made_ahead_for_the_hour_before_is_not_taken_for_this_one() {
    let keys = [key(Role::Ksk, Times::default())];
    let document = signed_by(keys.to_vec(), unix(0));
    let mut state = State::new(document.clone(), Saved::default());
    state.on_event(Event::Health(health(&document, |_| Verdict::Up)), start(0));
    let slow = ordered_ahead(state.on_event(Event::Ready, start(0))).unwrap();
    assert_eq!(slow.hour, hour_of(unix(0)));
    let order = ordered(state.on_event(Event::Time, start(500 * HOUR))).unwrap();
    state.on_event(perform(order), start(500 * HOUR));
    let late = state.signed_pools.waited_for();
    state.on_event(perform_ahead(slow), start(500 * HOUR + 1_000));
    flip(&mut state, &["a"], 500 * HOUR + 2_000);
    flip(&mut state, &["b"], 500 * HOUR + 3_000);
    assert_eq!(state.signed_pools.waited_for(), late);
}
