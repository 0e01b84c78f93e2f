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
