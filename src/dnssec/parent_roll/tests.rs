use super::*;
use crate::dnssec::make::make;

const NOW: u64 = 1_796_054_400;
const DAY: u64 = 24 * HOUR;
const PACE: Pace = Pace { ttl: 3600, propagation: DAY, lifetime: 14 * DAY };

fn key(role: Role, algorithm: Algorithm, times: Times, others: &[Arc<ZoneKey>]) -> Arc<ZoneKey> {
    let taken: Vec<u16> = others.iter().map(|key| key.tag()).collect();
    Arc::new(make(b"\x07example\x03com\x00", role, algorithm, times, &taken).unwrap().into_key())
}

fn signing() -> Times {
    let since = Some(NOW - 90 * DAY);
    Times { created: since, publish: since, activate: since, ..Times::default() }
}

/// The keys of a zone: two, or one for all.
fn zone(is_split: bool) -> Vec<Arc<ZoneKey>> {
    let mut keys = vec![key(Role::Ksk, Algorithm::EcdsaP256, signing(), &[])];
    if is_split {
        keys.push(key(Role::Zsk, Algorithm::EcdsaP256, signing(), &keys));
    }
    keys
}

fn made(keys: &mut Vec<Arc<ZoneKey>>, begin: &Begin) {
    for (role, algorithm, times) in &begin.make {
        keys.push(key(*role, *algorithm, *times, keys));
    }
}

#[test]
fn a_new_key_for_the_parent_signs_beside_the_old_one_at_once_and_the_old_one_ends_when_the_old_ds_has_run_out() {
    for is_split in [true, false] {
        let mut keys = zone(is_split);
        let roll = begin(&keys, NOW, None, PACE).unwrap();
        assert_eq!((roll.old.tag(), roll.old_times, roll.published), (keys[0].tag(), None, NOW));
        let [(Role::Ksk, Algorithm::EcdsaP256, times)] = roll.make[..] else { panic!("{roll:?}") };
        assert!(times.is_published(NOW) && times.is_active(NOW) && times.inactive.is_none());
        made(&mut keys, &roll);
        let again = begin(&keys, NOW + 60, None, PACE).unwrap_err();
        let under_way = under_way(&keys, NOW + 60).unwrap().unwrap();
        assert_eq!(again, NoParentRoll::UnderWay { old: keys[0].tag(), new: keys.last().unwrap().tag() });
        let ended = finish(&keys, &under_way, NOW + 10 * DAY, 2 * DAY, PACE);
        let [(old, times)] = &ended[..] else { panic!("{ended:?}") };
        let at = NOW + 12 * DAY + HOUR;
        assert_eq!(old.tag(), keys[0].tag());
        assert_eq!(*times, Times { inactive: Some(at), delete: Some(at + PACE.lifetime), ..signing() });
    }
}

#[test]
fn a_roll_that_ends_is_not_followed_by_another_before_the_old_key_has_ended() {
    let mut keys = zone(true);
    let roll = begin(&keys, NOW, None, PACE).unwrap();
    made(&mut keys, &roll);
    let under_way = under_way(&keys, NOW).unwrap().unwrap();
    let (_, times) = finish(&keys, &under_way, NOW, DAY, PACE).remove(0);
    keys[0] = key(Role::Ksk, Algorithm::EcdsaP256, times, &keys);
    let leaving = begin(&keys, NOW + 60, None, PACE).unwrap_err();
    assert_eq!(leaving, NoParentRoll::Leaving(keys[0].tag(), times.inactive.unwrap()));
    assert!(
        leaving.to_string().ends_with("is on its way out until 2026-12-01 17:00:00Z: one roll at a time"),
        "{leaving}"
    );
    assert!(super::under_way(&keys, NOW).unwrap().is_none());
    assert_eq!(begin(&keys, NOW + 40 * DAY, None, PACE).unwrap().old.tag(), under_way.new.tag());
}

#[test]
fn a_key_that_was_to_end_or_has_ended_without_a_successor_stays_until_it_has_one() {
    for end in [NOW + DAY, NOW - DAY] {
        let times = Times { inactive: Some(end), delete: Some(end + DAY), ..signing() };
        let keys = vec![key(Role::Ksk, Algorithm::EcdsaP256, times, &[])];
        let roll = begin(&keys, NOW, None, PACE).unwrap();
        assert_eq!(roll.old_times, Some(signing()));
    }
}

#[test]
fn a_key_that_signs_only_since_there_is_no_other_goes_on_beside_the_new_one_from_yesterday_on() {
    let month = Some(NOW + 30 * DAY);
    for times in [
        Times { created: Some(NOW), ..Times::default() },
        Times { publish: Some(NOW), activate: month, ..Times::default() },
        Times { publish: month, activate: month, ..Times::default() },
    ] {
        for to in [None, Some(Algorithm::Ed25519)] {
            let mut keys = vec![key(Role::Ksk, Algorithm::EcdsaP256, times, &[])];
            let roll = begin(&keys, NOW, to, PACE).unwrap();
            let since = Some(NOW - DAY);
            assert_eq!(roll.old_times, Some(Times { publish: since, activate: since, ..times }), "{times:?}");
            keys[0] = key(Role::Ksk, Algorithm::EcdsaP256, roll.old_times.unwrap(), &[]);
            made(&mut keys, &roll);
            assert!(super::signing(&keys, NOW).iter().any(|key| key.tag() == keys[0].tag()), "{times:?}, {to:?}");
            assert_eq!(under_way(&keys, NOW + 60).unwrap().unwrap().old.tag(), keys[0].tag());
        }
    }
}

#[test]
fn a_key_for_the_parent_that_is_yet_to_sign_signs_the_keys_beside_one_that_signs_the_zone() {
    let coming = Times { activate: Some(NOW + 30 * DAY), ..signing() };
    let ksk = key(Role::Ksk, Algorithm::EcdsaP256, coming, &[]);
    let zsk = key(Role::Zsk, Algorithm::EcdsaP256, signing(), &[Arc::clone(&ksk)]);
    let keys = [&*ksk, &*zsk];
    let acting = Acting::at(&keys, NOW);
    assert_eq!(acting.key_signing.iter().map(|key| key.tag()).collect::<Vec<_>>(), [ksk.tag(), zsk.tag()]);
    assert_eq!(acting.zone_signing.iter().map(|key| key.tag()).collect::<Vec<_>>(), [zsk.tag()]);
}

#[test]
fn signatures_of_a_new_algorithm_are_known_before_its_keys_and_those_of_the_old_one_after_theirs() {
    for is_split in [true, false] {
        let mut keys = zone(is_split);
        let roll = begin(&keys, NOW, Some(Algorithm::Ed25519), PACE).unwrap();
        let published = NOW + DAY + HOUR;
        assert_eq!(roll.published, published);
        made(&mut keys, &roll);
        let new: Vec<_> = keys.iter().filter(|key| key.algorithm() == Algorithm::Ed25519).collect();
        assert_eq!(new.len(), if is_split { 2 } else { 1 });
        for key in &new {
            assert_eq!(key.times().publish, Some(published));
            let signs_from = if is_split && key.is_ksk() { published } else { NOW };
            assert_eq!(key.times().activate, Some(signs_from));
        }
        let under_way = under_way(&keys, published).unwrap().unwrap();
        assert_eq!((under_way.old.tag(), under_way.new.tag()), (keys[0].tag(), new.last().unwrap().tag()));
        let now = published + 5 * DAY;
        let ended = finish(&keys, &under_way, now, DAY, PACE);
        assert_eq!(ended.len(), new.len());
        let at = (now + DAY + HOUR).next_multiple_of(HOUR);
        for (key, times) in ended {
            assert_eq!((key.algorithm(), times.delete), (Algorithm::EcdsaP256, Some(at)));
            let until = if is_split && key.is_ksk() { at } else { at + 2 * HOUR };
            assert_eq!(times.inactive, Some(until), "{is_split} {key:?}");
        }
    }
}

#[test]
fn a_change_of_the_algorithm_that_was_cut_short_makes_only_what_is_missing() {
    let mut keys = zone(true);
    let roll = begin(&keys, NOW, Some(Algorithm::Ed25519), PACE).unwrap();
    let (role, algorithm, times) = roll.make[0];
    assert_eq!(role, Role::Zsk);
    keys.push(key(role, algorithm, times, &keys));
    let rest = begin(&keys, NOW + 60, Some(Algorithm::Ed25519), PACE).unwrap();
    assert_eq!(rest.make.iter().map(|(role, ..)| *role).collect::<Vec<_>>(), [Role::Ksk]);
}

#[test]
fn keys_that_were_made_ahead_of_an_algorithm_that_goes_never_sign() {
    let mut keys = zone(true);
    let ahead =
        Times { created: Some(NOW), publish: Some(NOW + 88 * DAY), activate: Some(NOW + 90 * DAY), ..Times::default() };
    keys.push(key(Role::Zsk, Algorithm::EcdsaP256, ahead, &keys));
    let roll = begin(&keys, NOW, Some(Algorithm::Ed25519), PACE).unwrap();
    made(&mut keys, &roll);
    let under_way = under_way(&keys, NOW + 2 * DAY).unwrap().unwrap();
    let ended = finish(&keys, &under_way, NOW + 5 * DAY, DAY, PACE);
    let (_, times) = ended.iter().find(|(key, _)| key.tag() == keys[2].tag()).unwrap();
    for now in (NOW..NOW + 400 * DAY).step_by(3600) {
        assert!(!times.is_published(now) && !times.is_active(now) && !times.signs_unseen(now), "{now}");
    }
}

#[test]
fn what_cannot_be_rolled_says_why() {
    let zsk = vec![key(Role::Zsk, Algorithm::EcdsaP256, signing(), &[])];
    assert_eq!(begin(&zsk, NOW, None, PACE).unwrap_err(), NoParentRoll::Nobody);
    let same = begin(&zone(false), NOW, Some(Algorithm::EcdsaP256), PACE).unwrap_err();
    assert_eq!(same, NoParentRoll::SameAlgorithm(Algorithm::EcdsaP256));
    let mut three = zone(false);
    for _ in 0..2 {
        three.push(key(Role::Ksk, Algorithm::EcdsaP256, signing(), &three));
    }
    assert!(matches!(begin(&three, NOW, None, PACE), Err(NoParentRoll::Several(tags)) if tags.len() == 3));
}

#[test]
fn of_two_keys_that_were_made_within_a_second_the_first_is_the_old_one() {
    for _ in 0..20 {
        let times = Times { created: Some(NOW), publish: Some(NOW), activate: Some(NOW), ..Times::default() };
        let mut keys = vec![key(Role::Ksk, Algorithm::EcdsaP256, times, &[])];
        let roll = begin(&keys, NOW, None, PACE).unwrap();
        made(&mut keys, &roll);
        assert_eq!(under_way(&keys, NOW + 1).unwrap().unwrap().old.tag(), keys[0].tag());
    }
}

#[test]
fn a_zsk_that_went_on_as_no_key_was_to_sign_stays_until_what_it_signed_has_run_out() {
    let over = Times { inactive: Some(NOW - 10 * DAY), delete: Some(NOW + HOUR), ..signing() };
    let mut keys = vec![key(Role::Ksk, Algorithm::EcdsaP256, over, &[])];
    keys.push(key(Role::Zsk, Algorithm::EcdsaP256, over, &keys));
    let roll = begin(&keys, NOW, None, PACE).unwrap();
    let [(zsk, times)] = &roll.replaced[..] else { panic!("{roll:?}") };
    assert_eq!((zsk.tag(), times.delete), (keys[1].tag(), Some(NOW + DAY + PACE.lifetime)));
    assert!(begin(&zone(true), NOW, None, PACE).unwrap().replaced.is_empty());
}
