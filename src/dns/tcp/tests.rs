use super::*;

#[test]
fn an_ipv6_client_is_its_network_and_an_ipv4_client_its_address() {
    let key = |text: &str| client_network::of(text.parse().expect("an address"));
    assert_eq!(key("2001:db8:1:2:3::4"), key("2001:db8:1:2:ffff::"));
    assert_ne!(key("2001:db8:1:2::"), key("2001:db8:1:3::"));
    assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
}
