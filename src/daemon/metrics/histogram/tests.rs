use super::*;

#[test]
fn a_time_is_counted_in_the_first_bucket_whose_bound_it_does_not_exceed() {
    for (n, (bound, _)) in BOUNDS.into_iter().enumerate() {
        for (nanos, bucket) in [(bound - 1, n), (bound, n), (bound + 1, n + 1)] {
            let histogram = Histogram::default();
            histogram.observe(Duration::from_nanos(nanos));
            let measured = histogram.read();
            assert_eq!(measured.buckets[bucket], 1, "{nanos} ns: {measured:?}");
            assert_eq!(measured.buckets.iter().sum::<u64>(), 1);
            assert_eq!(measured.sum, Duration::from_nanos(nanos));
        }
    }
}

#[test]
fn the_bounds_rise_by_no_more_than_two_and_a_half_and_are_what_their_labels_say() {
    for (bound, label) in BOUNDS {
        assert_eq!(Duration::from_nanos(bound), Duration::from_secs_f64(label.parse().unwrap()));
    }
    assert!(BOUNDS.windows(2).all(|pair| pair[0].0 * 2 <= pair[1].0 && pair[0].0 * 5 >= pair[1].0 * 2));
}

#[test]
fn what_threads_have_measured_is_added_up() {
    let (one, other) = (Histogram::default(), Histogram::default());
    one.observe(Duration::ZERO);
    other.observe(Duration::from_millis(1));
    other.observe(Duration::MAX);
    let mut all = one.read();
    all += other.read();
    assert_eq!((all.buckets[0], all.buckets[BUCKETS - 1]), (2, 1));
}
