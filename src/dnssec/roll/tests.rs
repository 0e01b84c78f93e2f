use super::*;
use crate::dnssec::make::make;

const NOW: u64 = 1_796_054_400;
const PACE: Pace = Pace { ttl: 3600, propagation: DAY, lifetime: 14 * DAY };

/// A key whose tag is none of those before.
fn key(role: Role, algorithm: Algorithm, times: Times, before: &[&Arc<ZoneKey>]) -> Arc<ZoneKey> {
    let taken: Vec<u16> = before.iter().map(|key| key.tag()).collect();
    let made = make(b"\x07example\x03com\x00", role, algorithm, times, &taken).unwrap();
    Arc::new(made.into_key())
}

fn signing() -> Times {
    Times {
        created: Some(NOW - 90 * DAY),
        publish: Some(NOW - 90 * DAY),
        activate: Some(NOW - 80 * DAY),
        ..Times::default()
    }
}

fn pair() -> [Arc<ZoneKey>; 2] {
    let ksk = key(Role::Ksk, Algorithm::Ed25519, signing(), &[]);
    let zsk = key(Role::Zsk, Algorithm::Ed25519, signing(), &[&ksk]);
    [ksk, zsk]
}

#[test]
fn the_new_key_is_known_before_it_signs_and_the_old_one_as_long_as_its_signatures_are_good() {
    let [ksk, zsk] = pair();
    let roll = plan(&[ksk, Arc::clone(&zsk)], NOW, None, PACE).unwrap();
    let at = NOW + 3600 + DAY;
    assert_eq!((roll.at, roll.publish_before, roll.old.tag()), (at, NOW + DAY, zsk.tag()));
    assert_eq!(roll.old_times, Times { inactive: Some(at), delete: Some(at + 14 * DAY), ..signing() });
    let Successor::Missing(Algorithm::Ed25519, times) = roll.successor else { panic!("{roll:?}") };
    assert_eq!(times, Times { created: Some(NOW), publish: Some(NOW), activate: Some(at), ..Times::default() });
    // At every moment one key signs, and it has stood in the zone for a TTL.
    for now in (NOW..at + 20 * DAY).step_by(600) {
        let [old, new] = [&roll.old_times, &times];
        assert!(old.is_active(now) != new.is_active(now), "{now}");
        assert!(!new.is_active(now) || new.is_published(now - 3600), "{now}");
        // What the old one has signed is good for a lifetime, and is verified by a key that stands in the zone.
        assert!(!old.is_active(now - PACE.lifetime) || old.is_published(now), "{now}");
    }
}

#[test]
fn a_wish_is_granted_once_resolvers_know_the_new_key() {
    let [ksk, zsk] = pair();
    let keys = [ksk, zsk];
    assert_eq!(plan(&keys, NOW, Some(NOW + 3600), PACE).unwrap().at, NOW + 3600);
    assert_eq!(plan(&keys, NOW, Some(NOW + 3601), PACE).unwrap().at, NOW + 7200, "a full hour");
    let early = plan(&keys, NOW, Some(NOW), PACE).unwrap_err();
    assert_eq!(early, NoRoll::TooEarly(NOW + 3600));
    assert_eq!(
        early.to_string(),
        "it is too early: resolvers may have the keys of today until 2026-11-30 17:00:00Z, and know nothing of a new one before (--ttl says how long)"
    );
}

#[test]
fn times_that_the_old_key_had_give_way() {
    let ends = Times { inactive: Some(NOW + 1), delete: Some(NOW + 2), ..signing() };
    let zsk = key(Role::Zsk, Algorithm::EcdsaP256, ends, &[]);
    let roll = plan(&[zsk], NOW, None, PACE).unwrap();
    assert_eq!((roll.old_times.inactive, roll.old_times.delete), (Some(roll.at), Some(roll.at + 14 * DAY)));
}

#[test]
fn a_key_without_times_goes_on_counting_when_it_gets_some() {
    let zsk = key(Role::Zsk, Algorithm::EcdsaP256, Times::default(), &[]);
    let roll = plan(&[zsk], NOW, None, PACE).unwrap();
    assert!(roll.old_times.is_published(NOW - 3600) && roll.old_times.is_active(NOW - 3600));
    assert!(!roll.old_times.is_active(roll.at));
}

#[test]
fn a_roll_that_was_cut_short_is_finished_and_one_that_is_whole_is_not_begun_again() {
    let [ksk, zsk] = pair();
    let at = NOW + 2 * DAY;
    let next = Times { created: Some(NOW), publish: Some(NOW), activate: Some(at), ..Times::default() };
    let next = key(Role::Zsk, Algorithm::Ed25519, next, &[&ksk, &zsk]);
    let keys = [Arc::clone(&ksk), Arc::clone(&zsk), Arc::clone(&next)];
    let roll = plan(&keys, NOW + 60, None, PACE).unwrap();
    assert!(matches!(&roll.successor, Successor::Made(key) if key.tag() == next.tag()), "{roll:?}");
    assert_eq!((roll.at, roll.old_times.inactive), (at, Some(at)));
    // Another wish would leave the old one without a successor for a while.
    let under_way = NoRoll::UnderWay { old: zsk.tag(), new: next.tag(), at };
    assert_eq!(plan(&keys, NOW + 60, Some(at + 1), PACE).unwrap_err(), under_way);
    let told = key(Role::Zsk, Algorithm::Ed25519, roll.old_times, &[&ksk, &next]);
    let whole = [ksk, Arc::clone(&told), Arc::clone(&next)];
    let under_way = NoRoll::UnderWay { old: told.tag(), new: next.tag(), at };
    assert_eq!(plan(&whole, NOW + 60, None, PACE).unwrap_err(), under_way);
    assert_eq!(
        under_way.to_string(),
        format!("key {} takes over from key {} at 2026-12-02 16:00:00Z: one roll at a time", next.tag(), told.tag())
    );
    // Once the new one signs, it can be rolled over in turn.
    assert_eq!(plan(&whole, at, None, PACE).unwrap().old.tag(), next.tag());
}

#[test]
fn what_cannot_be_rolled_says_why() {
    let [ksk, zsk] = pair();
    let one_key = plan(&[Arc::clone(&ksk)], NOW, None, PACE).unwrap_err();
    assert_eq!(one_key, NoRoll::OneKey(ksk.tag()));
    assert!(one_key.to_string().contains("`polder dnssec roll-ksk` replaces it"), "{one_key}");
    let waits = Times { activate: Some(NOW + 2 * DAY), ..signing() };
    let waits = key(Role::Zsk, Algorithm::Ed25519, waits, &[&ksk]);
    let tag = waits.tag();
    let first = plan(&[Arc::clone(&ksk), waits], NOW, None, PACE).unwrap_err();
    assert_eq!(first, NoRoll::First(tag, NOW + 2 * DAY));
    assert_eq!(
        first.to_string(),
        format!("key {tag} signs from 2026-12-02 16:00:00Z: there is nothing to roll before")
    );
    let other = key(Role::Zsk, Algorithm::EcdsaP256, signing(), &[&ksk, &zsk]);
    let several = plan(&[Arc::clone(&zsk), Arc::clone(&other)], NOW, None, PACE).unwrap_err();
    assert_eq!(several, NoRoll::Several(vec![zsk.tag(), other.tag()]));
    assert_eq!(
        several.to_string(),
        format!(
            "it has several ZSKs where one is expected, {} and {}: give those that are to go their times by hand (dnssec-settime)",
            zsk.tag(),
            other.tag()
        )
    );
    let silent = Times { created: Some(NOW), ..Times::default() };
    let silent = key(Role::Zsk, Algorithm::Ed25519, silent, &[]);
    assert_eq!(plan(&[silent], NOW, None, PACE).unwrap_err(), NoRoll::Nobody);
    assert_eq!(plan(&[], NOW, None, PACE).unwrap_err(), NoRoll::Nobody);
}
