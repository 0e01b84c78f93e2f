//! What tells listening sockets apart: transport and address, as the kernel has them.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use socket2::{Domain, SockRef, Type};

/// What tells listening sockets apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Identity {
    Tcp(SocketAddr),
    Udp(SocketAddr),
    Unix(PathBuf),
}

/// Why a descriptor is nothing that a daemon listens on.
#[derive(Debug)]
pub(super) struct NotAListener(String);

impl fmt::Display for NotAListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Identity::Tcp(address) => write!(f, "tcp {address}"),
            Identity::Udp(address) => write!(f, "udp {address}"),
            Identity::Unix(path) => write!(f, "unix {}", path.display()),
        }
    }
}

impl Identity {
    /// The identity of this socket.
    pub(super) fn of(socket: &SockRef<'_>) -> Result<Identity, NotAListener> {
        let ask = |error: std::io::Error| NotAListener(format!("not a socket ({error})"));
        let (kind, domain) = (socket.r#type().map_err(ask)?, socket.domain().map_err(ask)?);
        let listening = socket.is_listener().map_err(ask)?;
        let address = socket.local_addr().map_err(ask)?;
        if domain == Domain::IPV6 && !socket.only_v6().map_err(ask)? {
            let why = "it takes IPv4 too, and a listener of ours takes one family (BindIPv6Only=ipv6-only)";
            return Err(NotAListener(why.to_owned()));
        }
        match (kind, address.as_socket()) {
            (Type::STREAM, Some(address)) if listening => Ok(Identity::Tcp(address)),
            (Type::DGRAM, Some(address)) if address.port() != 0 => Ok(Identity::Udp(address)),
            (Type::STREAM, None) if listening => match address.as_pathname() {
                Some(path) if path.exists() => Ok(Identity::Unix(path.to_owned())),
                Some(path) => Err(NotAListener(format!("its file {} is gone, so nobody can reach it", path.display()))),
                None => Err(NotAListener("a Unix socket without a file".to_owned())),
            },
            _ => Err(NotAListener("neither listening TCP, nor bound UDP, nor a listening Unix socket".to_owned())),
        }
    }

    pub(super) fn address(&self) -> Option<SocketAddr> {
        match self {
            Identity::Tcp(address) | Identity::Udp(address) => Some(*address),
            Identity::Unix(_) => None,
        }
    }

    /// Both can get the same packet: same transport, family and port, and one of them is the wildcard.
    pub(super) fn overlaps(&self, other: &Identity) -> bool {
        let (one, other) = match (self, other) {
            (Identity::Tcp(one), Identity::Tcp(other)) | (Identity::Udp(one), Identity::Udp(other)) => (one, other),
            _ => return false,
        };
        one.port() == other.port()
            && one.is_ipv4() == other.is_ipv4()
            && (one.ip().is_unspecified() || other.ip().is_unspecified())
    }
}
