use super::*;

#[test]
fn spans_are_short() {
    assert_eq!([span(5), span(125), span(7_300), span(200_000)], ["5s", "2m", "2h", "2d"]);
}

#[test]
fn times_of_day_are_in_utc() {
    assert_eq!(time_of_day(1_700_000_000_000), "22:13:20Z");
}

#[test]
fn a_moment_is_how_long_ago_or_a_time_in_utc() {
    // 2023-11-14 22:13:20Z.
    let now = 1_700_000_000_000;
    let before = |text: &str| parse_moment(text).unwrap().before(now);
    assert_eq!(before("90m"), now - 90 * 60_000);
    assert_eq!(moment(before("22:10")), "2023-11-14 22:10:00Z");
    assert_eq!(moment(before("22:14:00Z")), "2023-11-13 22:14:00Z");
    assert_eq!(moment(before("2023-11-01 04:10")), "2023-11-01 04:10:00Z");
    assert_eq!(moment(before("2023-11-01T04:10:05Z")), "2023-11-01 04:10:05Z");
    assert_eq!(moment(before("2023-11-01T06:10:05+02:00")), "2023-11-01 04:10:05Z");
    assert!(parse_moment("9999-12-31T23:59:59").is_err());
    // The end of a span that is still going on.
    assert_eq!(moment(parse_moment("22:14").unwrap().after(now - 60_000, now)), "2023-11-14 22:14:00Z");
    let error = parse_moment("yesterday").unwrap_err().to_string();
    assert!(error.contains("90m, 3h, 2d") && error.contains("\"yesterday\""), "{error}");
}
