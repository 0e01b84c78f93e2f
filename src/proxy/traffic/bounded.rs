//! A request's body that may have so many bytes.

use tokio::net::TcpStream;

use super::socket::IdleTimer;
use super::stream::{BodySource, Piece, SourceError};

/// A body, and what may come of it still.
pub struct Bounded<B> {
    body: B,
    left: u64,
}

impl<B> Bounded<B> {
    /// A body of at most so many bytes; none: as many as come.
    pub fn new(body: B, most: Option<u64>) -> Bounded<B> {
        Bounded { body, left: most.unwrap_or(u64::MAX) }
    }
}

impl<B: BodySource> BodySource for Bounded<B> {
    fn next(&mut self) -> Result<Piece<'_>, SourceError> {
        let piece = self.body.next()?;
        if let Piece::Data(data) = piece {
            self.left = self.left.checked_sub(data.len() as u64).ok_or(SourceError::TooLong)?;
        }
        Ok(piece)
    }

    async fn fill(&mut self, timer: &mut IdleTimer<'_>, is_patient: impl Fn() -> bool) -> Result<(), SourceError> {
        self.body.fill(timer, is_patient).await
    }

    async fn closed(&mut self, timer: &mut IdleTimer<'_>, half_is_gone: impl Fn() -> bool) {
        self.body.closed(timer, half_is_gone).await;
    }

    /// What may come in the kernel: no more than is allowed.
    fn left_plain(&self) -> u64 {
        self.body.left_plain().min(self.left)
    }

    fn socket(&self) -> Option<&TcpStream> {
        self.body.socket()
    }

    fn skip(&mut self, bytes: u64) -> Result<(), SourceError> {
        self.left = self.left.checked_sub(bytes).ok_or(SourceError::TooLong)?;
        self.body.skip(bytes)
    }
}
