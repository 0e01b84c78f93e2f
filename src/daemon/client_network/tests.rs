#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn an_ipv6_client_is_its_network_and_an_ipv4_client_its_address() {
    let client = |text: &str| of(text.parse().unwrap());
    assert_eq!(client("2001:db8:1:2:3::4"), client("2001:db8:1:2:ffff::"));
    assert_ne!(client("2001:db8:1:2::"), client("2001:db8:1:3::"));
    assert_ne!(client("192.0.2.1"), client("192.0.2.2"));
    assert_eq!(client("::ffff:192.0.2.1"), client("192.0.2.1"));
}
