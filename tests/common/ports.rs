//! Addresses for servers that tests start: each test program that needs them includes this file.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// Below those that Linux gives to whoever asks for no certain port (ip(7), `ip_local_port_range`). A port of that range is soon given to a client or to
/// another test: before the server listens at it, or while it is started again.
const RANGE: Range<u16> = 10_000..32_000;

/// Which of them this program has given, by port.
static GIVEN: [AtomicBool; 1 << 16] = [const { AtomicBool::new(false) }; 1 << 16];

/// An address of this machine at which nobody listens, neither over UDP nor over TCP. Each is given once.
pub fn free_address() -> SocketAddr {
    for _ in RANGE {
        let port = fastrand::u16(RANGE);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let is_free = TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok();
        if is_free && !GIVEN[usize::from(port)].swap(true, Ordering::Relaxed) {
            return address;
        }
    }
    panic!("no port is free in {RANGE:?}");
}
