use super::*;

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// Refresh 100, retry 10, expire 1000.
fn times() -> Times {
    Times::new(100, 10, 1000)
}

/// Confirmed at 0.
fn confirmed(primaries: usize) -> Timers {
    let mut timers = Timers::new(primaries, 1);
    assert_eq!(timers.due(false, seconds(0)), [Todo::Ask(0)]);
    timers.confirmed(times(), seconds(0));
    timers
}

#[test]
fn a_zone_is_looked_for_at_once_and_then_a_little_before_each_refresh_time() {
    let mut timers = confirmed(1);
    let mut now = seconds(0);
    let mut early = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let next = timers.wakes().unwrap();
        let pause = next - now;
        assert!((seconds(90)..=seconds(100)).contains(&pause), "{pause:?}");
        early.insert(pause);
        assert_eq!(timers.due(false, next - Duration::from_millis(1)), []);
        assert_eq!(timers.due(false, next), [Todo::Ask(0)]);
        assert_eq!(timers.due(false, next), [], "once");
        now = next;
        timers.confirmed(times(), now);
    }
    assert!(early.len() > 40, "not always the same");
}

#[test]
fn the_next_primary_is_asked_when_one_fails_and_all_again_after_the_retry_time() {
    let mut timers = confirmed(3);
    let now = timers.wakes().unwrap();
    let mut asked = timers.due(false, now);
    for _ in 0..2 {
        timers.failed(now);
        asked.extend(timers.due(true, now));
    }
    assert_eq!(asked, [Todo::Ask(0), Todo::Ask(1), Todo::Ask(2)]);
    timers.failed(now);
    assert_eq!(timers.due(true, now), []);
    let pause = timers.wakes().unwrap() - now;
    assert!((seconds(9)..=seconds(10)).contains(&pause), "{pause:?}");
}

#[test]
fn who_tells_of_something_new_is_asked_first_and_at_once_or_next() {
    let mut timers = confirmed(3);
    timers.notified(2, seconds(5));
    assert_eq!(timers.due(false, seconds(5)), [Todo::Ask(2)]);
    timers.notified(1, seconds(6));
    assert_eq!(timers.due(false, seconds(6)), [], "one at a time");
    timers.confirmed(times(), seconds(7));
    assert_eq!(timers.due(false, seconds(7)), [Todo::Ask(1)], "what was told meanwhile may be newer still");
    timers.failed(seconds(8));
    assert_eq!(timers.due(true, seconds(8)), [Todo::Ask(2)]);
}

#[test]
fn a_zone_that_lost_its_primaries_is_served_until_it_expires_and_again_when_one_is_back() {
    let mut timers = confirmed(2);
    let mut looks = 0;
    let now = loop {
        let now = timers.wakes().unwrap();
        let todo = timers.due(false, now);
        if todo.contains(&Todo::Expire) {
            break now;
        }
        looks += 1;
        assert_eq!(todo, [Todo::Ask(0)]);
        timers.failed(now);
        assert_eq!(timers.due(true, now), [Todo::Ask(1)]);
        timers.failed(now);
        assert!(!timers.has_expired());
    };
    assert_eq!(now, seconds(1000), "to the moment");
    assert!((88..=103).contains(&looks), "{looks} looks: each ten seconds after the first ninety");
    assert!(timers.has_expired());
    // It is looked for as before.
    let now = timers.wakes().unwrap();
    assert!(now < seconds(1011));
    assert_eq!(timers.due(false, now), [Todo::Ask(0)]);
    timers.confirmed(times(), now);
    assert!(!timers.has_expired());
    assert_eq!(timers.left(now), Some((seconds(1000), seconds(1000))));
}

#[test]
fn a_stored_zone_goes_on_with_the_age_that_it_has() {
    let mut timers = Timers::new(1, 1);
    timers.stored(times(), seconds(1), seconds(3));
    assert!(timers.wakes().unwrap() <= seconds(5), "what was told meanwhile nobody has heard");
    timers.stored(times(), seconds(990), seconds(3));
    assert_eq!(timers.left(seconds(3)), Some((seconds(10), seconds(1000))));
    assert!(timers.wakes().unwrap() <= seconds(5), "it is looked for soon");
    let mut old = Timers::new(1, 1);
    old.stored(times(), seconds(5000), seconds(3));
    assert_eq!(old.due(false, seconds(3)), [Todo::Expire]);
}

#[test]
fn without_a_zone_the_pauses_grow_to_ten_minutes() {
    let mut timers = Timers::new(1, 1);
    let mut pauses = Vec::new();
    let mut now = seconds(0);
    for _ in 0..12 {
        assert_eq!(timers.due(false, now), [Todo::Ask(0)]);
        timers.failed(now);
        let next = timers.wakes().unwrap();
        pauses.push(next - now);
        now = next;
    }
    assert!((seconds(4)..=seconds(5)).contains(&pauses[0]), "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= seconds(600)) && pauses[11] >= seconds(540), "{pauses:?}");
    assert!(!timers.has_expired() && timers.left(now).is_none(), "what was never there does not expire");
}

#[test]
fn odd_times_are_bounded() {
    assert_eq!(Times::new(0, 0, 0), Times { refresh: seconds(1), retry: seconds(1), expire: seconds(1) });
    let long = Times::new(u32::MAX, u32::MAX, 60);
    assert_eq!((long.refresh, long.expire), (LONGEST, LONGEST), "no zone expires before it was looked for");
}

#[test]
fn whatever_happens_one_primary_is_asked_at_a_time_and_something_is_always_to_come() {
    for seed in 0..2000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut timers = Timers::new(random.usize(1..4), seed);
        let (mut now, mut asking) = (seconds(0), false);
        for _ in 0..100 {
            let mut was_failed = false;
            match random.u8(..5) {
                0 => timers.notified(random.usize(0..4), now),
                1 if asking => {
                    timers.confirmed(Times::new(random.u32(..200), random.u32(..50), random.u32(..900)), now);
                    asking = false;
                }
                2 if asking => {
                    timers.failed(now);
                    (asking, was_failed) = (false, true);
                }
                _ => now += seconds(random.u64(..20)),
            }
            for todo in timers.due(was_failed, now) {
                if let Todo::Ask(_) = todo {
                    assert!(!asking, "SEED={seed}: two at once");
                    asking = true;
                }
            }
            assert_eq!(timers.is_asking(), asking, "SEED={seed}");
            assert!(asking || timers.wakes().is_some(), "SEED={seed}: nothing to come");
        }
    }
}

#[test]
fn whatever_is_told_how_often_looks_do_not_begin_sooner_than_a_quarter_of_a_second_after_each_other() {
    let mut timers = confirmed(1);
    let (mut now, mut looks) = (seconds(10), Vec::new());
    while now < seconds(20) {
        timers.notified(0, now);
        for todo in timers.due(false, now) {
            assert_eq!(todo, Todo::Ask(0));
            looks.push(now);
            timers.notified(0, now);
            timers.confirmed(times(), now);
        }
        now += Duration::from_millis(1);
    }
    assert_eq!(looks.len(), 40, "{looks:?}");
    assert!(looks.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_millis(250)), "{looks:?}");
}
