//! A connection over TLS after its handshake: plaintext in and out. Either side of it: a visitor's, or ours to a backend.
//!
//! rustls keeps the state and the keys; the bytes on their way are in buffers of the worker's thread, which a connection has only
//! while it needs them: an idle one holds none. Both halves are used by tasks of one thread, hence the `RefCell`. Must never: wait
//! for the other side while it holds a borrow.
//!
//! Visitors' handshakes are `proxy::traffic`'s. What a daemon shows in them is here: [`certificate`] is one in its files, for [`names`];
//! [`certificates`] are those of a document, read again when their files change.

mod buffers;
pub mod certificate;
pub mod certificates;
pub mod client;
pub mod names;
pub mod pem;
pub mod session;
pub(crate) mod signatures;

pub use buffers::Queue;

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::AlertDescription;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use session::{LastAlert, Session};

/// HTTP/2 by its name in a handshake (RFC 9113, 3.2).
pub const HTTP2: &[u8] = b"h2";

/// A connection after its handshake.
pub struct TlsStream {
    tcp: TcpStream,
    session: RefCell<Session>,
    /// What the client was shown in the handshake, or in that of the session which it has resumed; none: we are the client.
    shown: Option<Arc<dyn ForHosts + Send + Sync>>,
}

/// A certificate, as far as a connection has to know it.
pub trait ForHosts {
    /// Whether it is for this host, without a port.
    fn is_for(&self, host: &str) -> bool;
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsStream").field(&self.tcp).finish()
    }
}

impl Drop for TlsStream {
    /// Tells the other side that the connection ends and that nothing is missing (RFC 8446, 6.1), as far as the socket takes it now.
    fn drop(&mut self) {
        let session = self.session.get_mut();
        session.announce_end();
        let _ = session.send(|data| self.tcp.try_write(data));
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        TlsStream::poll_read(&self, context, room)
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        TlsStream::poll_write(&self, context, &[data])
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        TlsStream::poll_flush(&self, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        TlsStream::poll_shutdown(&self, context)
    }
}

impl TlsStream {
    /// A connection whose handshake is over; `shown` is what the client was shown.
    pub fn new(tcp: TcpStream, session: Session, shown: Option<Arc<dyn ForHosts + Send + Sync>>) -> TlsStream {
        TlsStream { tcp, session: RefCell::new(session), shown }
    }

    /// Has the end look like what it is: something is missing.
    pub fn announce_nothing(&self) {
        self.session.borrow_mut().announce_nothing();
    }

    /// Whether both sides agreed on HTTP/2.
    pub fn speaks_http2(&self) -> bool {
        self.session.borrow().protocol() == Some(HTTP2)
    }

    /// The handshake has resumed a session.
    pub fn is_resumed(&self) -> bool {
        self.session.borrow().is_resumed()
    }

    /// The connection below.
    pub fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Whether it may carry a request for `host`, with or without port: its certificate is for that host (RFC 9110, 15.5.20).
    pub fn may_serve(&self, host: &[u8]) -> bool {
        let Ok(host) = std::str::from_utf8(host) else { return false };
        let host = match host.split_once(']') {
            Some((address, _)) => address,
            None => host.split(':').next().unwrap_or(host),
        };
        self.shown.as_ref().is_some_and(|certificate| certificate.is_for(host))
    }

    /// Nothing is left for the reader, and the other side has neither ended nor failed.
    pub fn is_quiet(&self) -> bool {
        let session = self.session.borrow();
        !session.has_plaintext() && !session.has_ended() && !session.has_failed()
    }

    /// The alert by which the server ends the connection, if it does, as far as it has come; none: the other side is a visitor.
    pub fn last_alert(&self) -> Option<LastAlert> {
        self.session.borrow().last_alert().cloned()
    }

    /// The same of a connection that is not used any more, of which there may be something unread.
    pub fn alert_at_end(&self) -> Option<AlertDescription> {
        let mut session = self.session.borrow_mut();
        if session.last_alert()?.get().is_none() {
            // Whatever comes of it: nothing is read any more.
            let _ = session.receive(|room| self.tcp.try_read(room));
        }
        session.last_alert()?.get()
    }

    /// Waits until there may be something to read.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let is_told = {
            let session = self.session.borrow();
            session.has_plaintext() || session.has_failed()
        };
        if is_told { Poll::Ready(Ok(())) } else { self.tcp.poll_read_ready(context) }
    }

    /// Reads plaintext; the end is a read of nothing. A visitor's end need not be announced: HTTP itself tells a request that was cut
    /// short. A server's has to be ([`io::ErrorKind::UnexpectedEof`]): a response may have no other end.
    pub fn poll_read(&self, context: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut session = self.session.borrow_mut();
        loop {
            if session.take_plaintext(room) {
                return Poll::Ready(Ok(()));
            }
            if session.has_ended() {
                let cut = || Err(io::ErrorKind::UnexpectedEof.into());
                return Poll::Ready(if session.was_cut() { cut() } else { Ok(()) });
            }
            // Told before it was: what came before it had to be read first.
            if session.has_failed() {
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            ready!(self.tcp.poll_read_ready(context))?;
            let received = session.receive(|room| self.tcp.try_read(room));
            // An answer of the protocol's own, such as an update of keys, or an alert. What does not fit goes with the next write.
            let _ = session.send(|data| self.tcp.try_write(data));
            match received {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) if session.has_plaintext() => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Takes plaintext from the front of these parts, as much as is sent at once, and sends it. What the socket does not take is
    /// sent by the next write, or by [`TlsStream::poll_flush`].
    pub fn poll_write(&self, context: &mut Context<'_>, parts: &[&[u8]]) -> Poll<io::Result<usize>> {
        ready!(self.poll_flush(context))?;
        let mut session = self.session.borrow_mut();
        let taken = session.encrypt(parts)?;
        match session.send(|data| self.tcp.try_write(data)) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(taken)),
        }
    }

    /// Waits until everything that was taken has been sent.
    pub fn poll_flush(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut session = self.session.borrow_mut();
        loop {
            match session.send(|data| self.tcp.try_write(data)) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
            ready!(self.tcp.poll_write_ready(context))?;
        }
    }

    /// Announces the end (RFC 8446, 6.1), and closes this half.
    pub fn poll_shutdown(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.session.borrow_mut().announce_end();
        ready!(self.poll_flush(context))?;
        Poll::Ready(SockRef::from(&self.tcp).shutdown(Shutdown::Write))
    }
}
