use super::*;

fn reading(count: u64, verdict: Verdict) -> Vec<(String, Reading)> {
    vec![("web1".into(), Reading { count, verdict: Some(verdict) })]
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_minute_has_what_was_used_in_it_and_the_worst_that_checks_said() {
    let mut trends = Trends::default();
    for (at, count, verdict) in
        [(0, 100, Verdict::Up), (30, 130, Verdict::Down), (58, 140, Verdict::Up), (60, 150, Verdict::Up)]
    {
        trends.take(seconds(at), reading(count, verdict));
    }
    let minutes: Vec<Minute> = trends.of("web1").unwrap().minutes().collect();
    // What was counted before it was first read is of no minute.
    let first = Minute { used: 40, worst: Some(Verdict::Down) };
    assert_eq!(minutes, [first, Minute { used: 10, worst: Some(Verdict::Up) }]);
}

#[test]
fn the_rate_is_that_of_the_last_ten_seconds() {
    let mut trends = Trends::default();
    for (at, count) in [(0, 0), (2, 1_000), (4, 1_000), (6, 1_000), (8, 1_000), (10, 1_000), (12, 1_000), (14, 1_050)] {
        trends.take(seconds(at), reading(count, Verdict::Up));
    }
    assert_eq!(trends.of("web1").unwrap().per_second(), Some(5.0));
}

#[test]
fn an_hour_is_kept_and_no_more() {
    let mut trends = Trends::default();
    for minute in 0..200 {
        trends.take(seconds(minute * 60), reading(minute, Verdict::Up));
    }
    assert_eq!(trends.of("web1").unwrap().minutes().len(), MINUTES);
}

#[test]
fn what_is_there_no_more_is_forgotten_and_a_count_that_begins_anew_is_no_use() {
    let mut trends = Trends::default();
    trends.take(seconds(0), reading(500, Verdict::Up));
    trends.take(seconds(2), reading(3, Verdict::Up));
    assert_eq!(trends.of("web1").unwrap().minutes().last().unwrap().used, 0);
    trends.take(seconds(4), []);
    assert!(trends.of("web1").is_none());
}

#[test]
fn readings_are_due_every_two_seconds() {
    let mut trends = Trends::default();
    assert!(trends.is_due(seconds(0)));
    trends.take(seconds(5), []);
    assert!(!trends.is_due(seconds(6)));
    assert!(trends.is_due(seconds(7)));
}
