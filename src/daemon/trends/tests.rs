use super::*;

fn reading(count: u64, verdict: Verdict) -> Vec<(String, Reading)> {
    vec![("web1".into(), Reading { count, verdict: Some(verdict), times: None })]
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

fn times(pairs: &[(usize, u64)]) -> Vec<(String, Reading)> {
    let mut times = Times::default();
    pairs.iter().for_each(|(bucket, count)| times[*bucket] = *count);
    vec![("www".into(), Reading { times: Some(times), ..Reading::default() })]
}

fn median(trends: &Trends) -> Option<String> {
    trends.of("www").unwrap().quantile(0.5).map(Quantile::short)
}

#[test]
fn times_are_those_of_the_last_minute_and_of_nothing_before_it() {
    let mut trends = Trends::default();
    // A thousand of up to 1 ms before the first reading are of no minute; then ten between 1 s and 2.5 s.
    trends.take(seconds(0), times(&[(0, 1_000)]));
    assert_eq!(median(&trends), None);
    trends.take(seconds(2), times(&[(0, 1_000), (10, 10)]));
    assert_eq!(median(&trends).as_deref(), Some("1.8s"));
    for at in (4..62).step_by(2) {
        trends.take(seconds(at), times(&[(0, 1_000), (10, 10)]));
    }
    assert_eq!(median(&trends).as_deref(), Some("1.8s"), "a minute is not over yet");
    for at in (62..70).step_by(2) {
        trends.take(seconds(at), times(&[(0, 1_000), (10, 10)]));
    }
    assert_eq!(median(&trends), None, "nothing has come for a minute");
    trends.take(seconds(70), times(&[(0, 1_000), (10, 10), (4, 1)]));
    assert_eq!(median(&trends).as_deref(), Some("18ms"));
}

#[test]
fn times_that_are_counted_anew_are_not_reckoned_with_those_before() {
    let mut trends = Trends::default();
    trends.take(seconds(0), times(&[(0, 1_000)]));
    trends.take(seconds(2), times(&[(0, 900), (13, 1)]));
    assert_eq!(median(&trends).as_deref(), Some("0.5ms"), "all 901 have been counted since");
}
