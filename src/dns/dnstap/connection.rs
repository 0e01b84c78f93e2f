//! A connection to the receiver: it is told what comes, is sent it, and has time to take its leave.
//!
//! Every wait has a limit, also that for the socket's queue of connections, and ends when the receiver's [`Session`] does: a receiver that hangs
//! holds up nothing but the thread that writes, and that one for moments once it is told to leave.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use socket2::{Domain, SockAddr, Socket, Type};

use super::frame::{Control, LENGTH, control_length, read_control};
use super::session::Session;

/// How long the receiver may take: to be connected to, for a handshake in all, and from one byte that it takes to the next.
const LIMIT: Duration = Duration::from_secs(2);

/// While it is waited for, whether it is still wanted is looked at this often.
const SLICE: Duration = Duration::from_millis(50);

/// Bytes that are written at once, so few that the kernel waits for room hardly more than once.
const PIECE: usize = 32 << 10;

/// One on which data may be sent.
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    session: Arc<Session>,
}

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
                write!(
                    f,
                    "has a receiver that has not shaken hands after {} s: does it read Frame Streams?",
                    LIMIT.as_secs()
                )
            }
            Failure::Shaking(error) => write!(f, "has a receiver that ended the handshake of Frame Streams: {error}"),
            Failure::Content => {
                f.write_str("has a receiver that takes another content type than protobuf:dnstap.Dnstap")
            }
        }
    }
}

/// A slice of a wait is over.
fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

impl Connection {
    /// Connects, and agrees with the receiver upon what comes.
    pub(super) fn open(session: &Arc<Session>) -> Result<Connection, Failure> {
        let stream = connect(session).map_err(Failure::Connecting)?;
        let mut connection = Connection { stream, session: Arc::clone(session) };
        let until = Instant::now() + LIMIT;
        connection.control(Control::Ready).map_err(Failure::Shaking)?;
        match connection.heard(until).map_err(Failure::Shaking)? {
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
        let mut until = Instant::now() + LIMIT;
        for mut part in [first, second] {
            while !part.is_empty() {
                if !self.session.allows(until) {
                    return Err((has_begun, io::ErrorKind::TimedOut.into()));
                }
                match self.stream.write(&part[..part.len().min(PIECE)]) {
                    Ok(0) => return Err((has_begun, io::ErrorKind::WriteZero.into())),
                    Ok(count) => (part, has_begun, until) = (&part[count..], true, Instant::now() + LIMIT),
                    Err(error) if is_pause(&error) => {}
                    Err(error) => return Err((has_begun, error)),
                }
            }
        }
        Ok(())
    }

    /// Whether the receiver has gone. It has nothing to say before it is told that all was sent.
    pub(super) fn is_gone(&self) -> bool {
        let heard = recv(self.stream.as_raw_fd(), &mut [0], MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_PEEK);
        !matches!(heard, Err(Errno::EAGAIN | Errno::EINTR))
    }

    /// Says that all was sent, and waits until the receiver has it, though not for long.
    pub(super) fn finish(mut self) {
        if self.control(Control::Stop).is_ok() {
            let _ = self.heard(Instant::now() + LIMIT);
        }
    }

    fn control(&mut self, control: Control) -> io::Result<()> {
        self.send(&control.written(), &[]).map_err(|(_, error)| error)
    }

    fn heard(&mut self, until: Instant) -> io::Result<(Control, bool)> {
        let mut head = [0; 2 * LENGTH];
        self.read(&mut head, until)?;
        let malformed = |_| unexpected("it speaks something else than Frame Streams");
        let mut body = vec![0; control_length(head).map_err(malformed)?];
        self.read(&mut body, until)?;
        read_control(&body).map_err(malformed)
    }

    /// All of it, however it comes.
    fn read(&mut self, mut into: &mut [u8], until: Instant) -> io::Result<()> {
        while !into.is_empty() {
            if !self.session.allows(until) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match self.stream.read(into) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => into = &mut into[count..],
                Err(error) if is_pause(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn connect(session: &Session) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A connection waits for room in the queue of the listener as a write does for room in the buffer.
    socket.set_write_timeout(Some(SLICE))?;
    socket.set_read_timeout(Some(SLICE))?;
    let (address, until) = (SockAddr::unix(&session.socket)?, Instant::now() + LIMIT);
    loop {
        match socket.connect(&address) {
            Err(error) if is_pause(&error) && session.allows(until) => {}
            connected => return connected.map(|()| socket.into()),
        }
    }
}

fn unexpected(words: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words.to_owned())
}
