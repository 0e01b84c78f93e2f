//! What is wrong with how much a service takes.

use super::PROXY;

/// A service with both.
const WHOLE: (&str, &str) = (
    r#""hosts": ["www.example.net"],"#,
    r#""hosts": ["www.example.net"], "rate_limit": { "service": { "rate": "20/s" }, "client": { "rate": "5000/h", "burst": 30 } },"#,
);

#[test]
fn a_broken_rate_limit_is_refused() {
    PROXY.refuses(&[
        (&[WHOLE], &[]),
        (
            &[(r#""hosts": ["www.example.net"],"#, r#""hosts": ["www.example.net"], "rate_limit": {},"#)],
            &["proxy.json:22: services.www.rate_limit: limits nothing: expected client, service, or both"],
        ),
        (
            &[WHOLE, ("20/s", "20"), ("5000/h", "5000/d")],
            &[
                r#"proxy.json:22: services.www.rate_limit.client.rate: "5000/d" is not a rate, like "20/s", "300/m" or "5000/h""#,
                r#"proxy.json:22: services.www.rate_limit.service.rate: "20" is not a rate, like "20/s", "300/m" or "5000/h""#,
            ],
        ),
        (
            &[WHOLE, ("20/s", "0/m"), ("5000/h", "360000001/h")],
            &[
                r#"proxy.json:22: services.www.rate_limit.client.rate: "360000001/h" is more than can be counted: expected at most 360000000/h"#,
                r#"proxy.json:22: services.www.rate_limit.service.rate: "0/m" would let no request pass: expected at least 1"#,
            ],
        ),
        (
            &[WHOLE, ("5000/h", "1/h")],
            &["proxy.json:22: services.www.rate_limit.client.burst: takes more than a day to be whole again at this rate: expected a smaller burst, or a higher rate"],
        ),
        (
            &[WHOLE, (r#""burst": 30"#, r#""burst": 0, "prefix4": 33, "prefix6": 65, "entries": 7, "exempt": ["10.0.0.1/8"]"#)],
            &[
                "proxy.json:22: services.www.rate_limit.client.burst: 0 is out of range: expected 1 to 1000000",
                "proxy.json:22: services.www.rate_limit.client.prefix4: 33 is out of range: expected 8 to 32",
                "proxy.json:22: services.www.rate_limit.client.prefix6: 65 is out of range: expected 16 to 64",
                "proxy.json:22: services.www.rate_limit.client.entries: 7 is out of range: expected 8 to 16777216",
                r#"proxy.json:22: services.www.rate_limit.client.exempt[0]: "10.0.0.1/8" has bits beyond its prefix: expected "10.0.0.0/8""#,
            ],
        ),
    ]);
}

#[test]
fn what_is_said_of_a_queue_that_nobody_can_be_in_and_of_weights_that_nothing_looks_at_is_refused() {
    const HOSTS: &str = r#""hosts": ["www.example.net"],"#;
    PROXY.refuses(&[
        (
            &[(HOSTS, r#""hosts": ["www.example.net"], "max_queue": 5, "queue_timeout": "1s","#)],
            &[
                "proxy.json:22: services.www.max_queue: has no meaning where no backend has \"max_connections\"; leave it out",
                "proxy.json:22: services.www.queue_timeout: has no meaning where no backend has \"max_connections\"; leave it out",
            ],
        ),
        (
            &[
                (HOSTS, r#""hosts": ["www.example.net"], "max_queue": -1, "queue_timeout": "0s", "slow_start": "10ms", "max_request_body": 1.5,"#),
                (r#""address": "192.0.2.21:80", "weight": 100"#, r#""address": "192.0.2.21:80", "max_connections": 0"#),
                (r#""address": "192.0.2.22:80", "weight": 100"#, r#""address": "192.0.2.22:80", "max_connections": 1"#),
            ],
            &[
                "proxy.json:22: services.www.max_queue: -1 is out of range: expected 0 to 1000000",
                "proxy.json:22: services.www.queue_timeout: \"0s\" is out of range: expected 1ms to 1h",
                "proxy.json:22: services.www.slow_start: \"10ms\" is out of range: expected 1s to 1h",
                "proxy.json:22: services.www.max_request_body: expected a whole number from 0 to 1099511627776, found the number 1.5",
                "proxy.json:27: services.www.backends[0].max_connections: 0 is out of range: expected 1 to 1000000",
            ],
        ),
        (
            &[(r#""hosts": ["shop.example.net"],"#, r#""hosts": ["shop.example.net"], "slow_start": "10s","#)],
            &["proxy.json:33: services.shop.slow_start: has no meaning with permanent failover, where one backend gets all requests; leave it out"],
        ),
        (
            &[(r#""hosts": ["shop.example.net"],"#, r#""hosts": ["shop.example.net"], "hedge_after": "1s","#)],
            &["proxy.json:33: services.shop.hedge_after: has no meaning with permanent failover, where one backend gets all requests; leave it out"],
        ),
    ]);
}

#[test]
fn what_cannot_be_sent_again_and_a_budget_of_nothing_are_refused() {
    const HOSTS: &str = r#""hosts": ["www.example.net"],"#;
    PROXY.refuses(&[
        (&[(HOSTS, r#""hosts": ["www.example.net"], "retry_on": ["500"], "retry_budget": 0, "try_timeout": "2h","#)],
        &[
            r#"proxy.json:22: services.www.retry_on[0]: "500" is not one of "empty-response", "junk-response", "response-timeout", "502", "503", "504""#,
            "proxy.json:22: services.www.retry_budget: 0 is out of range: expected 1 to 100",
            r#"proxy.json:22: services.www.try_timeout: "2h" is out of range: expected 1ms to 1h"#,
        ]),
        (
            &[(HOSTS, r#""hosts": ["www.example.net"], "try_timeout": "3s", "hedge_after": "3s","#)],
            &[r#"proxy.json:22: services.www.hedge_after: no attempt lasts so long: "try_timeout" ends each after 3s; say less than that, or leave it out"#],
        ),
        (
            &[(HOSTS, r#""hosts": ["www.example.net"], "hedge_after": "0s","#)],
            &[r#"proxy.json:22: services.www.hedge_after: "0s" is out of range: expected 1ms to 1h"#],
        ),
    ]);
}
