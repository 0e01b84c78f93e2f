//! Reading from and writing to sockets under time limits.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::alarm::Alarm;
use super::http1::buffer::Buffer;

/// Bounds the time in which one direction of an exchange passes no byte on.
pub struct IdleTimer<'t> {
    /// The direction's timer.
    pub alarm: &'t mut Alarm,
    /// The limit (`timeouts.body_idle`).
    pub idle: Duration,
}

/// A limit that begins when the wait does.
pub fn within(limit: Duration) -> impl FnMut() -> Option<Instant> {
    let mut until = None;
    move || Some(*until.get_or_insert_with(|| Instant::now() + limit))
}

/// Reads what there is, into the room there is (which must not be empty); 0 is the end. `limit` is asked only when there
/// is nothing to read: when it has passed, the error is [`io::ErrorKind::TimedOut`]. While it waits an empty buffer has no memory.
pub async fn fill(
    source: &mut (impl AsyncRead + Unpin),
    buffer: &mut Buffer,
    alarm: &mut Alarm,
    mut limit: impl FnMut() -> Option<Instant>,
) -> io::Result<usize> {
    let count = poll_fn(|context| {
        let mut room = ReadBuf::new(buffer.space());
        if let Poll::Ready(done) = Pin::new(&mut *source).poll_read(context, &mut room) {
            return Poll::Ready(done.map(|()| room.filled().len()));
        }
        buffer.release();
        match limit().map(|limit| alarm.poll(limit, context)) {
            Some(Poll::Ready(())) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            _ => Poll::Pending,
        }
    })
    .await?;
    buffer.advance(count);
    Ok(count)
}

/// Writes all of `out` and then all of `data`, and empties `out`. `written` is called after each write.
pub async fn send(
    sink: &mut (impl AsyncWrite + Unpin),
    out: &mut Vec<u8>,
    data: &[u8],
    timer: &mut IdleTimer<'_>,
    mut written: impl FnMut(),
) -> io::Result<()> {
    let mut done = 0;
    let total = out.len() + data.len();
    while done < total {
        let mut limit = within(timer.idle);
        let count = poll_fn(|context| {
            let polled = if done >= out.len() {
                Pin::new(&mut *sink).poll_write(context, &data[done - out.len()..])
            } else if data.is_empty() {
                Pin::new(&mut *sink).poll_write(context, &out[done..])
            } else {
                let parts = [IoSlice::new(&out[done..]), IoSlice::new(data)];
                Pin::new(&mut *sink).poll_write_vectored(context, &parts)
            };
            if polled.is_ready() {
                return polled;
            }
            match limit().map(|limit| timer.alarm.poll(limit, context)) {
                Some(Poll::Ready(())) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                _ => Poll::Pending,
            }
        })
        .await?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        written();
        done += count;
    }
    out.clear();
    let mut limit = within(timer.idle);
    poll_fn(|context| {
        if let Poll::Ready(flushed) = Pin::new(&mut *sink).poll_flush(context) {
            return Poll::Ready(flushed);
        }
        match limit().map(|limit| timer.alarm.poll(limit, context)) {
            Some(Poll::Ready(())) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            _ => Poll::Pending,
        }
    })
    .await
}
