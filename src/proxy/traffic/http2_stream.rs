//! Bodies and exchanges over a stream of HTTP/2.
//!
//! A piece of a request's body counts as used, and its part of the window is given back, when the path asks for the next one. A
//! response waits for its window: only what the client has room for is handed to the connection, so that a slow client holds no
//! more of our memory than one of HTTP/1.1 does. Head and small pieces are gathered, and leave in one frame each.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::Response as Head;

use super::http1::answer::{Answer, MoreFields};
use super::http2::response::{self, write_trailers};
use super::http2_pipe::Pipe;
use super::message::{Length, Method, RequestHead, Response, ResponseEdit};
use super::socket::{IdleTimer, within};
use super::stream::{
    Begun, BodySink, BodySource, ClientStream, Duplex, Piece, ResponseSink, SinkError, SourceError, Trailers,
    TransferError,
};

/// Data at least this long goes out as it comes; shorter data is gathered first.
pub const LARGE: usize = 4 * 1024;

/// Gathered data goes out when it is this long: a frame of the size that everybody takes (RFC 9113, 4.2).
pub const GATHERED: usize = 16 * 1024;

/// What comes from the other side.
pub struct Incoming {
    stream: RecvStream,
    /// What came last.
    piece: Bytes,
    /// It was handed out.
    is_lent: bool,
    receiving: Receiving,
    /// The trailer section as HTTP/1.1 writes it.
    trailers: Vec<u8>,
}

/// What may still come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Receiving {
    Data,
    Trailers,
    Nothing,
}

impl Incoming {
    /// Nothing of it was taken yet.
    pub fn new(stream: RecvStream) -> Incoming {
        let receiving = if stream.is_end_stream() { Receiving::Nothing } else { Receiving::Data };
        Incoming { stream, piece: Bytes::new(), is_lent: false, receiving, trailers: Vec::new() }
    }

    fn use_up(&mut self) {
        if std::mem::take(&mut self.is_lent) {
            let piece = std::mem::take(&mut self.piece);
            // Fails only for more than has come.
            let _ = self.stream.flow_control().release_capacity(piece.len());
        }
    }

    /// Waits until there is a piece, or the end.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SourceError>> {
        while self.receiving == Receiving::Data {
            match std::task::ready!(self.stream.poll_data(context)) {
                Some(Ok(data)) if data.is_empty() => {}
                Some(Ok(data)) => {
                    self.piece = data;
                    return Poll::Ready(Ok(()));
                }
                Some(Err(error)) => return Poll::Ready(Err(error.into())),
                None => self.receiving = Receiving::Trailers,
            }
        }
        if self.receiving == Receiving::Trailers {
            let trailers = std::task::ready!(self.stream.poll_trailers(context));
            self.receiving = Receiving::Nothing;
            match trailers {
                Ok(Some(map)) => write_trailers(&map, &mut self.trailers).map_err(|_| SourceError::Malformed)?,
                Ok(None) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The next piece of what has come.
    pub fn next(&mut self) -> Result<Piece<'_>, SourceError> {
        self.use_up();
        if self.piece.is_empty() {
            // What is here already; who waits for more says so in `fill`.
            match self.poll_piece(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(ended) => ended?,
                Poll::Pending => return Ok(Piece::Wanting),
            }
        }
        if self.piece.is_empty() {
            return Ok(Piece::End(Trailers(&self.trailers)));
        }
        self.is_lent = true;
        Ok(Piece::Data(&self.piece))
    }

    /// Waits until more has come.
    pub async fn fill(&mut self, timer: &mut IdleTimer<'_>, is_patient: impl Fn() -> bool) -> Result<(), SourceError> {
        self.use_up();
        let mut limit = within(timer.idle);
        poll_fn(|context| {
            if let Poll::Ready(done) = self.poll_piece(context) {
                return Poll::Ready(done);
            }
            match limit().filter(|_| !is_patient()).map(|limit| timer.alarm.poll(limit, context)) {
                Some(Poll::Ready(())) => Poll::Ready(Err(SourceError::TimedOut)),
                _ => Poll::Pending,
            }
        })
        .await
    }
}

impl From<h2::Error> for SourceError {
    /// What the `h2` crate itself has found is the other side's fault; everything else is an end.
    fn from(error: h2::Error) -> SourceError {
        if error.is_library() { SourceError::Malformed } else { SourceError::Closed }
    }
}

/// What goes to the client.
enum Outgoing {
    /// No head was sent.
    Head(SendResponse<Bytes>),
    /// A head was sent.
    Body(SendStream<Bytes>),
}

impl Outgoing {
    fn poll_reset(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self {
            Outgoing::Head(stream) => stream.poll_reset(context).map(drop),
            Outgoing::Body(stream) => stream.poll_reset(context).map(drop),
        }
    }

    fn send_head(&mut self, head: Head<()>, is_end: bool) -> Result<(), SinkError> {
        let Outgoing::Head(stream) = self else { return Err(SinkError::Closed) };
        let stream = stream.send_response(head, is_end).map_err(|_| SinkError::Closed)?;
        *self = Outgoing::Body(stream);
        Ok(())
    }

    fn body(&mut self) -> Result<&mut SendStream<Bytes>, SinkError> {
        match self {
            Outgoing::Head(_) => Err(SinkError::Closed),
            Outgoing::Body(stream) => Ok(stream),
        }
    }

    fn send_data(&mut self, data: &[u8], is_end: bool) -> Result<(), SinkError> {
        self.body()?.send_data(Bytes::copy_from_slice(data), is_end).map_err(|_| SinkError::Closed)
    }
}

/// Waits until the other side has room for some of the bytes that are wanted, and gives for how many.
pub fn poll_room(
    stream: &mut SendStream<Bytes>,
    wanted: usize,
    context: &mut Context<'_>,
) -> Poll<Result<usize, SinkError>> {
    stream.reserve_capacity(wanted);
    if stream.capacity() > 0 {
        return Poll::Ready(Ok(stream.capacity().min(wanted)));
    }
    stream.poll_capacity(context).map(|room| match room {
        Some(Ok(room)) => Ok(room.min(wanted)),
        Some(Err(_)) | None => Err(SinkError::Closed),
    })
}

/// The request's body.
pub struct Body<'s> {
    incoming: &'s mut Incoming,
    outgoing: &'s RefCell<Outgoing>,
    /// What comes is none of the request: another protocol's.
    is_none: bool,
}

impl BodySource for Body<'_> {
    fn next(&mut self) -> Result<Piece<'_>, SourceError> {
        if self.is_none { Ok(Piece::End(Trailers(&[]))) } else { self.incoming.next() }
    }

    async fn fill(&mut self, timer: &mut IdleTimer<'_>, is_patient: impl Fn() -> bool) -> Result<(), SourceError> {
        self.incoming.fill(timer, is_patient).await
    }

    /// Until the stream is reset; that the client has ended its side of it says nothing.
    async fn closed(&mut self, _: &mut IdleTimer<'_>, _: impl Fn() -> bool) {
        poll_fn(|context| self.outgoing.borrow_mut().poll_reset(context)).await;
    }
}

/// The way of a response.
pub struct ResponseWriter<'s> {
    outgoing: &'s RefCell<Outgoing>,
    /// The head, until something is sent.
    head: Option<Head<()>>,
    gathered: &'s mut Vec<u8>,
    /// Bytes of the body that are to come, if that is known.
    left: Option<u64>,
    has_sent: bool,
    has_ended: &'s Cell<bool>,
}

impl ResponseWriter<'_> {
    /// Sends data, the head before it; `is_end`: nothing follows.
    async fn send(&mut self, mut data: &[u8], is_end: bool, timer: &mut IdleTimer<'_>) -> Result<(), SinkError> {
        if let Some(head) = self.head.take() {
            self.has_sent = true;
            self.outgoing.borrow_mut().send_head(head, is_end && data.is_empty())?;
        } else if data.is_empty() && is_end {
            self.outgoing.borrow_mut().send_data(&[], true)?;
        }
        while !data.is_empty() {
            let mut limit = within(timer.idle);
            let room = poll_fn(|context| {
                if let Poll::Ready(room) = poll_room(self.outgoing.borrow_mut().body()?, data.len(), context) {
                    return Poll::Ready(room);
                }
                match limit().map(|limit| timer.alarm.poll(limit, context)) {
                    Some(Poll::Ready(())) => Poll::Ready(Err(SinkError::TimedOut)),
                    _ => Poll::Pending,
                }
            })
            .await?;
            let (now, later) = data.split_at(room);
            self.outgoing.borrow_mut().send_data(now, is_end && later.is_empty())?;
            data = later;
        }
        if is_end {
            self.has_ended.set(true);
        }
        Ok(())
    }

    async fn send_gathered(&mut self, is_end: bool, timer: &mut IdleTimer<'_>) -> Result<(), SinkError> {
        let mut gathered = std::mem::take(self.gathered);
        let sent = self.send(&gathered, is_end, timer).await;
        gathered.clear();
        *self.gathered = gathered;
        sent
    }
}

impl BodySink for ResponseWriter<'_> {
    async fn write(&mut self, data: &[u8], timer: &mut IdleTimer<'_>) -> Result<(), SinkError> {
        self.left = self.left.map(|left| left.saturating_sub(data.len() as u64));
        let is_end = self.left == Some(0);
        if data.len() >= LARGE {
            if !self.gathered.is_empty() {
                self.send_gathered(false, timer).await?;
            }
            return self.send(data, is_end, timer).await;
        }
        self.gathered.extend_from_slice(data);
        if is_end || self.gathered.len() >= GATHERED { self.send_gathered(is_end, timer).await } else { Ok(()) }
    }

    async fn flush(&mut self, timer: &mut IdleTimer<'_>) -> Result<(), SinkError> {
        if self.gathered.is_empty() && self.head.is_none() { Ok(()) } else { self.send_gathered(false, timer).await }
    }

    fn rest(&mut self) {
        if self.gathered.is_empty() && self.gathered.capacity() > LARGE {
            *self.gathered = Vec::new();
        }
    }

    async fn end(&mut self, Trailers(section): Trailers<'_>, timer: &mut IdleTimer<'_>) -> Result<(), TransferError> {
        if self.has_ended.get() {
            return Ok(());
        }
        let trailers = response::trailers_of(section).map_err(|_| SourceError::Malformed)?;
        if trailers.is_empty() {
            return Ok(self.send_gathered(true, timer).await?);
        }
        self.send_gathered(false, timer).await?;
        self.outgoing.borrow_mut().body()?.send_trailers(trailers).map_err(|_| SinkError::Closed)?;
        self.has_ended.set(true);
        Ok(())
    }
}

impl ResponseSink for ResponseWriter<'_> {
    async fn interim(
        &mut self,
        response: Response<'_>,
        edit: ResponseEdit<'_>,
        _: &mut IdleTimer<'_>,
    ) -> Result<(), SinkError> {
        let head = response::head(response, edit);
        let mut outgoing = self.outgoing.borrow_mut();
        match &mut *outgoing {
            outgoing if response.head.status == 101 => outgoing.send_head(head, false),
            Outgoing::Head(stream) => stream.send_informational(head).map_err(|_| SinkError::Closed),
            Outgoing::Body(_) => Err(SinkError::Closed),
        }
    }

    /// The connection outlives every stream, and each has an end of its own.
    fn begin(&mut self, response: Response<'_>, edit: ResponseEdit<'_>, _: bool) -> Begun {
        self.gathered.clear();
        self.head = Some(response::head(response, edit));
        self.left = match response.head.body {
            Length::None => Some(0),
            Length::Exactly(bytes) => Some(bytes),
            Length::Chunked | Length::UntilClose => None,
        };
        Begun { keeps_connection: true, is_delimited: true }
    }

    fn has_sent(&self) -> bool {
        self.has_sent
    }
}

/// A stream during its one exchange.
pub struct Http2Stream<'s> {
    /// The request.
    request: &'s RequestHead,
    incoming: Incoming,
    outgoing: RefCell<Outgoing>,
    /// What is gathered for the client.
    gathered: &'s mut Vec<u8>,
    has_ended: Cell<bool>,
}

impl<'s> Http2Stream<'s> {
    /// For a request, whose body is `incoming`.
    pub fn new(
        request: &'s RequestHead,
        incoming: Incoming,
        outgoing: SendResponse<Bytes>,
        gathered: &'s mut Vec<u8>,
    ) -> Http2Stream<'s> {
        let outgoing = RefCell::new(Outgoing::Head(outgoing));
        Http2Stream { request, incoming, outgoing, gathered, has_ended: Cell::new(false) }
    }

    /// What the stream is after an extended CONNECT was accepted: nothing that came after its head was taken. None: it is broken.
    pub fn into_pipe(self) -> Option<Pipe> {
        match self.outgoing.into_inner() {
            Outgoing::Head(_) => None,
            Outgoing::Body(outgoing) => Some(Pipe::new(self.incoming.stream, outgoing)),
        }
    }

    /// The client must not take a response for whole that is not.
    pub fn finish(self) {
        if !self.has_ended.get() {
            match self.outgoing.into_inner() {
                Outgoing::Head(mut stream) => stream.send_reset(Reason::INTERNAL_ERROR),
                Outgoing::Body(mut stream) => stream.send_reset(Reason::INTERNAL_ERROR),
            }
        }
    }
}

impl Duplex for Http2Stream<'_> {
    type Body<'s>
        = Body<'s>
    where
        Self: 's;
    type Response<'s>
        = ResponseWriter<'s>
    where
        Self: 's;

    fn split(&mut self) -> (Body<'_>, ResponseWriter<'_>) {
        let Http2Stream { request, incoming, outgoing, gathered, has_ended } = self;
        gathered.clear();
        let body = Body { incoming, outgoing, is_none: request.is_extended_connect() };
        (body, ResponseWriter { outgoing, head: None, gathered, left: None, has_sent: false, has_ended })
    }
}

impl ClientStream for Http2Stream<'_> {
    async fn answer(
        &mut self,
        answer: Answer<'_>,
        more: MoreFields<'_>,
        _: bool,
        timer: &mut IdleTimer<'_>,
    ) -> Result<(), SinkError> {
        let has_body = self.request.class != Method::Head;
        let (_, mut writer) = self.split();
        writer.head = Some(response::answer(answer, more));
        if has_body {
            answer.body().iter().for_each(|part| writer.gathered.extend_from_slice(part.as_bytes()));
        }
        writer.send_gathered(true, timer).await
    }
}
