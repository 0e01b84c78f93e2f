//! One exchange with a backend over a stream of HTTP/2.
//!
//! The request waits for the stream's window: only what the backend has room for is handed to the connection. What of the response
//! was passed on gives its part of our window back. A backend that says that it has not looked at a request (GOAWAY, REFUSED_STREAM;
//! RFC 9113, 8.7) has not had it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream, SendStream};
use http::Response as Head;

use super::alarm::Alarm;
use super::http2::backend;
use super::http2::response::trailers_of;
use super::http2_stream::{GATHERED, Incoming, LARGE, poll_room};
use super::http2_upstream::Place;
use super::message::fields::Field;
use super::message::{Length, Method, Response, ResponseHead};
use super::relay::{RelayError, ResponseSource, Task};
use super::socket::{IdleTimer, within};
use super::stream::{BodySink, BodySource, Piece, SinkError, SourceError, Trailers, TransferError};

/// The way of a request, whose head was sent.
pub struct RequestWriter<'s> {
    stream: SendStream<Bytes>,
    gathered: &'s mut Vec<u8>,
    has_ended: bool,
}

impl<'s> RequestWriter<'s> {
    /// `has_ended`: nothing follows the head.
    pub fn new(stream: SendStream<Bytes>, gathered: &'s mut Vec<u8>, has_ended: bool) -> RequestWriter<'s> {
        gathered.clear();
        RequestWriter { stream, gathered, has_ended }
    }

    async fn send(&mut self, mut data: &[u8], timer: &mut IdleTimer<'_>) -> Result<(), SinkError> {
        while !data.is_empty() {
            let mut limit = within(timer.idle);
            let room = poll_fn(|context| {
                if let Poll::Ready(room) = poll_room(&mut self.stream, data.len(), context) {
                    return Poll::Ready(room);
                }
                match limit().map(|limit| timer.alarm.poll(limit, context)) {
                    Some(Poll::Ready(())) => Poll::Ready(Err(SinkError::TimedOut)),
                    _ => Poll::Pending,
                }
            })
            .await?;
            let (now, later) = data.split_at(room);
            self.stream.send_data(Bytes::copy_from_slice(now), false).map_err(|_| SinkError::Closed)?;
            data = later;
        }
        Ok(())
    }
}

impl BodySink for RequestWriter<'_> {
    async fn write(&mut self, data: &[u8], timer: &mut IdleTimer<'_>) -> Result<(), SinkError> {
        if data.len() >= LARGE {
            self.flush(timer).await?;
            return self.send(data, timer).await;
        }
        self.gathered.extend_from_slice(data);
        if self.gathered.len() >= GATHERED { self.flush(timer).await } else { Ok(()) }
    }

    async fn flush(&mut self, timer: &mut IdleTimer<'_>) -> Result<(), SinkError> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let mut gathered = std::mem::take(self.gathered);
        let sent = self.send(&gathered, timer).await;
        gathered.clear();
        *self.gathered = gathered;
        sent
    }

    fn rest(&mut self) {
        if self.gathered.is_empty() && self.gathered.capacity() > LARGE {
            *self.gathered = Vec::new();
        }
    }

    async fn end(&mut self, Trailers(section): Trailers<'_>, timer: &mut IdleTimer<'_>) -> Result<(), TransferError> {
        if std::mem::replace(&mut self.has_ended, true) {
            return Ok(());
        }
        let trailers = trailers_of(section).map_err(|_| SourceError::Malformed)?;
        self.flush(timer).await?;
        let ended = match trailers.is_empty() {
            true => self.stream.send_data(Bytes::new(), true),
            false => self.stream.send_trailers(trailers),
        };
        Ok(ended.map_err(|_| SinkError::Closed)?)
    }
}

/// The way of a response.
pub struct ResponseReader<'s> {
    future: ResponseFuture,
    place: Place,
    /// The head that was read last, and its fields.
    lines: Vec<u8>,
    fields: &'s mut Vec<Field>,
    /// Its body, once it is the final one.
    body: Option<RecvStream>,
}

/// A head.
enum Received {
    Interim(Head<()>),
    Final(Head<RecvStream>),
}

impl<'s> ResponseReader<'s> {
    /// Of a request that has a place on a connection.
    pub fn new(future: ResponseFuture, place: Place, fields: &'s mut Vec<Field>) -> ResponseReader<'s> {
        ResponseReader { future, place, lines: Vec::new(), fields, body: None }
    }

    fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<Result<Received, h2::Error>> {
        match self.future.poll_informational(context) {
            Poll::Ready(Some(interim)) => Poll::Ready(interim.map(Received::Interim)),
            Poll::Ready(None) | Poll::Pending => Pin::new(&mut self.future).poll(context).map_ok(Received::Final),
        }
    }

    /// There is no response.
    fn failed(&self, error: &h2::Error) -> RelayError {
        let is_refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
        if !error.is_reset() {
            self.place.abandon();
        }
        if error.is_remote() && (error.is_go_away() || is_refused) {
            return RelayError::NotProcessed;
        }
        if error.is_library() { RelayError::Malformed } else { RelayError::NoResponse }
    }
}

impl ResponseSource for ResponseReader<'_> {
    type Body = ResponseBody;

    async fn head(&mut self, task: &Task<'_>, alarm: &mut Alarm) -> Result<ResponseHead, RelayError> {
        let received = poll_fn(|context| {
            if let Poll::Ready(received) = self.poll_head(context) {
                return Poll::Ready(received.map_err(|error| self.failed(&error)));
            }
            match task.until().map(|until| alarm.poll(until, context)) {
                Some(Poll::Ready(())) => Poll::Ready(Err(task.timed_out())),
                _ => Poll::Pending,
            }
        })
        .await?;
        task.begin_to_answer();
        let to_head = task.request.head.class == Method::Head;
        let most = task.settings.limits.response_head;
        let head = match received {
            Received::Interim(head) => backend::response(&head, to_head, most, &mut self.lines, self.fields),
            Received::Final(head) => {
                let read = backend::response(&head, to_head, most, &mut self.lines, self.fields);
                self.body = Some(head.into_body());
                read
            }
        };
        head.map_err(|_| RelayError::Malformed)
    }

    fn response<'r>(&'r self, head: &'r ResponseHead) -> Response<'r> {
        Response { head, bytes: &self.lines, fields: self.fields }
    }

    fn forget_head(&mut self) {
        self.lines.clear();
    }

    fn into_body(self, head: &ResponseHead) -> ResponseBody {
        // What comes where no body may be is not read, and the stream is reset.
        let body = self.body.filter(|_| head.body != Length::None);
        ResponseBody { incoming: body.map(Incoming::new), _place: self.place }
    }

    /// The connection is nobody's, and goes on.
    fn keeps_connection(_: &ResponseBody, _: &ResponseHead) -> bool {
        false
    }
}

/// A response's body.
pub struct ResponseBody {
    incoming: Option<Incoming>,
    _place: Place,
}

impl BodySource for ResponseBody {
    fn next(&mut self) -> Result<Piece<'_>, SourceError> {
        self.incoming.as_mut().map_or(Ok(Piece::End(Trailers(&[]))), Incoming::next)
    }

    async fn fill(&mut self, timer: &mut IdleTimer<'_>, is_patient: impl Fn() -> bool) -> Result<(), SourceError> {
        match &mut self.incoming {
            Some(incoming) => incoming.fill(timer, is_patient).await,
            None => Ok(()),
        }
    }

    /// Nobody waits for a backend to leave.
    async fn closed(&mut self, _: &mut IdleTimer<'_>, _: impl Fn() -> bool) {
        std::future::pending().await
    }
}
