//! What carries a connection of HTTP/2: TLS, with the frames of many streams gathered into few records, and an eye on what passes.
//!
//! The `h2` crate writes and flushes frame by frame. Here a flush only makes sure that there is room; what was gathered leaves in one
//! write when the connection's task has done all it could ([`Wire::poll_send`]). Memory is there only while something is in it.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::http2::budget::Budget;
use super::http2::frames::{Frames, Kind, PREFACE};
use crate::running_time::running;
use crate::tls::{Queue, TlsStream};

/// Plaintext that is gathered before it is sent, at most: two frames of the usual size.
const MOST_GATHERED: usize = 32 * 1024;

/// PROTOCOL_ERROR (RFC 9113, 7): the `h2` crate has refused a request.
const PROTOCOL_ERROR: u32 = 1;

/// One connection's.
pub struct Wire {
    tls: TlsStream,
    gathered: RefCell<Queue>,
    received: RefCell<Frames>,
    sent: RefCell<Frames>,
    budget: RefCell<Budget>,
    /// Since when a request's head has been on its way.
    head_since: Cell<Option<Instant>>,
    /// The frame that came last leaves its head open.
    is_head_open: Cell<bool>,
    /// The frame that came last is of a head.
    is_in_head: Cell<bool>,
    /// Since when the client has taken nothing of what is to be sent.
    stuck_since: Cell<Option<Instant>>,
    /// Requests that were refused by what we sent, and not yet counted.
    refused: Cell<u32>,
}

impl Wire {
    /// Over a connection whose client is about to begin.
    pub fn new(tls: TlsStream) -> Wire {
        Wire {
            tls,
            gathered: RefCell::default(),
            received: RefCell::new(Frames::after(PREFACE)),
            sent: RefCell::new(Frames::after(0)),
            budget: RefCell::new(Budget::new(running())),
            head_since: Cell::default(),
            is_head_open: Cell::default(),
            is_in_head: Cell::default(),
            stuck_since: Cell::default(),
            refused: Cell::default(),
        }
    }

    /// The connection below.
    pub fn tls(&self) -> &TlsStream {
        &self.tls
    }

    /// The client has sent more than any client needs; nothing more is read.
    pub fn is_flooded(&self) -> bool {
        self.budget.borrow().is_spent()
    }

    /// Since when a request's head has been on its way that is not whole yet.
    pub fn head_since(&self) -> Option<Instant> {
        self.head_since.get()
    }

    /// How many requests were refused, by the `h2` crate itself, since this was asked last.
    pub fn take_refused(&self) -> u32 {
        self.refused.take()
    }

    /// Since when the client has taken nothing of what is to be sent; none: all has left, be it gathered here or kept by the `h2`
    /// crate, which holds no data that there is no window for.
    pub fn stuck_since(&self) -> Option<Instant> {
        self.stuck_since.get()
    }

    /// Sends what was gathered, and waits until all of it has left.
    pub fn poll_send(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = self.poll_gathered(context);
        self.stuck_since.set(match sent {
            Poll::Pending => self.stuck_since.get().or_else(|| Some(Instant::now())),
            Poll::Ready(_) => None,
        });
        sent
    }

    fn poll_gathered(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut gathered = self.gathered.borrow_mut();
        while !gathered.is_empty() {
            let taken = ready!(self.tls.poll_write(context, &[gathered.filled()]))?;
            gathered.remove(taken);
            self.stuck_since.set(None);
        }
        self.tls.poll_flush(context)
    }

    /// Reads what still comes, and forgets it, until nothing more does or it is more than `most` bytes.
    pub fn poll_forget(&self, most: &mut usize, context: &mut Context<'_>) -> Poll<()> {
        let mut scrap = [0; 4096];
        loop {
            let mut room = ReadBuf::new(&mut scrap);
            match ready!(self.tls.poll_read(context, &mut room)) {
                Ok(()) if (1..=*most).contains(&room.filled().len()) => *most -= room.filled().len(),
                _ => return Poll::Ready(()),
            }
        }
    }

    fn poll_read(&self, context: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_flooded() {
            return Poll::Pending;
        }
        let before = room.filled().len();
        ready!(self.tls.poll_read(context, room))?;
        self.look_at_received(&room.filled()[before..], running());
        Poll::Ready(Ok(()))
    }

    fn look_at_received(&self, bytes: &[u8], now: Duration) {
        let mut budget = self.budget.borrow_mut();
        let mut received = self.received.borrow_mut();
        budget.grow(now);
        received.look(bytes, |frame| {
            budget.receive(frame);
            self.is_in_head.set(matches!(frame.kind, Kind::Headers | Kind::Continuation));
            if self.is_in_head.get() {
                self.is_head_open.set(frame.leaves_head_open());
                if self.head_since.get().is_none() {
                    self.head_since.set(Some(Instant::now()));
                }
            }
        });
        let is_within_head = self.is_in_head.get() && received.is_within_frame();
        if !self.is_head_open.get() && !is_within_head {
            self.head_since.set(None);
        }
    }

    fn poll_write(&self, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if self.gathered.borrow().filled().len() >= MOST_GATHERED {
            ready!(self.poll_send(context))?;
        }
        let mut gathered = self.gathered.borrow_mut();
        let count = data.len().min(MOST_GATHERED - gathered.filled().len());
        gathered.room(count)[..count].copy_from_slice(&data[..count]);
        gathered.add(count);
        let mut budget = self.budget.borrow_mut();
        self.sent.borrow_mut().look(&data[..count], |frame| {
            budget.send(frame);
            if frame.kind == Kind::Reset(PROTOCOL_ERROR) {
                self.refused.set(self.refused.get() + 1);
            }
        });
        Poll::Ready(Ok(count))
    }
}

/// The wire as the `h2` crate uses it.
pub struct Handle(pub Rc<Wire>);

impl AsyncRead for Handle {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.0.poll_read(context, room)
    }
}

impl AsyncWrite for Handle {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write(context, data)
    }

    /// Nothing: the task sends what was gathered.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.0.poll_send(context))?;
        self.0.tls.poll_shutdown(context)
    }
}
