//! A stream of HTTP/2 after an extended CONNECT (RFC 8441): bytes both ways, as on a connection of its own.

use std::cell::RefCell;
use std::io;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::{RecvStream, SendStream};
use tokio::io::ReadBuf;

/// Both directions, which can be used at once by tasks of one thread.
#[derive(Debug)]
pub struct Pipe {
    incoming: RefCell<Incoming>,
    outgoing: RefCell<SendStream<Bytes>>,
}

#[derive(Debug)]
struct Incoming {
    stream: RecvStream,
    /// What has come and was not read.
    piece: Bytes,
    has_ended: bool,
}

impl Pipe {
    /// Over a stream whose heads have both been sent.
    pub fn new(incoming: RecvStream, outgoing: SendStream<Bytes>) -> Pipe {
        let incoming = Incoming { stream: incoming, piece: Bytes::new(), has_ended: false };
        Pipe { incoming: RefCell::new(incoming), outgoing: RefCell::new(outgoing) }
    }

    /// Waits until there is something to read, or the end.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.incoming.borrow_mut().poll_readable(context)
    }

    /// Reads; the end is a read of nothing.
    pub fn poll_read(&self, context: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut incoming = self.incoming.borrow_mut();
        ready!(incoming.poll_readable(context))?;
        let count = incoming.piece.len().min(room.remaining());
        room.put_slice(&incoming.piece[..count]);
        incoming.piece.advance(count);
        // Fails only for more than has come.
        let _ = incoming.stream.flow_control().release_capacity(count);
        Poll::Ready(Ok(()))
    }

    /// Takes as much as the client has room for.
    pub fn poll_write(&self, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if data.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut outgoing = self.outgoing.borrow_mut();
        outgoing.reserve_capacity(data.len());
        let room = match outgoing.capacity() {
            0 => ready!(outgoing.poll_capacity(context)).ok_or(io::ErrorKind::BrokenPipe)?.map_err(io::Error::other)?,
            room => room,
        };
        let count = room.min(data.len());
        outgoing.send_data(Bytes::copy_from_slice(&data[..count]), false).map_err(io::Error::other)?;
        Poll::Ready(Ok(count))
    }

    /// Ends our half.
    ///
    /// # Errors
    ///
    /// The stream is broken.
    pub fn shutdown(&self) -> io::Result<()> {
        self.outgoing.borrow_mut().send_data(Bytes::new(), true).map_err(io::Error::other)
    }

    /// Waits until the stream is broken.
    pub fn poll_broken(&self, context: &mut Context<'_>) -> Poll<()> {
        self.outgoing.borrow_mut().poll_reset(context).map(drop)
    }
}

impl Incoming {
    fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.piece.is_empty() && !self.has_ended {
            match ready!(self.stream.poll_data(context)) {
                Some(piece) => self.piece = piece.map_err(io::Error::other)?,
                None => self.has_ended = true,
            }
        }
        Poll::Ready(Ok(()))
    }
}
