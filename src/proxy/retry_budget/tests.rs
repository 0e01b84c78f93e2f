use super::*;

#[test]
fn a_part_of_the_requests_of_the_last_ten_seconds_may_be_sent_again_and_a_few_always() {
    let budget = RetryBudget::default();
    let withdrawn = |now: u64| (0..1000).take_while(|_| budget.withdraw(20, Duration::from_secs(now))).count();
    assert_eq!(withdrawn(5), 10, "without a request, so many");
    (0..200).for_each(|_| budget.deposit(Duration::from_secs(9)));
    assert_eq!(withdrawn(9), 30, "of 40, ten were spent");
    assert_eq!(withdrawn(14), 0);
    assert_eq!(withdrawn(15), 10, "those of 5 are forgotten");
    assert_eq!(withdrawn(19), 0, "the requests too, but for the ten that may always be");
    assert_eq!(budget.spent(), 5);
}

#[test]
fn whatever_comes_as_many_are_sent_again_as_a_list_of_all_moments_allows() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..50 {
        let (budget, percent) = (RetryBudget::default(), random.u32(1..=100));
        let (mut requests, mut retries) = (Vec::<u64>::new(), Vec::<u64>::new());
        let mut now = random.u64(..200_000);
        for _ in 0..2_000 {
            if random.u8(..20) == 0 {
                now += random.u64(..4) * random.u64(..5);
            }
            let at = Duration::from_secs(now) + Duration::from_millis(random.u64(..1000));
            if random.u8(..3) > 0 {
                budget.deposit(at);
                requests.push(now);
                continue;
            }
            let lately = |moments: &[u64]| moments.iter().filter(|moment| **moment + WINDOW > now).count() as u64;
            let may = lately(&retries) < (lately(&requests) * u64::from(percent) / 100).max(RESERVE);
            assert_eq!(budget.withdraw(percent, at), may, "seed {seed}: {percent} % at {now}");
            if may {
                retries.push(now);
            }
        }
    }
}
