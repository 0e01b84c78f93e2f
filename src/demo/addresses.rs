//! Which loopback addresses and ports a demo fleet gets.
//!
//! Owns the claim on a random 127.A.B.0/24: a listening socket that is held as long as the fleet lives, so that two
//! fleets on one machine never share an address. Must never: start anything. Called by [`super::fleet`].

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

/// The port of the socket that holds the claim.
const CLAIM_PORT: u16 = 5299;

/// How many networks are tried before giving up.
const TRIES: usize = 64;

/// What is added to every port in turn, if a program of this machine has one of them on all addresses.
const PORT_OFFSETS: [u16; 5] = [0, 10_000, 20_000, 30_000, 40_000];

/// A claimed network and the ports on it. Every host of the fleet has its own address and the same ports, as real hosts
/// have.
#[derive(Debug)]
pub struct Addresses {
    network: [u8; 2],
    offset: u16,
    _claim: TcpListener,
}

/// How many of each there are.
pub const NAMESERVERS: usize = 2;
/// Proxies of the fleet.
pub const PROXIES: usize = 3;
/// Members of etcd, where there is one.
pub const STORE_MEMBERS: usize = 3;
/// Backends of each service.
pub const BACKENDS: usize = 3;

impl Addresses {
    /// Claims a network nobody holds, and ports that can be bound on it.
    pub fn claim() -> io::Result<Addresses> {
        let mut last = None;
        for _ in 0..TRIES {
            let network = [fastrand::u8(1..=254), fastrand::u8(1..=254)];
            match Addresses::claim_network(network) {
                Ok(addresses) => return Ok(addresses),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::from(io::ErrorKind::AddrInUse)))
    }

    fn claim_network(network: [u8; 2]) -> io::Result<Addresses> {
        let claim = TcpListener::bind((Ipv4Addr::new(127, network[0], network[1], 1), CLAIM_PORT))?;
        let probe = Ipv4Addr::new(127, network[0], network[1], 2);
        let offset = PORT_OFFSETS.into_iter().find(|offset| ports_are_free(probe, *offset)).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::AddrInUse,
                format!("no free ports on {probe}: another program listens on all addresses"),
            )
        })?;
        Ok(Addresses { network, offset, _claim: claim })
    }

    fn host(&self, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.network[0], self.network[1], last)
    }

    fn at(&self, group: u8, index: usize, port: u16) -> SocketAddr {
        SocketAddr::from((self.host(group + 1 + index as u8), port + self.offset))
    }

    /// Where nameserver `index` answers queries.
    pub fn nameserver(&self, index: usize) -> SocketAddr {
        self.at(10, index, Port::DNS)
    }

    /// Where proxy `index` accepts visitors.
    pub fn proxy(&self, index: usize) -> SocketAddr {
        self.at(20, index, Port::HTTP)
    }

    /// Where proxy `index` accepts visitors over TLS.
    pub fn proxy_https(&self, index: usize) -> SocketAddr {
        self.at(20, index, Port::HTTPS)
    }

    /// The peers' channel of nameserver `index`.
    pub fn nameserver_peer(&self, index: usize) -> SocketAddr {
        self.at(10, index, Port::PEERS)
    }

    /// The peers' channel of proxy `index`.
    pub fn proxy_peer(&self, index: usize) -> SocketAddr {
        self.at(20, index, Port::PEERS)
    }

    /// The read-only page of nameserver `index`.
    pub fn nameserver_page(&self, index: usize) -> SocketAddr {
        self.at(10, index, Port::PAGE)
    }

    /// The read-only page of proxy `index`.
    pub fn proxy_page(&self, index: usize) -> SocketAddr {
        self.at(20, index, Port::PAGE)
    }

    /// Backend `index` of the stateless service.
    pub fn stateless_backend(&self, index: usize) -> SocketAddr {
        self.at(30, index, Port::HTTP)
    }

    /// Backend `index` of the stateful service.
    pub fn stateful_backend(&self, index: usize) -> SocketAddr {
        self.at(40, index, Port::HTTP)
    }

    /// Where member `index` of etcd answers the proxies.
    pub fn store_client(&self, index: usize) -> SocketAddr {
        self.at(50, index, Port::STORE)
    }

    /// Where it hears the other members.
    pub fn store_peer(&self, index: usize) -> SocketAddr {
        self.at(50, index, Port::STORE_PEERS)
    }

    /// The port on which proxy `index` checks the stateful service's backends. Each proxy has one of its own, so that
    /// a backend can be dead to one proxy alone.
    pub fn check_port(&self, proxy: usize) -> u16 {
        Port::CHECKS + self.offset + 1 + proxy as u16
    }

    /// A port nobody listens on.
    pub fn dead_port(&self) -> u16 {
        Port::DEAD + self.offset
    }

    /// The port every proxy accepts visitors over TLS on.
    pub fn https_port(&self) -> u16 {
        Port::HTTPS + self.offset
    }

    /// The port every proxy accepts visitors on.
    pub fn http_port(&self) -> u16 {
        Port::HTTP + self.offset
    }
}

/// The ports before the offset is added.
struct Port;

impl Port {
    const STORE: u16 = 2379;
    const STORE_PEERS: u16 = 2380;
    const DNS: u16 = 5300;
    const HTTP: u16 = 8080;
    const HTTPS: u16 = 8443;
    const CHECKS: u16 = 8090;
    const DEAD: u16 = 8099;
    const PAGE: u16 = 8404;
    const PEERS: u16 = 8405;
}

fn ports_are_free(host: Ipv4Addr, offset: u16) -> bool {
    let tcp = [Port::DNS, Port::HTTP, Port::HTTPS, Port::PAGE, Port::PEERS, Port::DEAD, Port::STORE, Port::STORE_PEERS]
        .into_iter()
        .chain((1..=PROXIES as u16).map(|proxy| Port::CHECKS + proxy));
    tcp.into_iter().all(|port| TcpListener::bind((host, port + offset)).is_ok())
        && UdpSocket::bind((host, Port::DNS + offset)).is_ok()
}

#[cfg(test)]
mod tests;
