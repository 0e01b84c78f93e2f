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

#[test]
fn a_time_to_come_is_read_in_all_forms_and_none_is_out_of_reach() {
    let now = 1_796_054_400;
    for (text, seconds) in [
        ("now", now),
        ("0s", now),
        ("2d12h", now + 216_000),
        ("2026-12-24 04:10", 1_798_085_400),
        ("2026-12-24T04:10:00Z", 1_798_085_400),
        ("2026-12-24T05:10:00+01:00", 1_798_085_400),
        ("2026-12-24", 1_798_070_400),
        ("1970-01-01 00:00", 0),
    ] {
        assert_eq!(parse_later(text).map(|later| later.seconds(now)), Ok(seconds), "{text}");
    }
    for text in
        ["", "soon", "2d ago", "04:10", "+2d", "99999999d", "9999-12-31 00:00", "1969-12-31 23:59", "20261224041000"]
    {
        let error = parse_later(text).map(|later| later.seconds(now)).unwrap_err().to_string();
        let expected =
            format!("expected `now`, how long from now (12h, 30d) or a time in UTC (2026-12-24 04:10), found {text:?}");
        assert_eq!(error, expected);
    }
}
