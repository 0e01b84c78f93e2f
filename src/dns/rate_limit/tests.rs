#![allow(clippy::unwrap_used)]

use std::time::Duration;

use super::*;

const WWW: Account = Account { class: Class::Answer, name: 17 };

fn limits(responses_per_second: u32, window_s: u64, slip: u32) -> RateLimitConfig {
    RateLimitConfig { responses_per_second, window: Duration::from_secs(window_s), slip, ..RateLimitConfig::default() }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// How many of `count` responses at one moment are sent, slip through, and are dropped.
fn burst(
    accounts: &Accounts,
    limits: &RateLimitConfig,
    client: &str,
    account: Account,
    now: u32,
    count: usize,
) -> [usize; 3] {
    let mut verdicts = [0; 3];
    for _ in 0..count {
        match accounts.debit(limits, ip(client), account, now) {
            Verdict::Send => verdicts[0] += 1,
            Verdict::Slip => verdicts[1] += 1,
            Verdict::Drop => verdicts[2] += 1,
        }
    }
    verdicts
}

#[test]
fn so_many_are_sent_a_second_and_every_second_one_beyond_slips() {
    let (accounts, limits) = (Accounts::default(), limits(10, 15, 2));
    assert_eq!(burst(&accounts, &limits, "192.0.2.1", WWW, 100, 30), [10, 10, 10]);
    let verdict = |slip| {
        let limits = RateLimitConfig { slip, ..limits.clone() };
        burst(&Accounts::default(), &limits, "192.0.2.1", WWW, 100, 30)
    };
    assert_eq!([verdict(0), verdict(1), verdict(10)], [[10, 0, 20], [10, 20, 0], [10, 2, 18]]);
}

#[test]
fn who_keeps_to_the_rate_is_never_limited() {
    let (accounts, limits) = (Accounts::default(), limits(10, 15, 2));
    for now in 0..1000 {
        assert_eq!(burst(&accounts, &limits, "192.0.2.1", WWW, now, 10), [10, 0, 0], "second {now}");
    }
}

#[test]
fn who_goes_on_is_limited_until_the_window_has_passed_quietly() {
    let (accounts, limits) = (Accounts::default(), limits(10, 15, 0));
    for now in 0..60 {
        let sent = if now == 0 { 10 } else { 0 };
        assert_eq!(burst(&accounts, &limits, "192.0.2.1", WWW, now, 100), [sent, 0, 100 - sent], "second {now}");
    }
    assert_eq!(burst(&accounts, &limits, "192.0.2.1", WWW, 59 + 15, 1), [0, 0, 1]);
    assert_eq!(burst(&accounts, &limits, "192.0.2.1", WWW, 59 + 17, 10), [10, 0, 0]);
}

#[test]
fn a_network_is_one_client_and_another_network_another() {
    let (accounts, limits) = (Accounts::default(), limits(10, 15, 0));
    let sent = |client: &str| burst(&accounts, &limits, client, WWW, 5, 10)[0];
    assert_eq!(sent("192.0.2.1"), 10);
    assert_eq!([sent("192.0.2.254"), sent("192.0.3.1")], [0, 10]);
    assert_eq!(sent("2001:db8:0:100::1"), 10);
    assert_eq!([sent("2001:db8:0:1ff:ffff::2"), sent("2001:db8:0:200::1")], [0, 10]);
}

#[test]
fn classes_and_names_have_accounts_of_their_own() {
    let (accounts, limits) = (Accounts::default(), limits(10, 15, 0));
    for class in Class::ALL {
        for name in 0..50 {
            let account = Account { class, name };
            assert_eq!(burst(&accounts, &limits, "192.0.2.1", account, 5, 20), [10, 0, 10], "{account:?}");
        }
    }
}

#[test]
fn a_worker_whose_clock_is_behind_forgives_nothing() {
    let (accounts, limits) = (Accounts::default(), limits(10, 15, 0));
    burst(&accounts, &limits, "192.0.2.1", WWW, 1000, 100);
    assert_eq!(burst(&accounts, &limits, "192.0.2.1", WWW, 999, 10), [0, 0, 10]);
    assert_eq!(burst(&accounts, &limits, "192.0.2.1", WWW, 1000, 10), [0, 0, 10]);
}

#[test]
fn the_clock_may_wrap_and_old_accounts_are_full_again() {
    let (accounts, limits) = (Accounts::default(), limits(10, 15, 0));
    let wrap = 1 << Balance::SEEN_BITS;
    assert_eq!(burst(&accounts, &limits, "192.0.2.1", WWW, wrap - 1, 20), [10, 0, 10]);
    assert_eq!(burst(&accounts, &limits, "192.0.2.1", WWW, wrap, 20), [0, 0, 20]);
    assert_eq!(burst(&accounts, &limits, "192.0.2.1", WWW, wrap + wrap / 2, 20), [10, 0, 10]);
}

#[test]
fn the_largest_limits_fit_into_an_account() {
    let limits = limits(30_000, 60, 10);
    let mut balance = Balance { tag: (1 << 20) - 1, seen: 0, responses: -1_799_999, slipped: 8 };
    for _ in 0..3 {
        balance.take(&limits, 0);
        let read = Balance::read(balance.written()).unwrap();
        assert_eq!((read.tag, read.seen, read.responses), (balance.tag, 0, -1_800_000));
        balance = read;
    }
}

#[test]
fn a_flood_of_forged_networks_does_not_free_the_one_that_owes() {
    let (accounts, limits) = (Accounts::default(), limits(10, 15, 0));
    burst(&accounts, &limits, "192.0.2.1", WWW, 5, 200);
    for network in 0..300_000_u32 {
        accounts.debit(&limits, IpAddr::V4((0x0a00_0000 + (network << 8)).into()), WWW, 5);
    }
    assert_eq!(burst(&accounts, &limits, "192.0.2.1", WWW, 5, 10), [0, 0, 10]);
}

#[test]
fn workers_that_share_an_account_send_no_more_than_one_would() {
    let (accounts, limits) = (Accounts::default(), limits(1000, 15, 0));
    let sent: usize = std::thread::scope(|scope| {
        let one = || scope.spawn(|| burst(&accounts, &limits, "192.0.2.1", WWW, 5, 5000)[0]);
        let workers = [one(), one(), one(), one()];
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(sent, 1000);
}

#[test]
fn exempt_networks_are_known() {
    let limits = RateLimitConfig { exempt: vec!["127.0.0.0/8".parse().unwrap()], ..RateLimitConfig::default() };
    assert!(is_exempt(&limits, ip("127.1.2.3")));
    assert!(!is_exempt(&limits, ip("192.0.2.1")) && !is_exempt(&limits, ip("::1")));
}
