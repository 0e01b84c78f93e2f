//! A visitor whose request runs on two backends: the response is that of the attempt which first has a head for it.
//!
//! Each attempt sees a visitor of its own, whose request has no body and who never leaves: who runs the race has an eye on the real one.
//! The way of the response is given away once. Must never: let a byte of the other attempt's response through.

use std::cell::Cell;
use std::future::pending;

use tokio::net::TcpStream;

use super::message::{Response, ResponseEdit};
use super::socket::IdleTimer;
use super::stream::{
    Begun, BodySink, BodySource, Duplex, Piece, ResponseSink, SinkError, SourceError, Trailers, TransferError,
};

/// One of two attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// The one that the request began with.
    First,
    /// The hedge.
    Second,
}

/// What the two run for.
pub struct Race<R> {
    response: Cell<Option<R>>,
    winner: Cell<Option<Runner>>,
    /// By runner: no other backend could better what it comes to.
    is_last: [Cell<bool>; 2],
}

impl<R: ResponseSink> Race<R> {
    /// For the way of a response.
    pub fn new(response: R) -> Race<R> {
        Race { response: Cell::new(Some(response)), winner: Cell::new(None), is_last: Default::default() }
    }

    /// Says of an attempt whether the request may go on elsewhere after it: then a status of `retry_on` does not win.
    pub fn set_last(&self, runner: Runner, is_last: bool) {
        self.is_last[runner as usize].set(is_last);
    }

    /// The attempt whose response the visitor gets, once that is known.
    pub fn winner(&self) -> Option<Runner> {
        self.winner.get()
    }

    /// The visitor, as one of the two sees him.
    pub fn visitor(&self, runner: Runner) -> Visitor<'_, R> {
        Visitor { race: self, runner }
    }
}

/// The visitor, as one attempt sees him.
pub struct Visitor<'r, R> {
    race: &'r Race<R>,
    runner: Runner,
}

impl<R: ResponseSink> Duplex for Visitor<'_, R> {
    type Body<'s>
        = NoBody
    where
        Self: 's;
    type Response<'s>
        = Claim<'s, R>
    where
        Self: 's;

    fn split(&mut self) -> (NoBody, Claim<'_, R>) {
        (NoBody, Claim { race: self.race, runner: self.runner, claimed: None })
    }
}

/// The body of a request that has none.
pub struct NoBody;

impl BodySource for NoBody {
    fn next(&mut self) -> Result<Piece<'_>, SourceError> {
        Ok(Piece::End(Trailers(&[])))
    }

    async fn fill(&mut self, _: &mut IdleTimer<'_>, _: impl Fn() -> bool) -> Result<(), SourceError> {
        Ok(())
    }

    async fn closed(&mut self, _: &mut IdleTimer<'_>, _: impl Fn() -> bool) {
        pending().await
    }
}

/// The way of a response, for the attempt that claims it before the other one.
pub struct Claim<'r, R> {
    race: &'r Race<R>,
    runner: Runner,
    claimed: Option<R>,
}

impl<R: ResponseSink> Claim<'_, R> {
    /// The way, if it is this attempt's: the first to ask for it has it.
    fn claim(&mut self) -> Option<&mut R> {
        if let Some(response) = self.race.response.take() {
            self.race.winner.set(Some(self.runner));
            self.claimed = Some(response);
        }
        self.claimed.as_mut()
    }
}

impl<R: ResponseSink> BodySink for Claim<'_, R> {
    async fn write(&mut self, data: &[u8], timer: &mut IdleTimer<'_>) -> Result<(), SinkError> {
        self.claimed.as_mut().ok_or(SinkError::Closed)?.write(data, timer).await
    }

    async fn flush(&mut self, timer: &mut IdleTimer<'_>) -> Result<(), SinkError> {
        self.claimed.as_mut().ok_or(SinkError::Closed)?.flush(timer).await
    }

    fn rest(&mut self) {
        if let Some(response) = &mut self.claimed {
            response.rest();
        }
    }

    fn socket(&self) -> Option<&TcpStream> {
        self.claimed.as_ref().and_then(BodySink::socket)
    }

    async fn end(&mut self, trailers: Trailers<'_>, timer: &mut IdleTimer<'_>) -> Result<(), TransferError> {
        self.claimed.as_mut().ok_or(SinkError::Closed)?.end(trailers, timer).await
    }
}

impl<R: ResponseSink> ResponseSink for Claim<'_, R> {
    /// It is a head, too: a backend that says so much is at work.
    async fn interim(
        &mut self,
        response: Response<'_>,
        edit: ResponseEdit<'_>,
        timer: &mut IdleTimer<'_>,
    ) -> Result<(), SinkError> {
        self.claim().ok_or(SinkError::Closed)?.interim(response, edit, timer).await
    }

    fn begin(&mut self, response: Response<'_>, edit: ResponseEdit<'_>, may_keep: bool) -> Begun {
        match self.claim() {
            Some(claimed) => claimed.begin(response, edit, may_keep),
            None => Begun { keeps_connection: false, is_delimited: true },
        }
    }

    fn takes_any(&self) -> bool {
        self.race.is_last[self.runner as usize].get()
    }

    fn has_sent(&self) -> bool {
        self.claimed.as_ref().is_none_or(ResponseSink::has_sent)
    }
}
