//! A response of the proxy's own, on the way that a backend's goes: so that both versions of HTTP, and whatever is done to responses, have
//! one place.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::answering::Served;
use super::compression::decide;
use super::counters::Passed;
use super::exchange::Exchange;
use super::file_body::FileBody;
use super::http1::answer::Answer;
use super::http1::head::line;
use super::http1::response::vet;
use super::inflight::{Entry, Order};
use super::message::{self, Method, ResponseEdit};
use super::outcome::AfterResponse;
use super::socket::IdleTimer;
use super::stream::{BodySource, ClientStream, Piece, ResponseSink, SinkError, SourceError, Trailers, TransferError};
use super::termination::End;
use super::transfer::pass;
use crate::proxy::snapshot::Front;
use crate::proxy::target::response::{Content, Response};

impl Exchange<'_> {
    /// Sends it. The connection goes on if nothing of the request is left unread.
    pub async fn respond(
        &mut self,
        client: &mut impl ClientStream,
        front: &Front,
        response: Response,
        end: End,
    ) -> Served {
        let request = self.request.head;
        // A success would tell the client that its stream is what it asked for (RFC 8441, 5).
        if request.is_extended_connect() && (200..300).contains(&response.status) {
            let answer = Answer { status: 400, why: Some("no WebSocket is here") };
            return self.answer_plainly(client, answer, None, End::Local).await;
        }
        let is_head = request.class == Method::Head;
        let bytes = head_of(&response);
        let mut fields = Vec::new();
        let Ok(head) = vet(&bytes, is_head, &mut fields) else {
            // What the document's reader lets pass is none of this.
            return self.answer_plainly(client, Answer::new(500), None, End::Local).await;
        };
        let view = self.local.view();
        let settings = &view.snapshot.settings;
        let mut body = if is_head { OwnBody::Over } else { OwnBody::of(response.content, self) };
        let transport = self.transport_security(front, settings);
        let edits = front.edge.as_ref().and_then(|edge| edge.response_headers.as_ref());
        let facts = edits.map(|edits| self.facts(edits, front, settings));
        let headers = edits.zip(facts).map(|(edits, facts)| edits.applied(&facts, self.values));
        // An error is not to last because what it stands for would.
        let headers = headers.map(|headers| if response.status < 400 { headers } else { headers.beside_own() });
        let edit = ResponseEdit { transport, headers, ..ResponseEdit::default() };
        let whole = message::Response { head: &head, bytes: &bytes, fields: &fields };
        // Which one may be compressed is known where it was found.
        let is_of_plain = response.status == 304 && !response.fields.iter().any(|(name, _)| name == "Vary");
        let compression = front.edge.as_ref().and_then(|edge| edge.compression.as_ref());
        let (decision, compressor) = match compression.filter(|_| !is_of_plain) {
            None => Default::default(),
            Some(rules) => decide(rules, self.request, whole, edit, self.local),
        };
        (self.trace.status, self.trace.end, self.trace.encoding) = (response.status, end, decision.encoding);
        // A backend that was asked has not responded: this stands in its place.
        if self.trace.backend.is_none() {
            self.trace.responded = Some(Duration::ZERO);
        }
        let may_stay = self.entry.has_regular_slot() && !self.local.is_draining();
        let may_keep = request.has_no_body() && request.keeps_alive() && may_stay;
        let (_, mut sink) = client.split();
        let whole = message::Response { head: &decision.head(&head), ..whole };
        let begun = sink.begin(whole, ResponseEdit { content: decision.edit(), ..edit }, may_keep);
        let mut timer = IdleTimer { alarm: self.backend_alarm, idle: settings.timeouts.body_idle };
        let trace = &mut *self.trace;
        let count = |passed: Passed| trace.bytes += passed.bytes();
        let passed = match compressor {
            None => unless_killed(self.entry, pass(&mut body, &mut sink, &mut timer, count, || false)).await,
            // On the heap: other responses have no room for it.
            Some(compressor) => {
                let mut compressing = compressor.into(&mut sink);
                let passing = Box::pin(pass(&mut body, &mut compressing, &mut timer, count, || false));
                let passed = unless_killed(self.entry, passing).await;
                self.trace.bytes = compressing.sent;
                passed
            }
        };
        let has_sent = sink.has_sent();
        drop(sink);
        let (then, end) = match passed {
            Some(Ok(())) if begun.keeps_connection => (AfterResponse::Keep, end),
            Some(Ok(())) => (AfterResponse::Linger, end),
            None => (AfterResponse::Reset, End::DrainTimeout),
            Some(Err(TransferError::Sink(SinkError::Closed))) => (AfterResponse::Close, End::ClientInData),
            Some(Err(TransferError::Sink(SinkError::TimedOut))) => (AfterResponse::Close, End::ClientBodyTimeout),
            Some(Err(TransferError::Source(error))) if !has_sent => {
                (self.trace.bytes, self.trace.encoding) = (0, None);
                let (status, end) = match error {
                    SourceError::TimedOut => (504, End::DiskTimeout),
                    _ => (500, End::FileUnread),
                };
                return self.answer_plainly(client, Answer::new(status), None, end).await;
            }
            Some(Err(TransferError::Source(_))) => (AfterResponse::Reset, End::FileCut),
        };
        self.trace.end = end;
        Served::Done(then)
    }
}

/// None: the connection has to end, whatever it does.
async fn unless_killed<T>(entry: &Entry, work: impl Future<Output = T>) -> Option<T> {
    let killed = async { while entry.order().await != Order::Kill {} };
    tokio::select! { biased;
        () = killed => None,
        done = work => Some(done),
    }
}

/// As a backend would write it.
fn head_of(response: &Response) -> Vec<u8> {
    let reason = http::StatusCode::from_u16(response.status).ok().and_then(|status| status.canonical_reason());
    let mut head = Vec::with_capacity(512);
    for part in ["HTTP/1.1 ", itoa::Buffer::new().format(response.status), " ", reason.unwrap_or("Status"), "\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
    line(&mut head, b"Date", httpdate::fmt_http_date(SystemTime::now()).as_bytes());
    for (name, value) in &response.fields {
        line(&mut head, name.as_bytes(), value);
    }
    // These have no content, and 304 says nothing of that of another response (RFC 9110, 8.6).
    if !matches!(response.status, 204 | 304) {
        line(&mut head, b"Content-Length", itoa::Buffer::new().format(response.content.length()).as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// The content of such a response, on its way.
enum OwnBody {
    /// Nothing more.
    Over,
    /// All of these bytes.
    Bytes(Arc<Vec<u8>>),
    /// These were handed out.
    Lent(Arc<Vec<u8>>),
    /// A file.
    File(FileBody),
}

impl OwnBody {
    fn of(content: Content, exchange: &Exchange<'_>) -> OwnBody {
        match content {
            Content::Bytes(bytes) if !bytes.is_empty() => OwnBody::Bytes(bytes),
            Content::Empty | Content::Bytes(_) => OwnBody::Over,
            Content::File(file) => OwnBody::File(FileBody::new(file, &exchange.local.disk)),
        }
    }
}

impl BodySource for OwnBody {
    fn next(&mut self) -> Result<Piece<'_>, SourceError> {
        *self = match std::mem::replace(self, OwnBody::Over) {
            OwnBody::Bytes(bytes) => OwnBody::Lent(bytes),
            OwnBody::Lent(_) | OwnBody::Over => OwnBody::Over,
            file @ OwnBody::File(_) => file,
        };
        match self {
            OwnBody::Lent(bytes) | OwnBody::Bytes(bytes) => Ok(Piece::Data(bytes)),
            OwnBody::Over => Ok(Piece::End(Trailers(&[]))),
            OwnBody::File(file) => file.next(),
        }
    }

    async fn fill(&mut self, timer: &mut IdleTimer<'_>, is_patient: impl Fn() -> bool) -> Result<(), SourceError> {
        match self {
            OwnBody::File(file) => file.fill(timer, is_patient).await,
            OwnBody::Over | OwnBody::Bytes(_) | OwnBody::Lent(_) => Ok(()),
        }
    }

    /// It never goes away by itself.
    async fn closed(&mut self, _: &mut IdleTimer<'_>, _: impl Fn() -> bool) {
        std::future::pending().await
    }
}
