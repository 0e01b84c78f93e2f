//! What carries a connection: TCP alone, or TLS over it; or a stream of HTTP/2 that has become one.
//!
//! Both halves can be used at once, by tasks of one thread. Whoever reads and writes does not know which of the two it is.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, tcp};

use super::http2_pipe::Pipe;
use crate::tls::TlsStream;
use crate::tls::session::LastAlert;

/// A connection.
#[derive(Debug)]
pub enum Transport {
    /// In clear text.
    Tcp(TcpStream),
    /// Over TLS, after the handshake.
    Tls(Box<TlsStream>),
    /// A stream among others.
    Stream(Box<Pipe>),
}

/// Its receiving half.
pub enum ReadHalf<'s> {
    /// In clear text.
    Tcp(tcp::ReadHalf<'s>),
    /// Over TLS.
    Tls(&'s TlsStream),
    /// A stream among others.
    Stream(&'s Pipe),
}

/// Its sending half.
pub enum WriteHalf<'s> {
    /// In clear text.
    Tcp(tcp::WriteHalf<'s>),
    /// Over TLS.
    Tls(&'s TlsStream),
    /// A stream among others.
    Stream(&'s Pipe),
}

impl Transport {
    /// Both halves.
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        match self {
            Transport::Tcp(stream) => {
                let (source, sink) = stream.split();
                (ReadHalf::Tcp(source), WriteHalf::Tcp(sink))
            }
            Transport::Tls(stream) => (ReadHalf::Tls(stream), WriteHalf::Tls(stream)),
            Transport::Stream(pipe) => (ReadHalf::Stream(pipe), WriteHalf::Stream(pipe)),
        }
    }

    /// The alert by which the server ends the connection, as far as it has come.
    pub fn last_alert(&self) -> Option<LastAlert> {
        match self {
            Transport::Tls(stream) => stream.last_alert(),
            Transport::Tcp(_) | Transport::Stream(_) => None,
        }
    }

    /// The connection below; a stream has none of its own.
    pub fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Transport::Tcp(stream) => Some(stream),
            Transport::Tls(stream) => Some(stream.tcp()),
            Transport::Stream(_) => None,
        }
    }

    /// Has the close that follows reset the connection, so that it does not look like the end of what was sent.
    pub fn reset_on_close(&self) {
        let stream = match self {
            Transport::Tcp(stream) => stream,
            Transport::Tls(stream) => {
                stream.announce_nothing();
                stream.tcp()
            }
            // It is reset when it is dropped without its end.
            Transport::Stream(_) => return,
        };
        // A socket that refuses it is gone already.
        let _ = stream.set_zero_linger();
    }
}

impl ReadHalf<'_> {
    /// The connection, in clear text.
    pub fn tcp(&self) -> Option<&TcpStream> {
        match self {
            ReadHalf::Tcp(half) => Some(half.as_ref()),
            ReadHalf::Tls(_) | ReadHalf::Stream(_) => None,
        }
    }

    /// Waits until there may be something to read, without holding memory for it.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            ReadHalf::Tcp(half) => half.as_ref().poll_read_ready(context),
            ReadHalf::Tls(stream) => stream.poll_readable(context),
            ReadHalf::Stream(pipe) => pipe.poll_readable(context),
        }
    }

    /// Waits until the connection is broken; the end of what the other side sends is not that.
    pub async fn broken(&self) {
        let stream = match self {
            ReadHalf::Tcp(half) => half.as_ref(),
            ReadHalf::Tls(stream) => stream.tcp(),
            ReadHalf::Stream(pipe) => return poll_fn(|context| pipe.poll_broken(context)).await,
        };
        while stream.ready(Interest::ERROR).await.is_ok_and(|ready| !ready.is_error()) {}
    }
}

impl WriteHalf<'_> {
    /// The connection, in clear text.
    pub fn tcp(&self) -> Option<&TcpStream> {
        match self {
            WriteHalf::Tcp(half) => Some(half.as_ref()),
            WriteHalf::Tls(_) | WriteHalf::Stream(_) => None,
        }
    }
}

impl AsyncRead for ReadHalf<'_> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            ReadHalf::Tcp(half) => Pin::new(half).poll_read(context, room),
            ReadHalf::Tls(stream) => stream.poll_read(context, room),
            ReadHalf::Stream(pipe) => pipe.poll_read(context, room),
        }
    }
}

impl AsyncWrite for WriteHalf<'_> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            WriteHalf::Tcp(half) => Pin::new(half).poll_write(context, data),
            WriteHalf::Tls(stream) => stream.poll_write(context, &[data]),
            WriteHalf::Stream(pipe) => pipe.poll_write(context, data),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            WriteHalf::Tcp(half) => Pin::new(half).poll_write_vectored(context, parts),
            WriteHalf::Tls(stream) => match parts {
                [one, two] => stream.poll_write(context, &[one, two]),
                _ => stream.poll_write(context, &[parts.first().map_or(&[][..], |part| part)]),
            },
            WriteHalf::Stream(pipe) => pipe.poll_write(context, parts.first().map_or(&[][..], |part| part)),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            WriteHalf::Tcp(half) => Pin::new(half).poll_flush(context),
            WriteHalf::Tls(stream) => stream.poll_flush(context),
            WriteHalf::Stream(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            WriteHalf::Tcp(half) => Pin::new(half).poll_shutdown(context),
            WriteHalf::Tls(stream) => stream.poll_shutdown(context),
            WriteHalf::Stream(pipe) => Poll::Ready(pipe.shutdown()),
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Tcp(stream) => Pin::new(stream).poll_read(context, room),
            Transport::Tls(stream) => stream.poll_read(context, room),
            Transport::Stream(pipe) => pipe.poll_read(context, room),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().split().1).poll_write(context, data)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().split().1).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().split().1).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Tls(stream) => stream.poll_shutdown(context),
            Transport::Stream(pipe) => Poll::Ready(pipe.shutdown()),
        }
    }
}
