//! Binding new sockets, and the words when that fails.
//!
//! SO_REUSEPORT lets any process of the same user bind an address a second time and quietly get a part of its traffic.
//! That must not happen to a daemon started twice by mistake. So the first socket of a group is bound without it: that
//! fails if anybody listens there, shared or not. Only then is the group opened (SO_REUSEPORT set on the bound socket) and
//! the others join. There is no moment between the test and the use at which the address is free.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use rustix::net::sockopt::{Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, set_ip_mtu_discover, set_ipv6_mtu_discover};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use super::identity::Identity;

/// Connections that may wait to be accepted, per TCP listener; the kernel caps it at net.core.somaxconn (4096).
const TCP_BACKLOG: i32 = 4096;

/// Operators that may wait to be accepted.
const UNIX_BACKLOG: i32 = 128;

/// What a UDP socket may hold unread, in bytes; the kernel caps it at net.core.rmem_max.
const UDP_RECEIVE_BUFFER: usize = 4 << 20;

/// How long a read of a UDP socket blocks, so that its thread ticks at least each second.
const UDP_READ_TIMEOUT: Duration = Duration::from_millis(500);

/// A socket could not be had: says which address, why, and what to do.
#[derive(Debug)]
pub struct BindError {
    /// For the operator.
    pub message: String,
}

impl std::fmt::Display for BindError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for BindError {}

impl BindError {
    pub(super) fn new(identity: &Identity, why: impl std::fmt::Display) -> BindError {
        BindError { message: format!("cannot listen on {identity}: {why}") }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Transport {
    Tcp,
    Udp,
    /// UDP for whoever waits for many sockets at once, and sets what else he needs.
    Quic,
}

impl Transport {
    fn identity(self, address: SocketAddr) -> Identity {
        match self {
            Transport::Tcp => Identity::Tcp(address),
            Transport::Udp | Transport::Quic => Identity::Udp(address),
        }
    }

    fn kind(self) -> Type {
        match self {
            Transport::Tcp => Type::STREAM,
            Transport::Udp | Transport::Quic => Type::DGRAM,
        }
    }
}

/// `count` new sockets on an address nobody listens on, sharing its traffic. `beside_ours`: a socket of this very
/// daemon overlaps it (a wildcard replaces one address, or the other way), so the first cannot be bound alone.
pub(super) fn group(
    transport: Transport,
    address: SocketAddr,
    count: usize,
    beside_ours: bool,
) -> Result<Vec<Socket>, BindError> {
    let explain = |error| explain(transport, address, &error);
    let first = bound(transport, address, beside_ours).map_err(explain)?;
    first.set_reuse_port(true).map_err(explain)?;
    listen(transport, &first).map_err(explain)?;
    let actual = first.local_addr().ok().and_then(|actual| actual.as_socket()).unwrap_or(address);
    let mut sockets = vec![first];
    sockets.extend(join(transport, actual, count - 1)?);
    Ok(sockets)
}

/// `count` more sockets for an address that is ours already.
pub(super) fn join(transport: Transport, address: SocketAddr, count: usize) -> Result<Vec<Socket>, BindError> {
    let one = || {
        let socket = bound(transport, address, true)?;
        listen(transport, &socket)?;
        Ok(socket)
    };
    (0..count).map(|_| one().map_err(|error| explain(transport, address, &error))).collect()
}

fn bound(transport: Transport, address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), transport.kind(), None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // For TCP it means "even if old connections linger"; for UDP it would mean "even if somebody else has it".
    if matches!(transport, Transport::Tcp) {
        socket.set_reuse_address(true)?;
    }
    socket.set_reuse_port(shared)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn listen(transport: Transport, socket: &Socket) -> io::Result<()> {
    match transport {
        Transport::Tcp => socket.listen(TCP_BACKLOG),
        Transport::Udp | Transport::Quic => Ok(()),
    }
}

/// Sets what every socket of ours has, new or inherited.
pub(super) fn prepare(transport: Transport, socket: &Socket, address: SocketAddr) -> io::Result<()> {
    match transport {
        Transport::Tcp => socket.set_nonblocking(true),
        Transport::Udp => prepare_udp(socket, address),
        // Copies share this: a blocking one would hold up whoever reads another.
        Transport::Quic => {
            let _ = socket.set_recv_buffer_size(UDP_RECEIVE_BUFFER);
            socket.set_nonblocking(true)
        }
    }
}

fn prepare_udp(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(UDP_READ_TIMEOUT))?;
    // As much as the kernel grants; a small buffer is no reason not to serve.
    let _ = socket.set_recv_buffer_size(UDP_RECEIVE_BUFFER);
    if address.ip().is_unspecified() {
        match address {
            SocketAddr::V4(_) => setsockopt(socket, sockopt::Ipv4PacketInfo, &true)?,
            SocketAddr::V6(_) => setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &true)?,
        }
    }
    // Forged "fragmentation needed" messages must not shrink the path MTU of our answers and so make them
    // fragments, which can be forged in turn (draft-ietf-dnsop-avoid-fragmentation). Kernels without it serve as well.
    let _ = match address {
        SocketAddr::V4(_) => set_ip_mtu_discover(socket, Ipv4PathMtuDiscovery::OMIT),
        SocketAddr::V6(_) => set_ipv6_mtu_discover(socket, Ipv6PathMtuDiscovery::OMIT),
    };
    Ok(())
}

pub(super) fn explain(transport: Transport, address: SocketAddr, error: &io::Error) -> BindError {
    let port = address.port();
    let listing = match transport {
        Transport::Tcp => "-Hltnp",
        Transport::Udp | Transport::Quic => "-Hlunp",
    };
    let why = match error.raw_os_error() {
        Some(nix::libc::EADDRINUSE) => format!(
            "another process listens there. `ss {listing} 'sport = :{port}'` shows which; stop it, or, if it is this \
             daemon, start with --takeover"
        ),
        Some(nix::libc::EACCES) if port < 1024 => {
            "permission denied. Ports below 1024 need CAP_NET_BIND_SERVICE (in a unit: \
             AmbientCapabilities=CAP_NET_BIND_SERVICE)"
                .to_owned()
        }
        Some(nix::libc::EADDRNOTAVAIL) => format!(
            "this machine does not have the address {}. `ip address` shows those it has; at boot, start after \
             network-online.target",
            address.ip()
        ),
        Some(nix::libc::EAFNOSUPPORT) => {
            "this machine has IPv6 turned off. Turn it on, or take the listener out of the document".to_owned()
        }
        _ => error.to_string(),
    };
    BindError::new(&transport.identity(address), why)
}

/// A new listening Unix socket.
pub(super) fn unix(path: &Path) -> Result<Socket, BindError> {
    let identity = Identity::Unix(path.to_owned());
    let fail = |error: io::Error| BindError::new(&identity, error);
    make_room(path).map_err(|why| BindError::new(&identity, why))?;
    let address = SockAddr::unix(path).map_err(fail)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(fail)?;
    socket.bind(&address).map_err(fail)?;
    // Before `listen`, so that nobody connects while the mode is the umask's.
    fs::set_permissions(path, fs::Permissions::from_mode(0o660)).map_err(fail)?;
    socket.listen(UNIX_BACKLOG).map_err(fail)?;
    Ok(socket)
}

/// From here on whoever connects sees that this process listens there (SO_PEERCRED, unix(7)), and not the one that did before.
pub fn listen_anew(listener: impl AsFd) -> io::Result<()> {
    SockRef::from(&listener).listen(UNIX_BACKLOG)
}

/// Removes a socket file that nobody listens on; the error says what stands in the way.
fn make_room(path: &Path) -> Result<(), String> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        return Err(format!(
            "the folder {} does not exist; make it, owned by the daemon's user (in a unit: RuntimeDirectory=)",
            folder.display()
        ));
    }
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.to_string()),
        Ok(there) if !there.file_type().is_socket() => {
            return Err("a file that is not a socket is there; remove it or name another path".into());
        }
        Ok(_) => {}
    }
    match connect(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path)
            .map_err(|error| format!("a leftover socket nobody listens on is there and cannot be removed: {error}")),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err("a socket of another user is there; is a daemon running as that user?".into())
        }
        // A full queue (EAGAIN) is somebody's too.
        Ok(()) | Err(_) => {
            Err("a running daemon has it; stop that one first, or start with --takeover to replace it".into())
        }
    }
}

/// Whether somebody listens; never blocks, even when the queue there is full.
fn connect(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    socket.connect(&SockAddr::unix(path)?)
}
