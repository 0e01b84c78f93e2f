//! Connections to backends: opening them, and keeping idle ones for the next request. One pool a worker.

use std::cell::RefCell;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;

use fnv::FnvHashMap;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use resting::Resting;
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::http1::forwarded::Client;
use super::transport::Transport;
use crate::proxy::snapshot::{Backend, Service};
use crate::proxy_protocol::{self, Ends};
use crate::tls::client::{Connector, HandshakeError, Proof};

mod resting;

/// What a connection leads to. Those of one peer can stand in for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Peer {
    /// The address that was dialled.
    pub address: SocketAddr,
    /// How what is said there is kept secret.
    pub secured: Secured,
    /// What a connection begins with: a header of the PROXY protocol that names a visitor.
    pub named: Option<proxy_protocol::Version>,
}

/// What protects a connection to a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Secured {
    /// Nothing: it is in clear text.
    Clear,
    /// TLS, with what had this number when it was in force ([`Connector::number`]).
    By(u64),
    /// It would have to be TLS, for which nothing is in force: there is no such connection.
    Unusable,
}

impl Peer {
    /// A server that is spoken to in clear text and told of no visitor.
    pub fn in_clear(address: SocketAddr) -> Peer {
        Peer { address, secured: Secured::Clear, named: None }
    }

    /// Where connections of a service's backend lead now.
    pub fn of(service: &Service, backend: &Backend) -> Peer {
        let secured = match service.backend_tls.as_ref().map(|connector| connector.number()) {
            None => Secured::Clear,
            Some(Some(number)) => Secured::By(number),
            Some(None) => Secured::Unusable,
        };
        Peer { address: backend.address, secured, named: service.send_proxy }
    }
}

/// Idle connections by peer, of which the document says how many there are.
#[derive(Default)]
pub struct Pool {
    idle: RefCell<FnvHashMap<Peer, Resting<Idle>>>,
}

struct Idle {
    stream: Transport,
    until: Instant,
}

impl Pool {
    /// An idle connection that is still open ([`is_open`]). One that is not does not count as an attempt: it is dropped and
    /// the next one is looked at.
    pub fn take(&self, peer: Peer, surely: bool) -> Option<Transport> {
        let mut idle = self.idle.borrow_mut();
        let connections = idle.get_mut(&peer)?;
        let now = Instant::now();
        while let Some(connection) = connections.take() {
            if now < connection.until && is_open(&connection.stream, surely) {
                return Some(connection.stream);
            }
        }
        None
    }

    /// Keeps a connection until then; the oldest one is closed when there are more than `most`.
    pub fn put(&self, peer: Peer, stream: Transport, until: Instant, most: usize) {
        let mut idle = self.idle.borrow_mut();
        idle.entry(peer).or_default().put(Idle { stream, until }, most);
    }

    /// Drops connections that are too old, that the backend has closed or that are many and not needed, and all connections to a
    /// peer that is not wanted any more.
    pub fn sweep(&self, wanted: impl Fn(Peer) -> bool) {
        let now = Instant::now();
        self.idle.borrow_mut().retain(|peer, connections| {
            connections.sweep(|connection| now < connection.until && is_quiet(&connection.stream));
            wanted(*peer) && !connections.is_empty()
        });
    }
}

/// A connection that serves one visitor only: others would be taken for him, or his service keeps connections apart.
pub struct OwnConnection {
    /// Where it leads.
    pub peer: Peer,
    /// The idle connection.
    pub stream: Transport,
    /// The backend knows by it who the visitor is.
    pub is_authenticated: bool,
}

/// Whether an idle connection is still open: the backend has neither closed it nor sent something on it unasked. `surely`: ask
/// the kernel, not only the event loop, which may be a moment behind; for a request that would be lost if it were
/// written to a closed connection.
pub fn is_open(stream: &Transport, surely: bool) -> bool {
    is_quiet(stream) && (!surely || matches!(stream.tcp().map(peek), Some(Err(Errno::EAGAIN))))
}

/// Open, and nothing to read, as far as the event loop knows: no system call unless it has seen an event.
fn is_quiet(stream: &Transport) -> bool {
    if let Transport::Tls(stream) = stream
        && !stream.is_quiet()
    {
        return false;
    }
    let Some(stream) = stream.tcp() else { return false };
    let peeked = stream.try_io(Interest::READABLE, || peek(stream).map_err(io::Error::from));
    matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

fn peek(stream: &TcpStream) -> nix::Result<usize> {
    recv(stream.as_raw_fd(), &mut [0], MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT)
}

/// Why a connection could not be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectError {
    /// The backend or the network refused.
    Refused,
    /// There is no connection over TLS.
    Handshake(HandshakeError),
    /// This machine has no descriptor, port or memory for it, which says nothing about the backend.
    OutOfResources,
}

/// The header by which a backend is told who the visitor is.
pub fn introduction(version: proxy_protocol::Version, visitor: &Client) -> Vec<u8> {
    let unknown = |source: SocketAddr| match source {
        SocketAddr::V4(_) => SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0),
        SocketAddr::V6(_) => SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0),
    };
    // It is not known of connections that are older than the document that wants it said.
    let destination = visitor.destination.unwrap_or_else(|| unknown(visitor.peer));
    let mut header = Vec::new();
    proxy_protocol::write(version, Some(Ends { source: visitor.peer, destination }), &mut header);
    header
}

/// Opens a connection, over TLS if there is a connector. `introduction`: what it begins with, before TLS.
pub async fn connect(
    address: SocketAddr,
    introduction: Option<&[u8]>,
    tls: Option<&Connector>,
) -> Result<Transport, ConnectError> {
    let mut stream = TcpStream::connect(address).await.map_err(|error| classify(&error))?;
    if let Some(introduction) = introduction {
        stream.write_all(introduction).await.map_err(|error| classify(&error))?;
    }
    stream.set_nodelay(true).map_err(|error| classify(&error))?;
    let Some(connector) = tls else { return Ok(Transport::Tcp(stream)) };
    // On the heap: requests to backends in clear text have no room for it.
    match Box::pin(connector.connect(stream, address, Proof::OrResumed)).await {
        Ok(stream) => Ok(Transport::Tls(Box::new(stream))),
        Err(HandshakeError::OutOfResources(_)) => Err(ConnectError::OutOfResources),
        Err(error) => Err(ConnectError::Handshake(error)),
    }
}

fn classify(error: &io::Error) -> ConnectError {
    use nix::libc::{EADDRINUSE, EADDRNOTAVAIL, EMFILE, ENFILE, ENOBUFS, ENOMEM};
    match error.raw_os_error() {
        Some(EADDRINUSE | EADDRNOTAVAIL | EMFILE | ENFILE | ENOBUFS | ENOMEM) => ConnectError::OutOfResources,
        _ => ConnectError::Refused,
    }
}
