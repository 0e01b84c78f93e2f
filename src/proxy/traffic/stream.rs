//! What a visitor's side of one exchange can do, whichever version of HTTP carries it.
//!
//! A request is a [`Request`](super::message::Request) and a [`BodySource`], its response goes to a [`ResponseSink`]. An
//! HTTP/1.1 connection lends its socket and buffers for one exchange after the other ([`super::http1_stream`]); a stream of
//! HTTP/2 is one exchange. Routing, choosing, waiting and the attempts on backends know these traits only.
//!
//! - **Back-pressure.** Nothing is read that could not be passed on: a source is asked for more ([`BodySource::fill`]) only
//!   after the sink has taken what there was, and a sink returns from [`BodySink::write`] only when it has room for the next
//!   piece, be it in a bounded buffer, in the socket or in the stream's flow-control window. What a source has handed out
//!   counts as used when it is asked again, so that is where HTTP/2 gives its window back.
//! - **Interim responses** (1xx) go to [`ResponseSink::interim`], any number before the final one.
//! - **Trailers** come with the body's end and are passed on where the framing has a place for them.
//! - **An end that is no end.** When a body breaks, the sink is dropped without [`BodySink::end`]; whoever owns the stream
//!   then resets it, or closes the connection if [`Begun::is_delimited`] says that the client can tell.
//!
//! Only the worker's own thread runs these futures, so nothing here is `Send`. Calls are resolved at compile time and
//! allocate nothing.

use std::io;

use tokio::net::TcpStream;

use super::http1::answer::{Answer, MoreFields};
use super::message::{Response, ResponseEdit};
use super::socket::IdleTimer;

/// A part of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'p> {
    /// Bytes of content, never none.
    Data(&'p [u8]),
    /// Nothing more is here: [`BodySource::fill`] waits for it.
    Wanting,
    /// The body is over.
    End(Trailers<'p>),
}

/// A trailer section as HTTP/1.1 writes it: lines of `Name: value` and an empty one; no bytes at all if there is none.
/// Which of its fields go on is decided where it is written ([`super::http1::trailers`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trailers<'t>(pub &'t [u8]);

/// Why a source has no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceError {
    /// The sender closed its side or failed before the body was over.
    Closed,
    /// The sender sent nothing for too long.
    TimedOut,
    /// The framing of the body is malformed.
    Malformed,
    /// It is longer than it may be.
    TooLong,
}

/// Why a sink takes no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkError {
    /// The receiver closed its side or failed.
    Closed,
    /// The receiver took nothing for too long.
    TimedOut,
}

impl From<io::Error> for SinkError {
    fn from(error: io::Error) -> SinkError {
        if error.kind() == io::ErrorKind::TimedOut { SinkError::TimedOut } else { SinkError::Closed }
    }
}

impl From<io::Error> for SourceError {
    fn from(error: io::Error) -> SourceError {
        if error.kind() == io::ErrorKind::TimedOut { SourceError::TimedOut } else { SourceError::Closed }
    }
}

/// Why a body was not passed on whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferError {
    /// The sender's side failed.
    Source(SourceError),
    /// The receiver's side failed.
    Sink(SinkError),
}

impl From<SourceError> for TransferError {
    fn from(error: SourceError) -> TransferError {
        TransferError::Source(error)
    }
}

impl From<SinkError> for TransferError {
    fn from(error: SinkError) -> TransferError {
        TransferError::Sink(error)
    }
}

/// Where a body comes from.
pub trait BodySource {
    /// The next piece of what has been received.
    fn next(&mut self) -> Result<Piece<'_>, SourceError>;

    /// Waits until more has been received. While `is_patient` says so the sender may take its time.
    async fn fill(&mut self, timer: &mut IdleTimer<'_>, is_patient: impl Fn() -> bool) -> Result<(), SourceError>;

    /// Waits, without a limit, until the sender has gone away. What it sends meanwhile is kept as long as there is room.
    /// `half_is_gone`: whether a sender that closes its half of the connection now counts as gone.
    async fn closed(&mut self, timer: &mut IdleTimer<'_>, half_is_gone: impl Fn() -> bool);

    /// How many bytes the connection carries next that are content and nothing else, in clear text; 0 where there is something in
    /// between, or something is left that was received before.
    fn left_plain(&self) -> u64 {
        0
    }

    /// That connection.
    fn socket(&self) -> Option<&TcpStream> {
        None
    }

    /// What is received next goes past it: lets go of the memory that it reads into.
    fn rest(&mut self) {}

    /// Says that so many of these bytes were taken from it; none: it has ended.
    fn skip(&mut self, _: u64) -> Result<(), SourceError> {
        Ok(())
    }
}

/// Where a body goes to.
pub trait BodySink {
    /// Takes a piece of content, and returns when there is room for the next one.
    async fn write(&mut self, data: &[u8], timer: &mut IdleTimer<'_>) -> Result<(), SinkError>;

    /// Sends what has been gathered.
    async fn flush(&mut self, timer: &mut IdleTimer<'_>) -> Result<(), SinkError>;

    /// Nothing may come for long, and all is sent: lets go of memory beyond what a head takes.
    fn rest(&mut self);

    /// The connection, where content goes to it as it is and nothing is gathered before it.
    fn socket(&self) -> Option<&TcpStream> {
        None
    }

    /// Ends the body and sends what has been gathered.
    async fn end(&mut self, trailers: Trailers<'_>, timer: &mut IdleTimer<'_>) -> Result<(), TransferError>;
}

/// How a final response has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// The client's connection can be used for another request when the response is over.
    pub keeps_connection: bool,
    /// The client can tell a body that was cut short from a whole one, also when the connection is simply closed.
    pub is_delimited: bool,
}

/// Where a response goes to.
pub trait ResponseSink: BodySink {
    /// Sends an interim response or `101 Switching Protocols`, which may carry a cookie. A client whose version has no
    /// interim responses gets nothing.
    async fn interim(
        &mut self,
        response: Response<'_>,
        edit: ResponseEdit<'_>,
        timer: &mut IdleTimer<'_>,
    ) -> Result<(), SinkError>;

    /// Gathers the head of the final response, which goes out with the first bytes of the body. `may_keep`: nothing on our
    /// side speaks against another request on the client's connection.
    fn begin(&mut self, response: Response<'_>, edit: ResponseEdit<'_>, may_keep: bool) -> Begun;

    /// Whether any final response is the one, also one whose status another backend could better: there is none any more.
    fn takes_any(&self) -> bool {
        false
    }

    /// Whether a byte of the final response may have reached the client: until then another one can take its place.
    fn has_sent(&self) -> bool;
}

/// Both directions of one exchange.
pub trait Duplex {
    /// The request's body.
    type Body<'s>: BodySource
    where
        Self: 's;

    /// The way of its response.
    type Response<'s>: ResponseSink
    where
        Self: 's;

    /// Both directions, to be used at once. The body begins at its first byte, so this is for as long as none was taken.
    fn split(&mut self) -> (Self::Body<'_>, Self::Response<'_>);
}

/// The visitor's side of one exchange.
pub trait ClientStream: Duplex {
    /// Sends an answer of the proxy's own.
    async fn answer(
        &mut self,
        answer: Answer<'_>,
        more: MoreFields<'_>,
        keep: bool,
        timer: &mut IdleTimer<'_>,
    ) -> Result<(), SinkError>;
}
