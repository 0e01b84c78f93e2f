#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use super::*;
use crate::config::proxy::RateConfig;

fn rate(requests: u32, per: u64, burst: u32) -> RateConfig {
    RateConfig { requests, per: Duration::from_secs(per), burst }
}

fn of_clients(rate: RateConfig, entries: usize) -> ClientRateConfig {
    ClientRateConfig { rate, prefix4: 32, prefix6: 64, entries, exempt: Vec::new() }
}

fn limit(client: ClientRateConfig) -> RateLimit {
    RateLimit::new(RateLimitConfig { client: Some(client), service: None })
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// How many of 100 requests at one moment are taken.
fn burst(limit: &RateLimit, client: &str, now: Duration) -> usize {
    (0..100).filter(|_| limit.take(ip(client), now).is_ok()).count()
}

#[test]
fn a_burst_is_taken_at_once_and_then_as_many_as_the_rate_allows() {
    let limit = limit(of_clients(rate(10, 1, 5), 64));
    assert_eq!(burst(&limit, "192.0.2.1", at(50)), 5);
    assert_eq!(burst(&limit, "192.0.2.1", at(149)), 0);
    assert_eq!([151, 200, 252].map(|ms| burst(&limit, "192.0.2.1", at(ms))), [1, 0, 1]);
    assert_eq!(burst(&limit, "192.0.2.1", at(100_000)), 5, "a quiet while saves no more than the burst");
    assert_eq!(limit.refused(Whose::Client), 95 + 100 + 99 + 100 + 99 + 95);
}

#[test]
fn a_network_is_one_client_and_another_one_is_not_touched() {
    let config = ClientRateConfig { prefix4: 24, prefix6: 56, ..of_clients(rate(1, 1, 3), 4096) };
    let limit = limit(config);
    assert_eq!(["192.0.2.1", "192.0.2.255", "192.0.3.1"].map(|client| burst(&limit, client, at(9))), [3, 0, 3]);
    assert_eq!(
        ["2001:db8:0:100::1", "2001:db8:0:1ff::1", "2001:db8:0:200::1"].map(|client| burst(&limit, client, at(9))),
        [3, 0, 3]
    );
    // The same bits in the other family.
    assert_eq!(["0.0.0.0", "::"].map(|client| burst(&limit, client, at(9))), [3, 3]);
}

#[test]
fn who_is_exempt_is_not_limited_but_counts_for_the_service() {
    let client = ClientRateConfig { exempt: vec!["192.0.2.0/24".parse().unwrap()], ..of_clients(rate(1, 1, 2), 64) };
    let limit = RateLimit::new(RateLimitConfig { client: Some(client), service: Some(rate(1, 1, 7)) });
    assert_eq!(burst(&limit, "192.0.2.1", at(9)), 7);
    assert_eq!(burst(&limit, "198.51.100.1", at(9)), 0);
    let refused = limit.take(ip("192.0.2.1"), at(9)).unwrap_err();
    assert_eq!((refused.whose, refused.wait.as_millis()), (Whose::Service, 1000));
    assert_eq!([limit.refused(Whose::Service), limit.refused(Whose::Client)], [93 + 2 + 1, 98]);
}

#[test]
fn many_workers_together_take_no_more_than_one_would() {
    let limit = RateLimit::new(RateLimitConfig {
        client: Some(of_clients(rate(1, 3600, 1000), 8)),
        service: Some(rate(1, 3600, 1500)),
    });
    let ask = |client: &str| (0..2000).filter(|_| limit.take(ip(client), at(9)).is_ok()).count();
    let ask = &ask;
    let taken: Vec<usize> = std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..4).map(|worker| scope.spawn(move || ask(["192.0.2.1", "192.0.2.2"][worker % 2]))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(taken.iter().sum::<usize>(), 1500, "{taken:?}");
    assert!(taken[0] + taken[2] <= 1000 && taken[1] + taken[3] <= 1000, "{taken:?}");
}

#[test]
fn what_was_counted_outlives_the_document_but_for_what_the_new_one_would_not_have_let_anybody_owe() {
    let before = limit(of_clients(rate(1, 60, 3), 64));
    assert_eq!(["192.0.2.1", "192.0.2.2"].map(|client| burst(&before, client, at(9))), [3, 3]);
    let follow = |rate: RateConfig, entries: usize| {
        let now = limit(of_clients(rate, entries));
        now.follow(&before);
        now
    };
    assert_eq!(burst(&follow(rate(2, 60, 8), 64), "192.0.2.1", at(9)), 2, "180 s of 240 s are used up");
    assert_eq!(
        burst(&follow(rate(1, 1, 2), 64), "192.0.2.2", at(9)),
        2,
        "nobody waits for an hour after his limit was raised"
    );
    assert_eq!(burst(&follow(rate(1, 60, 3), 128), "192.0.2.1", at(9)), 3, "a table of another size begins anew");
}

/// The rule as a bucket that fills with time, in numbers that need no rounding.
#[derive(Default)]
struct Bucket {
    /// Requests taken, times the ticks that one takes.
    level: f64,
    seen: f64,
}

impl Bucket {
    /// The level once time has passed.
    fn drained(&self, now: f64) -> f64 {
        (self.level - (now - self.seen)).max(0.0)
    }

    /// Seconds until one more is taken.
    fn wait(&self, rate: RateConfig, now: f64) -> f64 {
        let interval = rate.per.as_secs_f64() / f64::from(rate.requests);
        self.drained(now) + interval - interval * f64::from(rate.burst)
    }

    fn pour(&mut self, rate: RateConfig, now: f64) {
        (self.level, self.seen) = (self.drained(now) + rate.per.as_secs_f64() / f64::from(rate.requests), now);
    }
}

#[test]
fn requests_are_taken_as_a_bucket_takes_them_and_the_wait_that_is_told_is_true() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..200 {
        let rate = rate(random.u32(1..200), [1, 60, 3600][random.usize(..3)], random.u32(1..30));
        let step = (rate.per.as_millis() as u64 * 2 / u64::from(rate.requests)).max(2);
        let limit = limit(of_clients(rate, 65_536));
        let (mut buckets, mut now) = (HashMap::<String, Bucket>::new(), random.u64(..1_000_000));
        for _ in 0..300 {
            now += if random.bool() { 0 } else { random.u64(..step) };
            let client = format!("192.0.2.{}", random.u8(..3));
            let bucket = buckets.entry(client.clone()).or_default();
            let seconds = now as f64 / 1000.0;
            let wait = bucket.wait(rate, seconds);
            let told = limit.take(ip(&client), at(now));
            // Each request may be rounded by a tick.
            let is_close = wait.abs() < 1e-3;
            match told {
                Ok(()) => {
                    assert!(wait <= 0.0 || is_close, "seed {seed}: {wait} {rate:?}");
                    bucket.pour(rate, seconds);
                }
                Err(told) => {
                    let told = told.wait;
                    assert!(
                        (told.as_secs_f64() - wait).abs() < 1e-3 * (1.0 + wait),
                        "seed {seed}: {told:?} for {wait}, {rate:?}"
                    );
                    let sooner = at(now) + told.saturating_sub(Duration::from_micros(2));
                    assert!(limit.take(ip(&client), sooner).is_err(), "seed {seed}: {told:?} is too long");
                    now += u64::try_from(told.as_millis()).unwrap() + 1;
                    assert_eq!(limit.take(ip(&client), at(now)), Ok(()), "seed {seed}: {told:?} is too short");
                    buckets.entry(client).or_default().pour(rate, now as f64 / 1000.0);
                }
            }
        }
    }
}

#[test]
fn nobody_is_freed_by_being_forgotten() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut forgotten = 0;
    for _ in 0..30 {
        let rate = rate(random.u32(1..50), 1, random.u32(1..10));
        // Room for far fewer than there are.
        let limit = limit(of_clients(rate, 8 * random.usize(1..4)));
        let (mut buckets, mut now) = (HashMap::<u32, Bucket>::new(), 10_000);
        for _ in 0..3_000 {
            now += random.u64(..20);
            let client = random.u32(..200) & random.u32(..);
            let seconds = now as f64 / 1000.0;
            let bucket = buckets.entry(client).or_default();
            match limit.take(IpAddr::from(client.to_be_bytes()), at(now)) {
                Ok(()) => {
                    let wait = bucket.wait(rate, seconds);
                    assert!(wait < 1e-3, "seed {seed}: {client} would have had to wait for {wait} s: {rate:?}");
                    bucket.pour(rate, seconds);
                }
                Err(_) if bucket.wait(rate, seconds) <= 0.0 => forgotten += 1,
                Err(_) => {}
            }
        }
    }
    assert!(forgotten > 0, "seed {seed}: there was room for everybody, so that this shows nothing");
}
