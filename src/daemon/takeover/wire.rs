//! The frames of a takeover: four bytes of length (big endian), then JSON; descriptors in messages of their own.
//!
//! Nothing is read beyond what is awaited, so that no read can swallow descriptors.

use std::io;
use std::net::Shutdown;
use std::os::fd::{BorrowedFd, OwnedFd};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;

use crate::daemon::passed_fds;

/// The longest frame, in bytes: a state of many megabytes fits.
const LONGEST: usize = 256 << 20;

/// The bytes that say how long a frame is.
const LENGTH: usize = 4;

/// The byte each message of descriptors carries: one without a byte is not delivered.
const CARRIER: u8 = b'F';

/// A message of the takeover protocol.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Frame {
    /// New side: which program and versions it is; its own pidfd follows.
    Hello(Hello),
    /// Old side: its state; its own pidfd and a socket for the receipt follow, then so many sockets.
    Offer { sockets: usize, state: Value },
    /// New side: it could serve now.
    Ready,
    /// Old side: it decides nothing more; its final state.
    Final(Value),
    /// New side: it is the daemon now.
    Taken,
    /// Old side: there is no takeover, and why.
    Refused(String),
}

/// The process that asks to take over. Fields may be added; these keep their meaning in every version of the protocol.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Hello {
    /// `polder-proxy` or `polder-dns`.
    pub(super) program: String,
    /// The version of the takeover protocol.
    pub(super) protocol: u32,
    /// polder's version, for the log.
    pub(super) version: String,
}

/// One side of the stream.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) stream: UnixStream,
    /// The part of a frame read so far: a receive that is cancelled loses nothing.
    partial: Vec<u8>,
}

impl Wire {
    pub(super) fn new(stream: UnixStream) -> Wire {
        Wire { stream, partial: Vec::new() }
    }

    pub(super) async fn send(&mut self, frame: &Frame) -> io::Result<()> {
        self.stream.write_all(&encode(frame)?).await
    }

    /// Sends what fits into the socket's buffer, without waiting; a short frame always does, unless the other side has
    /// stopped reading.
    pub(super) fn send_now(&self, frame: &Frame) {
        if let Ok(bytes) = encode(frame) {
            let _ = self.stream.try_write(&bytes);
        }
    }

    /// The next frame. Cancel-safe.
    pub(super) async fn receive(&mut self) -> io::Result<Frame> {
        self.fill(LENGTH).await?;
        let length = self.partial.iter().take(LENGTH).fold(0, |length, &byte| length << 8 | usize::from(byte));
        if length > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a frame of {length} bytes")));
        }
        self.fill(LENGTH + length).await?;
        let frame = serde_json::from_slice(&self.partial[LENGTH..]);
        self.partial.clear();
        Ok(frame?)
    }

    /// Reads until the partial frame has `wanted` bytes, and never beyond.
    async fn fill(&mut self, wanted: usize) -> io::Result<()> {
        while self.partial.len() < wanted {
            let missing = (wanted - self.partial.len()) as u64;
            if (&mut self.stream).take(missing).read_buf(&mut self.partial).await? == 0 {
                return Err(gone());
            }
        }
        Ok(())
    }

    pub(super) async fn send_descriptors(&mut self, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        for chunk in descriptors.chunks(passed_fds::MOST_PER_MESSAGE) {
            self.stream.async_io(Interest::WRITABLE, || passed_fds::send(&self.stream, &[CARRIER], chunk)).await?;
        }
        Ok(())
    }

    pub(super) async fn receive_descriptors(&mut self, count: usize) -> io::Result<Vec<OwnedFd>> {
        let mut descriptors = Vec::new();
        while descriptors.len() < count {
            let receive = || passed_fds::receive(&self.stream, &mut [0]);
            let (bytes, received) = self.stream.async_io(Interest::READABLE, receive).await?;
            if bytes == 0 {
                return Err(gone());
            }
            if received.is_empty() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "announced sockets did not arrive"));
            }
            descriptors.extend(received);
        }
        Ok(descriptors)
    }

    /// The other side's sends fail from here on; what it sent before can still be received.
    pub(super) fn stop_reading(&self) -> io::Result<()> {
        SockRef::from(&self.stream).shutdown(Shutdown::Read)
    }
}

fn encode(frame: &Frame) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; LENGTH];
    serde_json::to_writer(&mut bytes, frame)?;
    let length = bytes.len() - LENGTH;
    let length = u32::try_from(length).ok().filter(|_| length <= LONGEST);
    let length = length.ok_or_else(|| io::Error::other("the state is too large to hand over"))?;
    bytes[..LENGTH].copy_from_slice(&length.to_be_bytes());
    Ok(bytes)
}

/// The other side's end of the stream is closed.
pub(super) fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the other side closed the stream")
}
