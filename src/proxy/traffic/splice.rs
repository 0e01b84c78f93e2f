//! Bytes from one socket to another that never come to our memory (splice(2)): the kernel moves its pages by way of a pipe.
//!
//! For long bodies and busy tunnels in clear text it saves both copies. A pipe is held only while something is in it, so that whoever
//! waits for a sender has none; how many a thread may have is bounded, and whoever finds none copies.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll, ready};

use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// What a pipe is to hold. The kernel gives less where a user has many pipes (pipe(7), `pipe-user-pages-soft`).
const SIZE: usize = 256 * 1024;

/// Pipes of one thread: as many receivers may be slow at once before others are copied for.
pub const MOST_PIPES: usize = 16;

/// Passages from one sender, after which others have their turn.
pub const IN_A_ROW: u32 = 8;

/// Lets this thread have so many pipes, at most [`MOST_PIPES`].
pub fn allow(pipes: usize) {
    PIPES.with_borrow_mut(|own| own.most = pipes.min(MOST_PIPES));
}

/// A pipe.
#[derive(Debug)]
struct Pipe {
    entry: OwnedFd,
    exit: OwnedFd,
}

/// The pipes of a thread.
#[derive(Debug)]
struct Pipes {
    /// Nothing is in these.
    spare: Vec<Pipe>,
    open: usize,
    /// How many may be.
    most: usize,
}

thread_local! {
    static PIPES: RefCell<Pipes> = const { RefCell::new(Pipes { spare: Vec::new(), open: 0, most: MOST_PIPES }) };
}

impl Pipes {
    /// An empty one. None: there are as many as may be, or the process has no descriptors left.
    fn take(&mut self) -> Option<Pipe> {
        if let Some(pipe) = self.spare.pop() {
            return Some(pipe);
        }
        if self.open >= self.most {
            return None;
        }
        let (exit, entry) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
        // It is as good with the size it has.
        let _ = fcntl_setpipe_size(&entry, SIZE);
        self.open += 1;
        Some(Pipe { entry, exit })
    }
}

/// A pipe in use.
#[derive(Debug)]
struct Held {
    /// There until it is dropped.
    pipe: Option<Pipe>,
    /// Bytes in it.
    inside: usize,
}

impl Held {
    fn take() -> Option<Held> {
        let pipe = PIPES.with_borrow_mut(Pipes::take)?;
        Some(Held { pipe: Some(pipe), inside: 0 })
    }

    /// Nothing is in it: that there is nothing to do can only mean that nothing has come.
    fn fill(&mut self, from: &TcpStream, most: usize) -> io::Result<usize> {
        let Some(pipe) = &self.pipe else { return Ok(0) };
        let count = splice(from, None, &pipe.entry, None, most, SpliceFlags::MOVE | SpliceFlags::NONBLOCK)?;
        self.inside = count;
        Ok(count)
    }

    fn empty(&mut self, to: &TcpStream) -> io::Result<usize> {
        let Some(pipe) = &self.pipe else { return Ok(0) };
        let count = splice(&pipe.exit, None, to, None, self.inside, SpliceFlags::MOVE | SpliceFlags::NONBLOCK)?;
        self.inside -= count.min(self.inside);
        Ok(count)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(pipe) = self.pipe.take() else { return };
        // A thread that ends has no place for it any more.
        let _ = PIPES.try_with(|pipes| {
            let mut pipes = pipes.borrow_mut();
            if self.inside == 0 {
                pipes.spare.push(pipe);
            } else {
                // What is left in it is nobody else's.
                pipes.open -= 1;
            }
        });
    }
}

/// What has been taken from a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Bytes, which are now to be given on.
    Bytes(u64),
    /// Nothing, for the sender has ended its side.
    End,
    /// Nothing: there is no pipe for it.
    NoPipe,
}

/// The way from one socket to another.
#[derive(Debug)]
pub struct Passage<'p> {
    from: &'p TcpStream,
    to: &'p TcpStream,
    held: Option<Held>,
}

impl<'p> Passage<'p> {
    /// Nothing is on its way.
    pub fn new(from: &'p TcpStream, to: &'p TcpStream) -> Passage<'p> {
        Passage { from, to, held: None }
    }

    /// Nothing is on its way.
    pub fn is_empty(&self) -> bool {
        self.held.is_none()
    }

    /// Takes what has come, at most `most` bytes, as soon as something has. Nothing is on its way before.
    ///
    /// # Errors
    ///
    /// The sender's connection is broken.
    pub fn poll_take(&mut self, most: u64, context: &mut Context<'_>) -> Poll<io::Result<Taken>> {
        let most = usize::try_from(most).unwrap_or(SIZE).min(SIZE);
        loop {
            ready!(self.from.poll_read_ready(context))?;
            let Some(mut held) = Held::take() else { return Poll::Ready(Ok(Taken::NoPipe)) };
            match self.from.try_io(Interest::READABLE, || held.fill(self.from, most)) {
                Ok(0) => return Poll::Ready(Ok(Taken::End)),
                Ok(count) => {
                    self.held = Some(held);
                    return Poll::Ready(Ok(Taken::Bytes(count as u64)));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Gives on some of what was taken.
    ///
    /// # Errors
    ///
    /// The receiver takes no more.
    pub fn poll_give(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(held) = &mut self.held else { return Poll::Ready(Ok(())) };
        loop {
            ready!(self.to.poll_write_ready(context))?;
            match self.to.try_io(Interest::WRITABLE, || held.empty(self.to)) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        if held.inside == 0 {
            self.held = None;
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
