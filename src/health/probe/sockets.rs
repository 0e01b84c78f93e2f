//! Sockets that begin to connect. Owns the one that was refused last: it connects again, to the next target.
//!
//! Where thousands of targets are dead, a socket for each probe is a quarter of what they cost. A connection that this machine itself
//! refuses is over when connect(2) is asked again, and leaves its socket as it was before, its port too. Must never: let such a socket's
//! own state count as a target's failure.

use std::io;
use std::net::SocketAddr;

use nix::libc;
use socket2::{Domain, SockAddr, Socket, Type};

/// All that is kept between two probes.
#[derive(Debug, Default)]
pub struct Sockets {
    refused: Option<(Domain, Socket)>,
}

impl Sockets {
    /// A socket that connects, or has.
    ///
    /// # Errors
    ///
    /// The connection has failed already, or there is no socket.
    pub fn connect(&mut self, address: SocketAddr) -> io::Result<Socket> {
        let (domain, to) = (Domain::for_address(address), SockAddr::from(address));
        let again = self.refused.take().filter(|(of, socket)| *of == domain && begin(socket, &to).is_ok());
        let socket = match again {
            Some((_, socket)) => socket,
            None => {
                let socket = Socket::new(domain, Type::STREAM.nonblocking().cloexec(), None)?;
                begin(&socket, &to)?;
                socket
            }
        };
        match socket.connect(&to) {
            Err(error) if error.raw_os_error() == Some(libc::ECONNREFUSED) => {
                self.refused = Some((domain, socket));
                Err(error)
            }
            Err(error) if !matches!(error.raw_os_error(), Some(libc::EALREADY | libc::EISCONN)) => Err(error),
            _ => Ok(socket),
        }
    }
}

/// Sends the first SYN.
fn begin(socket: &Socket, to: &SockAddr) -> io::Result<()> {
    match socket.connect(to) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
