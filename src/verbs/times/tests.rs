use super::*;

#[test]
fn spans_are_short() {
    assert_eq!([span(5), span(125), span(7_300), span(200_000)], ["5s", "2m", "2h", "2d"]);
}

#[test]
fn times_of_day_are_in_utc() {
    assert_eq!(time_of_day(1_700_000_000_000), "22:13:20Z");
}
