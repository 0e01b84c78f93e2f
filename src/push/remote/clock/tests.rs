use super::*;

#[test]
fn counters_follow_the_hosts_clock_and_go_on_where_others_were_ahead() {
    let clock = HostClock::default();
    let hour = 3_600_000;
    clock.set(Clock { now: unix_ms() + hour, counter: 5 });
    let (first, now) = clock.next();
    assert!(now >= unix_ms() + hour - 1000 && first >= now);
    assert!(clock.next().0 > first);
    clock.set(Clock { now: unix_ms(), counter: first + 1_000_000 });
    assert_eq!(clock.next().0, first + 1_000_001);
}
