//! The request's way: its head and body to the backend, then an eye on the client until the response is over.

use super::counters::{Passed, add_passed};
use super::local::Local;
use super::message::RequestHead;
use super::progress::Progress;
use super::socket::IdleTimer;
use super::stream::{BodySink, BodySource, SinkError, SourceError, TransferError};
use super::transfer::pass;
use crate::proxy::snapshot::BackendCounters;

/// The client's side of an attempt.
pub struct ClientSide<'c, B> {
    /// The request's body.
    pub body: B,
    /// Time limits of this direction.
    pub timer: IdleTimer<'c>,
}

/// The request that is sent, and what sending it needs.
pub struct Task<'t> {
    /// The request.
    pub request: &'t RequestHead,
    /// How far it has come.
    pub progress: &'t Progress,
    /// The worker.
    pub local: &'t Local,
    /// Its counts of the backend.
    pub counters: Option<&'t BackendCounters>,
    /// A client that has closed its half of the connection counts as gone while the response has not begun.
    pub half_is_gone: bool,
}

/// Why the request cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendError {
    /// The client has closed.
    ClientClosed,
    /// The client sent nothing for too long.
    ClientTimedOut,
    /// The client's body is malformed.
    Malformed,
    /// The client's body is longer than the service takes.
    TooLong,
    /// The backend takes no more.
    BackendClosed,
    /// The backend took nothing for too long.
    BackendTimedOut,
}

impl From<TransferError> for SendError {
    fn from(error: TransferError) -> SendError {
        match error {
            TransferError::Source(SourceError::Closed) => SendError::ClientClosed,
            TransferError::Source(SourceError::TimedOut) => SendError::ClientTimedOut,
            TransferError::Source(SourceError::Malformed) => SendError::Malformed,
            TransferError::Source(SourceError::TooLong) => SendError::TooLong,
            TransferError::Sink(SinkError::Closed) => SendError::BackendClosed,
            TransferError::Sink(SinkError::TimedOut) => SendError::BackendTimedOut,
        }
    }
}

/// Sends the head, if the sink has gathered it, and the body. Ends only with an error.
pub async fn send<B: BodySource>(client: ClientSide<'_, B>, mut backend: impl BodySink, task: Task<'_>) -> SendError {
    let ClientSide { mut body, mut timer } = client;
    let Task { request, progress, local, counters, half_is_gone } = task;
    let bytes_out = counters.map(|counters| &counters.bytes_out);
    progress.awaits_continue.set(request.expects_continue);
    if request.expects_continue {
        progress.begin_to_owe();
    }
    let count = |passed: Passed| {
        progress.body_taken.set(true);
        if progress.awaits_continue.replace(false) {
            // It waits no longer (RFC 9110, 10.1.1): the backend owes nothing before it has all of the request.
            progress.owed_since.set(None);
        }
        add_passed(&local.counters, bytes_out, passed);
    };
    if let Err(error) = pass(&mut body, &mut backend, &mut timer, count, || progress.awaits_continue.get()).await {
        return error.into();
    }
    progress.sent.set(true);
    progress.begin_to_owe();
    body.closed(&mut timer, || half_is_gone && !progress.answered.get()).await;
    SendError::ClientClosed
}
