use std::collections::BTreeMap;

use super::*;

const BOUND: Duration = Duration::from_secs(5);

fn ip(n: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, n])
}

fn ips(numbers: &[u8]) -> Vec<IpAddr> {
    numbers.iter().copied().map(ip).collect()
}

/// What is held of members 1 to 4, all of which are answered, when these are up and the others down.
fn judge(before: Option<&Falling>, up: &[u8], proved_at: &[(u8, u64)], at: u64) -> Option<Falling> {
    let (answered, up) = (ips(&[1, 2, 3, 4]), ips(up));
    let down: Vec<IpAddr> = answered.iter().filter(|address| !up.contains(address)).copied().collect();
    let proved: BTreeMap<IpAddr, u64> = proved_at.iter().map(|(n, at)| (ip(*n), *at)).collect();
    let now = Now { answered: &answered, up: &up, down: &down, bound: BOUND, running: Duration::from_millis(at) };
    Falling::judge(before, &now, |address, since| {
        proved.get(&address).is_some_and(|at| Duration::from_millis(*at) >= since)
    })
}

fn held(falling: Option<&Falling>) -> Vec<IpAddr> {
    falling.map_or(Vec::new(), |falling| falling.addresses().to_vec())
}

#[test]
fn a_member_that_is_found_down_is_answered_until_each_other_one_was_probed_later() {
    let first = judge(None, &[1, 2, 3], &[(1, 900), (2, 950), (3, 999)], 1_000);
    assert_eq!(held(first.as_ref()), ips(&[4]));
    let next = judge(first.as_ref(), &[1, 2, 3], &[(1, 1_001), (2, 1_002), (3, 999)], 1_010);
    assert_eq!(next, first, "the third may be next");
    assert_eq!(judge(next.as_ref(), &[1, 2, 3], &[(1, 1_001), (2, 1_002), (3, 1_003)], 1_020), None);
}

#[test]
fn members_of_a_site_that_fails_leave_together() {
    let first = judge(None, &[1, 2, 3], &[], 1_000);
    let second = judge(first.as_ref(), &[1, 2], &[(1, 1_001)], 1_500);
    assert_eq!(held(second.as_ref()), ips(&[3, 4]));
    assert_eq!(judge(second.as_ref(), &[1], &[(1, 1_001)], 2_000), None, "the first is well, the others are gone");
}

#[test]
fn when_nobody_is_left_there_is_nothing_to_wait_for() {
    let first = judge(None, &[1], &[], 1_000);
    assert!(first.is_some());
    assert_eq!(judge(first.as_ref(), &[], &[], 1_001), None);
}

#[test]
fn nobody_is_answered_for_longer_than_a_check_needs_to_find_the_others_down_too() {
    let first = judge(None, &[1, 2, 3], &[], 1_000);
    let second = judge(first.as_ref(), &[1, 2], &[], 5_999);
    assert!(second.is_some());
    assert_eq!(judge(second.as_ref(), &[1, 2], &[], 6_000), None, "counted from the first that fell");
}

#[test]
fn a_member_that_comes_back_meanwhile_ends_it() {
    let first = judge(None, &[1, 2, 3], &[], 1_000);
    assert_eq!(judge(first.as_ref(), &[1, 2, 3, 4], &[], 1_100), None);
}
