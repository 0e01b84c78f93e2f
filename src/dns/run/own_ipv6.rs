//! Whether this machine has IPv6 of its own.

use std::net::{Ipv6Addr, SocketAddr, UdpSocket};

/// A.root-servers.net: an address of the kind that members have, out in the world.
const ANYWHERE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V6(Ipv6Addr::new(0x2001, 0x503, 0xba3e, 0, 0, 0, 2, 0x30)), 53);

/// Whether the kernel knows a way there and a source address for it. A UDP socket that is connected sends nothing.
pub(super) fn is_there() -> bool {
    UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).and_then(|socket| socket.connect(ANYWHERE)).is_ok()
}
