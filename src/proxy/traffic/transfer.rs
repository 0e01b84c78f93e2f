//! Bytes between two sockets: reading, writing, and one body from here to there. Nothing is read that could not be
//! written first, so a slow reader slows its sender down and memory stays bounded.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::alarm::Alarm;
use super::http1::body::{Framing, Reader, Step};
use super::http1::buffer::Buffer;
use super::http1::trailers;

/// Data at least this long is written from where it was read; shorter data is gathered first.
const LARGE: usize = 4 * 1024;

/// Gathered output is written when it is this long.
const GATHERED: usize = 16 * 1024;

/// Why a transfer stopped short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// The sender ended or failed.
    Source,
    /// The sender sent nothing for too long.
    SourceIdle,
    /// The sender's framing is malformed.
    Malformed,
    /// The taker ended or failed.
    Sink,
    /// The taker took nothing for too long.
    SinkIdle,
}

/// A limit that begins when the wait does.
pub fn within(limit: Duration) -> impl FnMut() -> Option<Instant> {
    let mut until = None;
    move || Some(*until.get_or_insert_with(|| Instant::now() + limit))
}

/// Reads what there is, into the room there is (which must not be empty); 0 is the end. `limit` is asked only when there
/// is nothing to read: when it has passed, the error is [`io::ErrorKind::TimedOut`].
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
        match limit().map(|limit| alarm.poll(limit, context)) {
            Some(Poll::Ready(())) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            _ => Poll::Pending,
        }
    })
    .await?;
    buffer.advance(count);
    Ok(count)
}

/// Writes all of `out` and then all of `data`, and empties `out`. `idle` bounds the time without a byte taken.
pub async fn send(
    sink: &mut (impl AsyncWrite + Unpin),
    out: &mut Vec<u8>,
    data: &[u8],
    alarm: &mut Alarm,
    idle: Duration,
    mut written: impl FnMut(),
) -> io::Result<()> {
    let mut done = 0;
    let total = out.len() + data.len();
    while done < total {
        let mut limit = within(idle);
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
            match limit().map(|limit| alarm.poll(limit, context)) {
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
    Ok(())
}

/// One body on its way.
pub struct Body<'b> {
    /// Where it ends.
    pub reader: Reader,
    /// How it is framed on its way out.
    pub framing: Framing,
    /// Bytes read and not yet used.
    pub input: &'b mut Buffer,
    /// Bytes to be written, the head maybe among them.
    pub out: &'b mut Vec<u8>,
    /// Of this direction.
    pub alarm: &'b mut Alarm,
    /// Time without a byte, either side.
    pub idle: Duration,
}

impl Body<'_> {
    /// Passes all of it on, and whatever stands in `out` before it. `count` gets the bytes of data; `written` is called
    /// after each write; `patient`: whether the sender may take its time now.
    pub async fn pass(
        mut self,
        source: &mut (impl AsyncRead + Unpin),
        sink: &mut (impl AsyncWrite + Unpin),
        mut count: impl FnMut(u64),
        mut written: impl FnMut(),
        patient: impl Fn() -> bool,
    ) -> Result<(), Broken> {
        while !self.pass_filled(sink, &mut count, &mut written).await? {
            self.flush(sink, &mut written).await?;
            let mut limit = within(self.idle);
            let limit = || if patient() { None } else { limit() };
            match fill(source, self.input, self.alarm, limit).await {
                Ok(0) if self.reader.may_end_here() => {
                    self.end(0)?;
                    break;
                }
                Ok(0) => return Err(Broken::Source),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(Broken::SourceIdle),
                Err(_) => return Err(Broken::Source),
            }
        }
        self.flush(sink, &mut written).await
    }

    /// Passes on what was read; true: the body is over.
    async fn pass_filled(
        &mut self,
        sink: &mut (impl AsyncWrite + Unpin),
        count: &mut impl FnMut(u64),
        written: &mut impl FnMut(),
    ) -> Result<bool, Broken> {
        loop {
            match self.reader.next(self.input.filled()).map_err(|_| Broken::Malformed)? {
                Step::More { skip } => {
                    self.input.consume(skip);
                    return Ok(false);
                }
                Step::End { skip, trailers } => {
                    self.input.consume(skip - trailers);
                    self.end(trailers)?;
                    return Ok(true);
                }
                Step::Data { skip, length } => {
                    self.input.consume(skip);
                    count(length as u64);
                    self.framing.before(self.out, length);
                    let data = &self.input.filled()[..length];
                    if length >= LARGE {
                        send(sink, self.out, data, self.alarm, self.idle, &mut *written).await.map_err(sink_error)?;
                    } else {
                        self.out.extend_from_slice(data);
                    }
                    self.input.consume(length);
                    self.framing.after(self.out);
                    if self.out.len() >= GATHERED {
                        self.flush(sink, written).await?;
                    }
                }
            }
        }
    }

    /// Writes the last chunk and the trailer section, which is the next `length` bytes of the input.
    fn end(&mut self, length: usize) -> Result<(), Broken> {
        if self.framing == Framing::Chunked {
            self.out.extend_from_slice(b"0\r\n");
            if length > 0 {
                trailers::write(&self.input.filled()[..length], self.out).map_err(|_| Broken::Malformed)?;
            }
            self.out.extend_from_slice(b"\r\n");
        }
        self.input.consume(length);
        Ok(())
    }

    async fn flush(&mut self, sink: &mut (impl AsyncWrite + Unpin), written: &mut impl FnMut()) -> Result<(), Broken> {
        if self.out.is_empty() {
            return Ok(());
        }
        send(sink, self.out, &[], self.alarm, self.idle, written).await.map_err(sink_error)
    }
}

fn sink_error(error: io::Error) -> Broken {
    if error.kind() == io::ErrorKind::TimedOut { Broken::SinkIdle } else { Broken::Sink }
}
