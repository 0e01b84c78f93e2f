//! A request's body as its service takes it: of so many bytes, and without trailers where header fields are the proxy's to say.

use tokio::net::TcpStream;

use super::socket::IdleTimer;
use super::stream::{BodySource, Piece, SourceError, Trailers};
use crate::proxy::edge::Edge;
use crate::proxy::snapshot::Backend;

/// A body, and what may come of it still.
pub struct Bounded<B> {
    body: B,
    left: u64,
    passes_trailers: bool,
}

impl<B> Bounded<B> {
    /// A body for a front with these rules, on its way to this backend.
    pub fn new(body: B, edge: Option<&Edge>, backend: &Backend) -> Bounded<B> {
        let most = edge.and_then(|edge| edge.max_request_body);
        let says_fields = backend.own_fields.is_some() || edge.is_some_and(Edge::says_fields);
        Bounded { body, left: most.unwrap_or(u64::MAX), passes_trailers: !says_fields }
    }
}

impl<B: BodySource> BodySource for Bounded<B> {
    fn next(&mut self) -> Result<Piece<'_>, SourceError> {
        let piece = self.body.next()?;
        if let Piece::Data(data) = piece {
            self.left = self.left.checked_sub(data.len() as u64).ok_or(SourceError::TooLong)?;
        }
        match piece {
            Piece::End(_) if !self.passes_trailers => Ok(Piece::End(Trailers(b""))),
            piece => Ok(piece),
        }
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

    fn rest(&mut self) {
        self.body.rest();
    }

    fn socket(&self) -> Option<&TcpStream> {
        self.body.socket()
    }

    fn skip(&mut self, bytes: u64) -> Result<(), SourceError> {
        self.left = self.left.checked_sub(bytes).ok_or(SourceError::TooLong)?;
        self.body.skip(bytes)
    }
}
