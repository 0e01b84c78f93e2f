use super::*;

#[test]
fn what_there_was_none_of_is_left_out() {
    assert_eq!(ZoneQueries::default().in_words(), "0 answered");
    let queries = ZoneQueries {
        answered: 12,
        nxdomain: 3,
        servfail: 0,
        cookies: CookieQueries { absent: 6, asked: 3, bad: 1, good: 2 },
        rate_limited: LimitedResponses { dropped: 5, slipped: 4, log_only: 0 },
    };
    assert_eq!(
        queries.in_words(),
        "12 answered (3 NXDOMAIN), cookies: 2 good, 1 bad, 3 asked for, 6 without; beyond the rate limit: 5 dropped, 4 slipped"
    );
}
