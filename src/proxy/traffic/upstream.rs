//! Connections to backends: opening them, and keeping idle ones for the next request. One pool a worker.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Idle connections by address, the one used last on top.
#[derive(Default)]
pub struct Pool {
    idle: RefCell<HashMap<SocketAddr, Vec<Idle>>>,
}

struct Idle {
    stream: TcpStream,
    until: Instant,
}

impl Pool {
    /// An idle connection that is still open ([`is_open`]). One that is not does not count as an attempt: it is dropped and
    /// the next one is looked at.
    pub fn take(&self, address: SocketAddr, surely: bool) -> Option<TcpStream> {
        let mut idle = self.idle.borrow_mut();
        let connections = idle.get_mut(&address)?;
        let now = Instant::now();
        while let Some(connection) = connections.pop() {
            if now < connection.until && is_open(&connection.stream, surely) {
                return Some(connection.stream);
            }
        }
        None
    }

    /// Keeps a connection until then; the oldest one is closed when there are more than `most`.
    pub fn put(&self, address: SocketAddr, stream: TcpStream, until: Instant, most: usize) {
        let mut idle = self.idle.borrow_mut();
        let connections = idle.entry(address).or_default();
        connections.push(Idle { stream, until });
        if connections.len() > most {
            connections.remove(0);
        }
    }

    /// Drops connections that are too old or that the backend has closed, and all connections to an address that is not
    /// wanted any more.
    pub fn sweep(&self, wanted: impl Fn(SocketAddr) -> bool) {
        let now = Instant::now();
        self.idle.borrow_mut().retain(|address, connections| {
            if wanted(*address) {
                connections.retain(|connection| now < connection.until && is_quiet(&connection.stream));
            } else {
                connections.clear();
            }
            !connections.is_empty()
        });
    }
}

/// A connection that serves one visitor only: others would be taken for him, or his service keeps connections apart.
pub struct OwnConnection {
    /// The backend's address.
    pub address: SocketAddr,
    /// The idle connection.
    pub stream: TcpStream,
    /// The backend knows by it who the visitor is.
    pub is_authenticated: bool,
}

/// Whether an idle connection is still open: the backend has neither closed it nor sent something on it unasked. `surely`: ask
/// the kernel, not only the event loop, which may be a moment behind; for a request that would be lost if it were
/// written to a closed connection.
pub fn is_open(stream: &TcpStream, surely: bool) -> bool {
    is_quiet(stream) && (!surely || matches!(peek(stream), Err(Errno::EAGAIN)))
}

/// Open, and nothing to read, as far as the event loop knows: no system call unless it has seen an event.
fn is_quiet(stream: &TcpStream) -> bool {
    let peeked = stream.try_io(Interest::READABLE, || peek(stream).map_err(io::Error::from));
    matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

fn peek(stream: &TcpStream) -> nix::Result<usize> {
    recv(stream.as_raw_fd(), &mut [0], MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT)
}

/// Why a connection could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectError {
    /// The backend or the network refused.
    Refused,
    /// This machine has no descriptor, port or memory for it, which says nothing about the backend.
    OutOfResources,
}

/// Opens a connection.
pub async fn connect(address: SocketAddr) -> Result<TcpStream, ConnectError> {
    let stream = TcpStream::connect(address).await.map_err(|error| classify(&error))?;
    stream.set_nodelay(true).map_err(|error| classify(&error))?;
    Ok(stream)
}

fn classify(error: &io::Error) -> ConnectError {
    use nix::libc::{EADDRINUSE, EADDRNOTAVAIL, EMFILE, ENFILE, ENOBUFS, ENOMEM};
    match error.raw_os_error() {
        Some(EADDRINUSE | EADDRNOTAVAIL | EMFILE | ENFILE | ENOBUFS | ENOMEM) => ConnectError::OutOfResources,
        _ => ConnectError::Refused,
    }
}
