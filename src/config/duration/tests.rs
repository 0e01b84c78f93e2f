#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn reads_every_unit() {
    for (text, milliseconds) in
        [("500ms", 500), ("2s", 2_000), ("3m", 180_000), ("1h", 3_600_000), ("7d", 604_800_000), ("0s", 0)]
    {
        assert_eq!(parse(text), Some(Duration::from_millis(milliseconds)), "{text}");
    }
}

#[test]
fn refuses_what_is_not_a_whole_number_and_a_unit() {
    for text in ["", "2", "s", "2 s", "-2s", "+2s", "1.5s", "2S", "2sec", "1m30s", "2us", "99999999999999999999s"] {
        assert_eq!(parse(text), None, "{text}");
    }
    assert_eq!(parse("213503982335d"), None, "more milliseconds than 64 bits hold");
}

#[test]
fn an_operator_may_add_durations_up() {
    for (text, seconds) in [("2h30m", 9_000), ("1d12h", 129_600), ("90s", 90), ("1m1m1s", 121)] {
        assert_eq!(parse_sum(text), Some(Duration::from_secs(seconds)), "{text}");
    }
    for text in ["", "2h30", "2h 30m", "h", "2h30m!", "\u{e9}"] {
        assert_eq!(parse_sum(text), None, "{text}");
    }
}

#[test]
fn writes_the_largest_exact_unit() {
    for (milliseconds, text) in
        [(0, "0s"), (1, "1ms"), (1_000, "1s"), (1_500, "1500ms"), (60_000, "1m"), (90_000, "90s"), (86_400_000, "1d")]
    {
        assert_eq!(format(Duration::from_millis(milliseconds)), text);
    }
}

#[test]
fn reads_back_what_it_wrote() {
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..1000 {
        let duration = Duration::from_millis(random.u64(..) >> random.u32(1..64));
        assert_eq!(parse(&format(duration)), Some(duration), "{duration:?}");
    }
}
