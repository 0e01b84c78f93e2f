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
mod tests;
