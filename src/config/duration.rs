//! Durations in documents: `"2s"`, `"500ms"`.

use std::time::Duration;

const MILLISECONDS_OF: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a whole number followed by `ms`, `s`, `m`, `h` or `d`. None for anything else, also for what does not fit
/// into 64 bits of milliseconds.
pub fn parse(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, milliseconds) = MILLISECONDS_OF.iter().find(|(name, _)| *name == unit)?;
    let count: u64 = number.parse().ok()?;
    Some(Duration::from_millis(count.checked_mul(*milliseconds)?))
}

/// Writes it the way [`parse`] reads it, in the largest unit that is exact; what is finer than a millisecond is left out.
pub fn format(duration: Duration) -> String {
    let total = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if total == 0 {
        return "0s".to_owned();
    }
    let exact = MILLISECONDS_OF.iter().find(|(_, milliseconds)| total.is_multiple_of(*milliseconds));
    let (unit, milliseconds) = exact.unwrap_or(&("ms", 1));
    format!("{}{unit}", total / milliseconds)
}

#[cfg(test)]
mod tests {
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
    fn writes_the_largest_exact_unit() {
        for (milliseconds, text) in [
            (0, "0s"),
            (1, "1ms"),
            (1_000, "1s"),
            (1_500, "1500ms"),
            (60_000, "1m"),
            (90_000, "90s"),
            (86_400_000, "1d"),
        ] {
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
}
