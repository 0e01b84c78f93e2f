use super::*;

const DAY: u64 = 24 * HOUR;

#[test]
fn a_certificate_is_renewed_when_two_thirds_of_its_life_are_over() {
    let window = Window::of_life(0, 90 * DAY);
    assert_eq!(window, Window { start: 60 * DAY, end: 63 * DAY });
    let mut random = fastrand::Rng::with_seed(7);
    for number in [0, u32::MAX].into_iter().chain(std::iter::repeat_with(|| random.u32(..)).take(1000)) {
        let point = window.point(number);
        assert!((window.start..=window.end).contains(&point), "{number}: {point}");
    }
    assert_eq!(window.point(0), window.start);
    assert!(window.end - window.point(u32::MAX) < MINUTE);
    assert_eq!(Window { start: 5, end: 5 }.point(u32::MAX), 5);
}

#[test]
fn whatever_window_the_ca_suggests_a_sixth_of_the_life_is_left_for_the_renewal() {
    for life in [30_000, HOUR, DAY, 6 * DAY, 90 * DAY] {
        let (begins, ends) = (1_000 * DAY, 1_000 * DAY + life);
        let latest = ends - life / 6;
        let capped = |start, end| Window { start, end }.in_life(begins, ends);
        let before = Window { start: begins + life / 3, end: begins + life / 2 };
        assert_eq!(before.in_life(begins, ends), before, "{life}");
        let behind = Window { start: begins - DAY, end: begins - HOUR };
        assert_eq!(behind.in_life(begins, ends), behind, "due at once: {life}");
        let around = capped(begins + life / 3, ends + 2 * DAY);
        assert_eq!(around, Window { start: begins + life / 3, end: latest }, "{life}");
        assert_eq!(capped(ends - 1, ends), Window { start: latest, end: latest }, "{life}");
        assert_eq!(capped(ends + DAY, u64::MAX), Window { start: latest, end: latest }, "{life}");
        for number in [0, 1, u32::MAX / 2, u32::MAX] {
            assert!(around.point(number) <= latest, "{life}, {number}");
            assert_eq!(capped(ends + DAY, u64::MAX).point(number), latest, "{life}");
        }
        let own = Window::of_life(begins, ends);
        assert_eq!(own.in_life(begins, ends), own, "{life}");
    }
}

#[test]
fn pauses_double_to_their_longest_and_a_refused_name_is_ordered_five_times_in_the_first_hour() {
    let mut now = 0;
    let mut pauses = Vec::new();
    for count in 1..=30 {
        let next = next_try(now, count, Cause::Refused, None);
        pauses.push((next - now) / MINUTE);
        now = next;
    }
    assert_eq!(pauses[..9], [2, 4, 8, 16, 32, 64, 128, 256, 480]);
    assert!(pauses[9..].iter().all(|pause| *pause == 480));
    let tries: Vec<u64> = pauses.iter().scan(0, |at, pause| Some(std::mem::replace(at, *at + pause))).collect();
    assert_eq!(tries.iter().filter(|at| **at < 60).count(), 5, "{tries:?}");
    assert_eq!(next_try(0, 1, Cause::Unasked, None), 5_000);
    assert_eq!(next_try(0, u32::MAX, Cause::Unasked, None), 15 * MINUTE);
}

#[test]
fn what_the_ca_says_of_when_to_come_again_is_kept_within_a_day() {
    let hour = Duration::from_secs(3600);
    assert_eq!(next_try(0, 1, Cause::Refused, Some(hour)), HOUR);
    assert_eq!(next_try(0, 9, Cause::Refused, Some(hour)), 8 * HOUR);
    assert_eq!(next_try(0, 1, Cause::Refused, Some(Duration::MAX)), DAY);
    assert_eq!(next_question(0, Some(6 * hour)), 6 * HOUR);
    assert_eq!(next_question(0, Some(Duration::ZERO)), MINUTE);
    assert_eq!(next_question(0, Some(Duration::MAX)), DAY);
    assert_eq!(next_question(0, None), HOUR);
}
