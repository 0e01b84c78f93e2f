//! Bodies and exchanges over HTTP/1.1: a socket, the buffers beside it, and the codec between them.
//!
//! Owns when gathered bytes are written: a head and a small body leave in one write, large data is written from where it
//! was read. Must never: hold more than a buffer of either side.

use std::cell::Cell;

use tokio::net::TcpStream;

use super::http1::answer::{Answer, MoreFields};
use super::http1::body::{Framing, Reader, Step};
use super::http1::buffer::Buffer;
use super::http1::{response, trailers};
use super::message::{Length, Method, RequestHead, Response, ResponseEdit, Version};
use super::socket::{IdleTimer, fill, send, within};
use super::stream::{
    Begun, BodySink, BodySource, ClientStream, Duplex, Piece, ResponseSink, SinkError, SourceError, Trailers,
    TransferError,
};
use super::transport::{ReadHalf, Transport, WriteHalf};

/// Data at least this long is written from where it was read; shorter data is gathered first.
const LARGE: usize = 4 * 1024;

/// Gathered output is written when it is this long.
const GATHERED: usize = 16 * 1024;

/// A body that is read from a socket.
pub struct Source<'s> {
    socket: ReadHalf<'s>,
    input: &'s mut Buffer,
    reader: Reader,
    /// Bytes at the front of the input that were handed out.
    lent: usize,
}

impl<'s> Source<'s> {
    /// A body of this length, whose first bytes may be in the buffer already.
    pub fn new(socket: ReadHalf<'s>, input: &'s mut Buffer, length: Length) -> Source<'s> {
        Source { socket, input, reader: Reader::new(length), lent: 0 }
    }

    /// Nothing that was read is left.
    pub fn is_used_up(&self) -> bool {
        self.input.len() == self.lent
    }

    fn use_up(&mut self) {
        self.input.consume(std::mem::take(&mut self.lent));
    }

    /// Nothing more comes.
    fn end(&mut self) -> Result<(), SourceError> {
        if self.reader.may_end_here() {
            self.reader = Reader::Over;
            Ok(())
        } else {
            Err(SourceError::Closed)
        }
    }
}

impl Drop for Source<'_> {
    fn drop(&mut self) {
        self.use_up();
    }
}

impl BodySource for Source<'_> {
    fn next(&mut self) -> Result<Piece<'_>, SourceError> {
        self.use_up();
        let (skip, lent, is_end) = match self.reader.next(self.input.filled()) {
            Err(_) => return Err(SourceError::Malformed),
            Ok(Step::More { skip }) => {
                self.input.consume(skip);
                return Ok(Piece::Wanting);
            }
            Ok(Step::Data { skip, length }) => (skip, length, false),
            Ok(Step::End { skip, trailers }) => (skip - trailers, trailers, true),
        };
        self.input.consume(skip);
        self.lent = lent;
        let bytes = &self.input.filled()[..lent];
        Ok(if is_end { Piece::End(Trailers(bytes)) } else { Piece::Data(bytes) })
    }

    async fn fill(&mut self, timer: &mut IdleTimer<'_>, is_patient: impl Fn() -> bool) -> Result<(), SourceError> {
        self.use_up();
        let mut limit = within(timer.idle);
        let limit = || if is_patient() { None } else { limit() };
        match fill(&mut self.socket, self.input, timer.alarm, limit).await? {
            0 => self.end(),
            _ => Ok(()),
        }
    }

    /// A client that has gone for good looks like one that has closed its sending half, until something is sent to it.
    async fn closed(&mut self, timer: &mut IdleTimer<'_>, half_is_gone: impl Fn() -> bool) {
        self.use_up();
        while !self.input.space().is_empty() {
            match fill(&mut self.socket, self.input, timer.alarm, || None).await {
                Ok(0) if !half_is_gone() => break,
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        self.input.release();
        self.socket.broken().await;
    }

    fn rest(&mut self) {
        self.use_up();
        self.input.release();
    }

    fn left_plain(&self) -> u64 {
        if self.input.is_empty() && self.lent == 0 { self.reader.left_plain() } else { 0 }
    }

    fn socket(&self) -> Option<&TcpStream> {
        self.socket.tcp()
    }

    fn skip(&mut self, bytes: u64) -> Result<(), SourceError> {
        self.reader.skip(bytes);
        if bytes == 0 { self.end() } else { Ok(()) }
    }
}

/// A body, and the head before it, that is written to a socket.
pub struct Sink<'s> {
    /// The socket.
    pub socket: WriteHalf<'s>,
    /// What is gathered, the head maybe among it.
    pub gathered: &'s mut Vec<u8>,
    /// How the body is framed.
    pub framing: Framing,
    /// Set when the first byte has been written.
    pub touched: Option<&'s Cell<bool>>,
    /// A byte has been written since the last head was gathered.
    pub has_sent: bool,
}

impl Sink<'_> {
    async fn send(&mut self, data: &[u8], timer: &mut IdleTimer<'_>) -> Result<(), SinkError> {
        let (touched, has_sent) = (self.touched, &mut self.has_sent);
        let written = || {
            *has_sent = true;
            if let Some(touched) = touched {
                touched.set(true);
            }
        };
        Ok(send(&mut self.socket, self.gathered, data, timer, written).await?)
    }
}

impl BodySink for Sink<'_> {
    async fn write(&mut self, data: &[u8], timer: &mut IdleTimer<'_>) -> Result<(), SinkError> {
        self.framing.before(self.gathered, data.len());
        if data.len() >= LARGE {
            self.send(data, timer).await?;
        } else {
            self.gathered.extend_from_slice(data);
        }
        self.framing.after(self.gathered);
        if self.gathered.len() >= GATHERED { self.flush(timer).await } else { Ok(()) }
    }

    async fn flush(&mut self, timer: &mut IdleTimer<'_>) -> Result<(), SinkError> {
        if self.gathered.is_empty() { Ok(()) } else { self.send(&[], timer).await }
    }

    fn rest(&mut self) {
        if self.gathered.is_empty() && self.gathered.capacity() > LARGE {
            *self.gathered = Vec::new();
        }
    }

    fn socket(&self) -> Option<&TcpStream> {
        self.socket.tcp().filter(|_| self.framing == Framing::Plain && self.gathered.is_empty())
    }

    async fn end(&mut self, Trailers(section): Trailers<'_>, timer: &mut IdleTimer<'_>) -> Result<(), TransferError> {
        if self.framing == Framing::Chunked {
            self.gathered.extend_from_slice(b"0\r\n");
            if !section.is_empty() {
                trailers::write(section, self.gathered).map_err(|_| SourceError::Malformed)?;
            }
            self.gathered.extend_from_slice(b"\r\n");
        }
        Ok(self.flush(timer).await?)
    }
}

/// The way of a response to a client of HTTP/1.1 or 1.0.
pub struct ResponseWriter<'s> {
    request: &'s RequestHead,
    sink: Sink<'s>,
}

impl ResponseWriter<'_> {
    fn write_head(&mut self, response: Response<'_>, keep: bool, edit: ResponseEdit<'_>) {
        let edits = response::Edits { version: self.request.version, keep, edit };
        response::write(self.sink.gathered, response.bytes, response.head, response.fields, edits);
    }
}

impl BodySink for ResponseWriter<'_> {
    async fn write(&mut self, data: &[u8], timer: &mut IdleTimer<'_>) -> Result<(), SinkError> {
        self.sink.write(data, timer).await
    }

    async fn flush(&mut self, timer: &mut IdleTimer<'_>) -> Result<(), SinkError> {
        self.sink.flush(timer).await
    }

    fn rest(&mut self) {
        self.sink.rest();
    }

    fn socket(&self) -> Option<&TcpStream> {
        self.sink.socket()
    }

    async fn end(&mut self, trailers: Trailers<'_>, timer: &mut IdleTimer<'_>) -> Result<(), TransferError> {
        self.sink.end(trailers, timer).await
    }
}

impl ResponseSink for ResponseWriter<'_> {
    /// HTTP/1.0 has no interim responses (RFC 9110, 15.2).
    async fn interim(
        &mut self,
        response: Response<'_>,
        edit: ResponseEdit<'_>,
        timer: &mut IdleTimer<'_>,
    ) -> Result<(), SinkError> {
        if self.request.version == Version::Http10 {
            return Ok(());
        }
        self.write_head(response, true, edit);
        self.sink.flush(timer).await
    }

    fn begin(&mut self, response: Response<'_>, edit: ResponseEdit<'_>, may_keep: bool) -> Begun {
        let version = self.request.version;
        let is_delimited = !response::ends_with_connection(response.head, version);
        let keeps_connection = may_keep && is_delimited && self.request.keeps_alive();
        self.write_head(response, keeps_connection, edit);
        self.sink.framing = response::framing(response.head, version);
        self.sink.has_sent = false;
        Begun { keeps_connection, is_delimited }
    }

    fn has_sent(&self) -> bool {
        self.sink.has_sent
    }
}

/// A client's connection during one exchange.
pub struct Http1Stream<'s> {
    /// The socket.
    pub socket: &'s mut Transport,
    /// What was read after the request's head.
    pub input: &'s mut Buffer,
    /// What is gathered for the client.
    pub output: &'s mut Vec<u8>,
    /// The request.
    pub request: &'s RequestHead,
}

impl Duplex for Http1Stream<'_> {
    type Body<'s>
        = Source<'s>
    where
        Self: 's;
    type Response<'s>
        = ResponseWriter<'s>
    where
        Self: 's;

    fn split(&mut self) -> (Source<'_>, ResponseWriter<'_>) {
        let (source, sink) = self.socket.split();
        self.output.clear();
        let sink =
            Sink { socket: sink, gathered: self.output, framing: Framing::Plain, touched: None, has_sent: false };
        (Source::new(source, self.input, self.request.body), ResponseWriter { request: self.request, sink })
    }
}

impl ClientStream for Http1Stream<'_> {
    async fn answer(
        &mut self,
        answer: Answer<'_>,
        more: MoreFields<'_>,
        keep: bool,
        timer: &mut IdleTimer<'_>,
    ) -> Result<(), SinkError> {
        self.output.clear();
        answer.write(more, self.output, self.request.version, keep, self.request.class != Method::Head);
        Ok(send(self.socket, self.output, &[], timer, || {}).await?)
    }
}
