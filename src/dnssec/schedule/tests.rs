use super::*;
use crate::dnssec::Algorithm;
use crate::dnssec::make::make;

const NOW: u64 = 1_796_054_400;
const PACE: Pace = Pace { ttl: 3600, propagation: DAY, lifetime: 14 * DAY };
const TERMS: Terms = Terms { every: 90 * DAY, until: NOW + 730 * DAY, first: None, pace: PACE };

fn key(role: Role, times: Times, others: &[Arc<ZoneKey>]) -> Arc<ZoneKey> {
    let taken: Vec<u16> = others.iter().map(|key| key.tag()).collect();
    Arc::new(make(b"\x07example\x03com\x00", role, Algorithm::EcdsaP256, times, &taken).unwrap().into_key())
}

fn pair() -> Vec<Arc<ZoneKey>> {
    let signs = Times {
        created: Some(NOW - 10 * DAY),
        publish: Some(NOW - 10 * DAY),
        activate: Some(NOW - 10 * DAY),
        ..Times::default()
    };
    let ksk = key(Role::Ksk, signs, &[]);
    let zsk = key(Role::Zsk, signs, &[Arc::clone(&ksk)]);
    vec![ksk, zsk]
}

/// Does one step, as the files would have it; the old key is another object then, of the same tag or not: its times are what counts.
fn carry_out(keys: &mut Vec<Arc<ZoneKey>>, roll: &Roll) {
    if let Successor::Missing(_, times) = &roll.successor {
        keys.push(key(Role::Zsk, *times, keys));
    }
    let place = keys.iter().position(|key| Arc::ptr_eq(key, &roll.old)).unwrap();
    keys[place] = key(Role::Zsk, roll.old_times, keys);
}

/// All steps from a moment on; how many.
fn extend(keys: &mut Vec<Arc<ZoneKey>>, now: u64, terms: Terms) -> usize {
    let mut steps = 0;
    while let Some(roll) = next_step(keys, now, terms).unwrap() {
        carry_out(keys, &roll);
        steps += 1;
        assert!(steps < 100, "it does not come to an end");
    }
    steps
}

fn zsks(keys: &[Arc<ZoneKey>]) -> Vec<&Arc<ZoneKey>> {
    let mut zsks: Vec<_> = keys.iter().filter(|key| key.role() == Role::Zsk).collect();
    zsks.sort_by_key(|key| key.times().activate);
    zsks
}

/// That at each hour one ZSK signs, known for a TTL, and that what has signed is known for as long as its signatures are good.
fn assert_sound(keys: &[Arc<ZoneKey>], from: u64, to: u64) {
    let zsks = zsks(keys);
    for now in (from..to).step_by(6 * 3600) {
        let signing: Vec<_> = zsks.iter().filter(|key| key.is_active(now)).collect();
        assert_eq!(signing.len(), 1, "{now}");
        assert!(signing[0].is_published(now - PACE.ttl), "{now}");
        assert!(zsks.iter().all(|key| !key.is_active(now - PACE.lifetime) || key.is_published(now)), "{now}");
        assert!(zsks.iter().filter(|key| key.is_published(now)).count() <= 2, "{now}");
    }
}

#[test]
fn a_schedule_has_a_key_for_each_time_and_the_last_one_goes_on() {
    let mut keys = pair();
    assert_eq!(extend(&mut keys, NOW, TERMS), 8);
    let zsks = zsks(&keys);
    let from: Vec<u64> = zsks.iter().skip(1).map(|key| key.times().activate.unwrap()).collect();
    assert_eq!(
        from,
        (0..8).map(|n| NOW + 80 * DAY + n * 90 * DAY).collect::<Vec<_>>(),
        "the first has its 90 days too"
    );
    assert_eq!((zsks[8].times().inactive, zsks[8].times().delete), (None, None));
    assert_sound(&keys, NOW, NOW + 20 * 365 * DAY);
    let schedule = schedule(&keys, NOW).unwrap();
    let ends = from[7] + 90 * DAY;
    assert!(ends >= TERMS.until);
    assert_eq!(
        schedule,
        Schedule {
            next: Some((zsks[1].tag(), from[0])),
            every: 90 * DAY,
            ends,
            span: ends - NOW,
            warns: ends - 30 * DAY
        }
    );
}

#[test]
fn a_schedule_is_extended_from_its_last_key_however_late_and_not_made_twice() {
    let mut keys = pair();
    extend(&mut keys, NOW, TERMS);
    assert_eq!(extend(&mut keys, NOW, TERMS), 0);
    let later = NOW + 400 * DAY;
    assert_eq!(extend(&mut keys, later, Terms { until: later + 730 * DAY, ..TERMS }), 4);
    assert_sound(&keys, NOW, NOW + 2000 * DAY);
    // Ten years in which nobody has made any.
    let late = NOW + 4000 * DAY;
    let before = zsks(&keys).len();
    extend(&mut keys, late, Terms { until: late + 360 * DAY, ..TERMS });
    let first = zsks(&keys)[before].times().activate.unwrap();
    assert_eq!(first, late + PACE.ttl + PACE.propagation, "as early as is safe");
    assert_sound(&keys, NOW, late + 2000 * DAY);
    assert!(schedule(&keys, late).is_some());
}

#[test]
fn what_was_cut_short_at_any_step_is_sound_and_is_finished_by_the_next_run() {
    for steps in 0..8 {
        for is_told in [true, false] {
            let mut keys = pair();
            for _ in 0..steps {
                let roll = next_step(&keys, NOW, TERMS).unwrap().unwrap();
                carry_out(&mut keys, &roll);
            }
            assert_sound(&keys, NOW, NOW + 1000 * DAY);
            if !is_told {
                let roll = next_step(&keys, NOW, TERMS).unwrap().unwrap();
                let Successor::Missing(_, times) = roll.successor else { panic!("{roll:?}") };
                keys.push(key(Role::Zsk, times, &keys));
            }
            extend(&mut keys, NOW + 60, TERMS);
            assert_eq!(zsks(&keys).len(), 9, "{steps} {is_told}");
            assert_sound(&keys, NOW, NOW + 1000 * DAY);
        }
    }
}

#[test]
fn a_zone_whose_keys_are_rolled_one_by_one_has_no_schedule() {
    let mut keys = pair();
    assert_eq!(schedule(&keys, NOW), None);
    let roll = super::super::roll::plan(&keys, NOW, None, PACE).unwrap();
    carry_out(&mut keys, &roll);
    assert_eq!(schedule(&keys, NOW), None);
    // Nor has one whose schedule was left.
    let mut keys = pair();
    extend(&mut keys, NOW, Terms { until: NOW + 180 * DAY, ..TERMS });
    let after = NOW + 600 * DAY;
    assert!(schedule(&keys, after).is_some_and(|schedule| schedule.warns < after));
    let roll = super::super::roll::plan(&keys, after, None, PACE).unwrap();
    carry_out(&mut keys, &roll);
    assert_eq!(schedule(&keys, after), None);
}

#[test]
fn a_first_successor_is_made_for_the_moment_that_is_wished_and_for_no_other() {
    let at = NOW + 5 * DAY;
    let mut keys = pair();
    let early = Terms { first: Some(NOW + 60), ..TERMS };
    assert_eq!(next_step(&keys, NOW, early).unwrap_err(), NoRoll::TooEarly(NOW + PACE.ttl));
    extend(&mut keys, NOW, Terms { first: Some(at), ..TERMS });
    assert_eq!(zsks(&keys)[1].times().activate, Some(at));
    assert_sound(&keys, NOW, NOW + 1000 * DAY);
    let other = Terms { first: Some(at + DAY), ..TERMS };
    assert!(matches!(next_step(&keys, NOW, other), Err(NoRoll::UnderWay { .. })));
    let ahead = super::super::roll::plan(&keys, NOW, None, PACE).unwrap_err();
    assert_eq!(
        ahead.to_string(),
        "9 successors were made ahead already, and the next one signs from 2026-12-05 16:00:00Z: --every and --for make more of them"
    );
}

#[test]
fn terms_that_make_no_schedule_say_what_would() {
    let of = |every: u64, span: u64| unfit(&Terms { every: every * DAY, until: NOW + span * DAY, ..TERMS }, NOW);
    assert_eq!((of(90, 730), of(16, 32)), (None, None));
    assert!(of(15, 365).unwrap().starts_with("--every is shorter than 16d"));
    assert!(of(90, 100).unwrap().starts_with("--for is less than 180d, 2 times --every"));
}
