//! Who counts as one client where each may have so many connections (pure): an IPv4 address, or an IPv6 /64, since a customer gets no
//! less and has all of it.

use std::net::{IpAddr, Ipv6Addr};

/// The address that stands for a client: IPv4 also where IPv6 carries it (RFC 4291, 2.5.5.2), and of IPv6 the network.
pub fn of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
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
}
