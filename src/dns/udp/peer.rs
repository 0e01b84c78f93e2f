//! Where a datagram came from, as its socket gives it: an address of one family, which is small enough to be copied for each datagram.

use std::net::{IpAddr, SocketAddr};

use nix::sys::socket::{SockaddrIn, SockaddrIn6, SockaddrLike};

/// An address of the family that a socket has.
pub(super) trait Peer: SockaddrLike + Copy {
    /// Without its port; an IPv4 address in IPv6 form is an IPv4 address.
    fn ip(&self) -> IpAddr;

    /// As it is, with its port.
    fn address(&self) -> SocketAddr;
}

impl Peer for SockaddrIn {
    fn ip(&self) -> IpAddr {
        SockaddrIn::ip(self).into()
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::new(SockaddrIn::ip(self).into(), self.port())
    }
}

impl Peer for SockaddrIn6 {
    fn ip(&self) -> IpAddr {
        IpAddr::V6(SockaddrIn6::ip(self)).to_canonical()
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::new(SockaddrIn6::ip(self).into(), self.port())
    }
}
