use super::*;

const MS: fn(u64) -> Duration = Duration::from_millis;

fn bounds() -> Vec<Duration> {
    [1, 5, 10, 100].map(MS).to_vec()
}

#[test]
fn nothing_counted_has_no_quantile() {
    assert_eq!(quantile(&bounds(), &[0; 5], 0.5), None);
    assert_eq!(quantile(&bounds(), &[], 0.5), None);
}

#[test]
fn a_quantile_lies_within_the_bucket_in_which_so_many_have_been_passed() {
    // 10 of up to 1 ms, 80 of up to 5 ms, 10 of up to 10 ms.
    let buckets = [10, 80, 10, 0, 0];
    assert_eq!(quantile(&bounds(), &buckets, 0.5), Some(Quantile::About(MS(3))));
    assert_eq!(quantile(&bounds(), &buckets, 0.9), Some(Quantile::About(MS(5))));
    assert_eq!(quantile(&bounds(), &buckets, 1.0), Some(Quantile::About(MS(10))));
    assert_eq!(quantile(&bounds(), &buckets, 0.99), Some(Quantile::About(Duration::from_micros(9500))));
    // An empty bucket before the first count is no place for it.
    assert_eq!(quantile(&bounds(), &[0, 4, 0, 0, 0], 0.0), Some(Quantile::About(MS(1))));
}

#[test]
fn beyond_the_last_bound_nothing_is_made_up() {
    let found = quantile(&bounds(), &[1, 0, 0, 0, 9], 0.5).map(Quantile::short);
    assert_eq!(found.as_deref(), Some(">100ms"));
    assert_eq!(quantile(&bounds(), &[1, 0, 0, 0, 9], 0.5).and_then(Quantile::milliseconds), None);
}

#[test]
fn times_are_told_in_six_columns() {
    for (micros, told) in [
        (0, "0.0ms"),
        (250, "0.2ms"),
        (9_940, "9.9ms"),
        (9_960, "10ms"),
        (999_400, "999ms"),
        (999_600, "1.0s"),
        (9_940_000, "9.9s"),
        (600_000_000, "600s"),
    ] {
        assert_eq!(Quantile::About(Duration::from_micros(micros)).short(), told, "{micros}");
    }
}

/// Against a literal reading: a time of the bucket that the sorted samples have at that place.
#[test]
fn it_lies_in_the_bucket_of_the_sample_at_that_place() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % most
    };
    for _ in 0..2000 {
        let buckets: Vec<u64> = (0..5).map(|_| next(4)).collect();
        let share = next(100) as f64 / 100.0 + 0.005;
        let samples: Vec<usize> =
            (0..5).flat_map(|bucket| std::iter::repeat_n(bucket, buckets[bucket] as usize)).collect();
        let Some(found) = quantile(&bounds(), &buckets, share) else {
            assert!(samples.is_empty());
            continue;
        };
        let place = ((share * samples.len() as f64).ceil() as usize).clamp(1, samples.len());
        let bounds = bounds();
        let bucket = samples[place - 1];
        let lower = if bucket == 0 { Duration::ZERO } else { bounds[bucket - 1] };
        let fits = match found {
            Quantile::Beyond(from) => bucket == 4 && from == bounds[3],
            Quantile::About(time) => bucket < 4 && lower <= time && time <= bounds[bucket],
        };
        assert!(fits, "{buckets:?} at {share}: {found:?}");
    }
}
