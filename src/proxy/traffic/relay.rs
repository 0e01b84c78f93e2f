//! The response's way: heads read, vetted and rewritten, bodies passed on.

use std::time::Duration;

use tokio::time::Instant;

use super::alarm::Alarm;
use super::compression::{Compressor, Decision, decide};
use super::counters::{Passed, add, add_passed};
use super::inflight::{Entry, Phase};
use super::local::Local;
use super::message::fields::{FieldKind, elements};
use super::message::{Request, Response, ResponseEdit, ResponseHead};
use super::progress::Progress;
use super::socket::IdleTimer;
use super::stream::{BodySource, ResponseSink, SinkError, SourceError, TransferError};
use super::termination::End;
use super::trace::Trace;
use super::transfer::pass;
use crate::config::proxy::RetryOn;
use crate::proxy::edge::compression::Compression;
use crate::proxy::snapshot::{BackendCounters, Settings};

/// Interim responses a backend may send for one request.
const MOST_INTERIM: usize = 64;

/// The backend's side of an attempt: heads, and then a body.
pub trait ResponseSource {
    /// The final response's body.
    type Body: BodySource;

    /// The next head, whose bytes and fields [`ResponseSource::response`] has until the next one.
    async fn head(&mut self, task: &Task<'_>, alarm: &mut Alarm) -> Result<ResponseHead, RelayError>;

    /// The head that came last.
    fn response<'r>(&'r self, head: &'r ResponseHead) -> Response<'r>;

    /// That head is done with, and no final one.
    fn forget_head(&mut self);

    /// What follows the final head.
    fn into_body(self, head: &ResponseHead) -> Self::Body;

    /// Whether the backend's connection can be used again after all of the body: the backend keeps it, and nothing of it is left unread.
    fn keeps_connection(body: &Self::Body, head: &ResponseHead) -> bool;
}

/// The request that is answered, and what passing its response on needs.
pub struct Task<'t> {
    /// The request.
    pub request: Request<'t>,
    /// How far it has come.
    pub progress: &'t Progress,
    /// Limits.
    pub settings: &'t Settings,
    /// How long this attempt may take to its response's head, if that is less than for the last one.
    pub try_timeout: Option<Duration>,
    /// What the request is sent to another backend for, because one is there.
    pub retried: RetryOn,
    /// This worker's counts of the backend.
    pub counters: Option<&'t BackendCounters>,
    /// What is changed about it.
    pub edit: ResponseEdit<'t>,
    /// Whether it is compressed.
    pub compression: Option<&'t Compression>,
    /// The worker.
    pub local: &'t Local,
    /// What the worker knows of the client's connection.
    pub entry: &'t Entry,
    /// For the access log.
    pub trace: &'t mut Trace,
}

/// What was passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relayed {
    /// A whole response.
    Response {
        /// The backend's connection can be used again: the backend keeps it, and nothing of it is left unread.
        backend_keeps: bool,
        /// The client's connection can be used again.
        client_keeps: bool,
    },
    /// 101: what follows is no longer HTTP.
    Switched,
}

/// Why no whole response was passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayError {
    /// The backend ended before the head was whole.
    NoResponse,
    /// The backend says that it has not looked at the request (RFC 9113, 8.7).
    NotProcessed,
    /// The head did not come in time.
    TimedOut,
    /// It did not come in the time that one attempt has.
    TryTimedOut,
    /// The head has a status for which another backend is tried.
    Status(u16),
    /// The head is malformed or too long.
    Malformed,
    /// The client takes no more.
    Client(End),
    /// The backend's body broke.
    Body {
        /// For the access log.
        end: End,
        /// The client can tell that it was cut short.
        is_delimited: bool,
    },
}

impl From<SinkError> for RelayError {
    fn from(error: SinkError) -> RelayError {
        RelayError::Client(match error {
            SinkError::Closed => End::ClientInData,
            SinkError::TimedOut => End::ClientBodyTimeout,
        })
    }
}

/// Passes the response on, interim ones first. The task is borrowed: a future has a copy of its own of whatever it takes, for as long as it
/// runs.
pub async fn relay(
    mut backend: impl ResponseSource,
    mut timer: IdleTimer<'_>,
    mut client: impl ResponseSink,
    task: &mut Task<'_>,
) -> Result<Relayed, RelayError> {
    for _ in 0..MOST_INTERIM {
        let head = backend.head(task, timer.alarm).await?;
        task.count_response(&head);
        if head.authenticates_connection {
            task.progress.authenticated.set(true);
        }
        let switches = head.status == 101;
        let response = backend.response(&head);
        if switches && !task.may_switch(response) {
            return Err(RelayError::Malformed);
        }
        // A success would tell the client that its stream is what it asked for (RFC 8441, 5).
        if task.request.head.is_extended_connect() && (200..300).contains(&head.status) {
            return Err(RelayError::Malformed);
        }
        if !switches && !head.is_interim() {
            if task.retried.contains(RetryOn::of_status(head.status)) && !client.takes_any() {
                return Err(RelayError::Status(head.status));
            }
            return task.pass_response(backend, &mut timer, &mut client, &head).await;
        }
        let edit = ResponseEdit { set_cookie: task.edit.set_cookie.filter(|_| switches), ..task.edit };
        task.trace.cookie_set = edit.set_cookie.is_some();
        task.progress.begun.set(switches);
        client.interim(response, edit, &mut timer).await?;
        backend.forget_head();
        if switches {
            task.trace.status = 101;
            return Ok(Relayed::Switched);
        }
        task.release_body().await;
    }
    Err(RelayError::Malformed)
}

impl<'t> Task<'t> {
    /// Until when the backend has to have sent the next head; none: it owes nothing yet.
    pub fn until(&self) -> Option<Instant> {
        let most = self.settings.timeouts.response_head;
        let most = self.try_timeout.map_or(most, |one| one.min(most));
        self.progress.owed_since.get().map(|since| since + most)
    }

    /// The next head has not come until then.
    pub fn timed_out(&self) -> RelayError {
        match self.try_timeout {
            Some(one) if one < self.settings.timeouts.response_head => RelayError::TryTimedOut,
            _ => RelayError::TimedOut,
        }
    }

    /// The first of a response has come.
    pub fn begin_to_answer(&self) {
        if !self.progress.answered.replace(true) {
            self.entry.enter(Phase::Answering);
        }
    }

    /// Whether the backend may switch: to a protocol that the client asked for (RFC 9110, 7.8).
    fn may_switch(&self, response: Response<'_>) -> bool {
        let asked = || self.request.values(FieldKind::Upgrade).flat_map(elements);
        let is_asked = |protocol: &[u8]| asked().any(|asked| asked.eq_ignore_ascii_case(protocol));
        self.request.head.upgrade
            && response.head.upgrade
            && response
                .values(FieldKind::Upgrade)
                .flat_map(elements)
                .filter(|element| !element.is_empty())
                .all(is_asked)
    }

    fn count_response(&mut self, head: &ResponseHead) {
        if let Some(counters) = self.counters {
            add(&counters.responses[usize::from(head.status / 100 - 1)], 1);
        }
    }

    /// After an interim response the client may send what it held back.
    async fn release_body(&self) {
        if self.progress.awaits_continue.replace(false) && !self.progress.sent.get() {
            self.progress.owed_since.set(None);
            // The other direction has no limit running yet: let it be polled.
            tokio::task::yield_now().await;
        }
    }

    /// Whether the final response is compressed, and by what.
    fn decide(&self, response: Response<'_>) -> (Decision, Option<Compressor<'t>>) {
        match self.compression {
            None => Default::default(),
            Some(rules) => decide(rules, self.request, response, self.edit, self.local),
        }
    }

    /// Passes the final response on.
    async fn pass_response<B: ResponseSource>(
        &mut self,
        backend: B,
        timer: &mut IdleTimer<'_>,
        client: &mut impl ResponseSink,
        head: &ResponseHead,
    ) -> Result<Relayed, RelayError> {
        let may_keep = self.progress.sent.get() && !self.local.is_draining();
        let (decision, compressor) = self.decide(backend.response(head));
        let begun = {
            let response = Response { head: &decision.head(head), ..backend.response(head) };
            client.begin(response, ResponseEdit { content: decision.edit(), ..self.edit }, may_keep)
        };
        self.trace.encoding = decision.encoding;
        drop(decision);
        self.trace.status = head.status;
        self.trace.cookie_set = self.edit.set_cookie.is_some();
        self.trace.responded = self.progress.owed_since.get().map(|since| since.elapsed());
        self.progress.begun.set(true);
        let mut body = backend.into_body(head);
        let bytes_in = self.counters.map(|counters| &counters.bytes_in);
        let count = |passed: Passed| {
            self.trace.bytes += passed.bytes();
            add_passed(&self.local.counters, bytes_in, passed);
        };
        let passed = match compressor {
            None => pass(&mut body, client, timer, count, || false).await,
            // On the heap: other responses have no room for it.
            Some(compressor) => {
                let mut compressing = compressor.into(client);
                let passed = Box::pin(pass(&mut body, &mut compressing, timer, count, || false)).await;
                self.trace.bytes = compressing.sent;
                passed
            }
        };
        match passed {
            Ok(()) => Ok(Relayed::Response {
                backend_keeps: B::keeps_connection(&body, head),
                client_keeps: begun.keeps_connection,
            }),
            Err(TransferError::Sink(error)) => Err(error.into()),
            Err(TransferError::Source(error)) if !client.has_sent() => {
                // What was gathered is dropped, and the client gets an answer of ours instead.
                self.progress.begun.set(false);
                (self.trace.bytes, self.trace.cookie_set, self.trace.encoding) = (0, false, None);
                Err(match error {
                    SourceError::Malformed | SourceError::TooLong => RelayError::Malformed,
                    SourceError::TimedOut => RelayError::TimedOut,
                    SourceError::Closed => RelayError::NoResponse,
                })
            }
            Err(TransferError::Source(error)) => {
                Err(RelayError::Body { end: end_of(error), is_delimited: begun.is_delimited })
            }
        }
    }
}

fn end_of(error: SourceError) -> End {
    match error {
        SourceError::TimedOut => End::BackendBodyTimeout,
        SourceError::Malformed | SourceError::TooLong => End::MalformedBody,
        SourceError::Closed => End::BackendInData,
    }
}
