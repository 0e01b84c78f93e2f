use super::*;

#[test]
fn as_many_arrivals_are_expected_as_there_are_moments_before() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..2000 {
        let rate = random.u32(1..5000);
        let moment = Duration::from_micros(random.u64(..3_000_000));
        let counted = (0..).take_while(|n| arrival(rate, *n) < moment).count() as u64;
        assert_eq!(arrivals_before(rate, moment), counted, "rate {rate}, {moment:?}, seed {seed}");
    }
}

#[test]
fn a_load_without_queries_expects_none() {
    assert_eq!(arrivals_before(0, Duration::from_secs(9)), 0);
}
