//! A connection to the receiver: it is told what comes, is sent it, and has time to take its leave.
//!
//! Every wait has a limit, also that for the socket's queue of connections: a receiver that hangs holds up nothing but the thread that writes.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use socket2::{Domain, SockAddr, Socket, Type};

use super::frame::{Control, LENGTH, control_length, read_control};

/// How long the receiver may take for anything.
const LIMIT: Duration = Duration::from_secs(2);

/// One on which data may be sent.
#[derive(Debug)]
pub(super) struct Connection(UnixStream);

/// Why there is none.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody takes it.
    Connecting(io::Error),
    /// The receiver did not answer as it should.
    Shaking(io::Error),
    /// It wants something else than dnstap.
    Content,
}

impl fmt::Display for Failure {
    /// Worded to follow the socket.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Connecting(error) if is_timeout(error) => {
                write!(f, "takes no connection for {} s: its receiver hangs", LIMIT.as_secs())
            }
            Failure::Connecting(error) => write!(f, "has no receiver: {error}"),
            Failure::Shaking(error) if is_timeout(error) => {
                write!(f, "has a receiver that says nothing for {} s: does it read Frame Streams?", LIMIT.as_secs())
            }
            Failure::Shaking(error) => write!(f, "has a receiver that ended the handshake of Frame Streams: {error}"),
            Failure::Content => {
                f.write_str("has a receiver that takes another content type than protobuf:dnstap.Dnstap")
            }
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

impl Connection {
    /// Connects, and agrees with the receiver upon what comes.
    pub(super) fn open(path: &Path) -> Result<Connection, Failure> {
        let stream = connect(path).map_err(Failure::Connecting)?;
        let mut connection = Connection(stream);
        connection.control(Control::Ready).map_err(Failure::Shaking)?;
        match connection.heard().map_err(Failure::Shaking)? {
            (Control::Accept, true) => {}
            (Control::Accept, false) => return Err(Failure::Content),
            (other, _) => return Err(Failure::Shaking(unexpected(&format!("it said {other:?} instead of Accept")))),
        }
        connection.control(Control::Start).map_err(Failure::Shaking)?;
        Ok(connection)
    }

    /// Sends frames, the second part behind the first.
    ///
    /// # Errors
    ///
    /// The connection is of no more use. With whether any byte was taken.
    pub(super) fn send(&mut self, first: &[u8], second: &[u8]) -> Result<(), (bool, io::Error)> {
        let mut has_begun = false;
        for mut part in [first, second] {
            while !part.is_empty() {
                match self.0.write(part) {
                    Ok(0) => return Err((has_begun, io::ErrorKind::WriteZero.into())),
                    Ok(count) => (part, has_begun) = (&part[count..], true),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err((has_begun, error)),
                }
            }
        }
        Ok(())
    }

    /// Whether the receiver has gone. It has nothing to say before it is told that all was sent.
    pub(super) fn is_gone(&self) -> bool {
        let heard = recv(self.0.as_raw_fd(), &mut [0], MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_PEEK);
        !matches!(heard, Err(Errno::EAGAIN | Errno::EINTR))
    }

    /// Says that all was sent, and waits until the receiver has it, though not for long.
    pub(super) fn finish(mut self) {
        if self.control(Control::Stop).is_ok() {
            let _ = self.heard();
        }
    }

    fn control(&mut self, control: Control) -> io::Result<()> {
        self.0.write_all(&control.written())
    }

    fn heard(&mut self) -> io::Result<(Control, bool)> {
        let mut head = [0; 2 * LENGTH];
        self.0.read_exact(&mut head)?;
        let malformed = |_| unexpected("it speaks something else than Frame Streams");
        let mut body = vec![0; control_length(head).map_err(malformed)?];
        self.0.read_exact(&mut body)?;
        read_control(&body).map_err(malformed)
    }
}

fn connect(path: &Path) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A connection waits for room in the queue of the listener as a write does for room in the buffer.
    socket.set_write_timeout(Some(LIMIT))?;
    socket.set_read_timeout(Some(LIMIT))?;
    socket.connect(&SockAddr::unix(path)?)?;
    Ok(socket.into())
}

fn unexpected(words: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words.to_owned())
}
