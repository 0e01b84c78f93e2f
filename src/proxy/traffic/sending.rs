//! The request's way: its head and body to the backend, then an eye on the client until the response is over.

use std::time::Duration;

use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::Instant;

use super::alarm::Alarm;
use super::attempt::Progress;
use super::http1::body::{Framing, Reader};
use super::http1::buffer::Buffer;
use super::http1::vet::{Length, Request};
use super::local::add;
use super::transfer::{Body, Broken, fill};
use crate::proxy::snapshot::BackendCounters;

/// The client's side of it.
pub struct Clientside<'c> {
    /// What it sends.
    pub source: ReadHalf<'c>,
    /// What of that was read and not used.
    pub input: &'c mut Buffer,
    /// Limits.
    pub alarm: &'c mut Alarm,
}

/// What is sent.
pub struct Task<'t> {
    /// Its vetted head.
    pub request: &'t Request,
    /// How far it has come.
    pub progress: &'t Progress,
    /// Time without a byte of the body.
    pub idle: Duration,
    /// Of the backend.
    pub counters: Option<&'t BackendCounters>,
}

/// Why the request cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendError {
    /// The client has closed. One that closes only its sending half is taken for gone, as by most servers: nothing
    /// tells the two apart.
    Gone,
    /// The client sent nothing for too long.
    Idle,
    /// The client's body is malformed.
    Malformed,
    /// The backend takes no more.
    Backend,
    /// The backend took nothing for too long.
    BackendIdle,
}

/// Sends the head, which stands in `out`, and the body. Ends only with an error.
pub async fn send(client: Clientside<'_>, mut backend: WriteHalf<'_>, out: &mut Vec<u8>, task: Task<'_>) -> SendError {
    let Clientside { mut source, input, alarm } = client;
    let Task { request, progress, idle, counters } = task;
    let framing = if request.body == Length::Chunked { Framing::Chunked } else { Framing::Plain };
    progress.holding.set(request.expects_continue);
    if request.expects_continue {
        progress.owed.set(Some(Instant::now()));
    }
    let body = Body { reader: Reader::new(request.body), framing, input, out, alarm, idle };
    let count = |bytes| {
        progress.body_taken.set(true);
        if progress.holding.replace(false) {
            // It waits no longer (RFC 9110, 10.1.1): the backend owes nothing before it has all of the request.
            progress.owed.set(None);
        }
        if let Some(counters) = counters {
            add(&counters.bytes_out, bytes);
        }
    };
    let passed =
        body.pass(&mut source, &mut backend, count, || progress.touched.set(true), || progress.holding.get()).await;
    if let Err(broken) = passed {
        return match broken {
            Broken::Source => SendError::Gone,
            Broken::SourceIdle => SendError::Idle,
            Broken::Malformed => SendError::Malformed,
            Broken::Sink => SendError::Backend,
            Broken::SinkIdle => SendError::BackendIdle,
        };
    }
    progress.sent.set(true);
    progress.owed.set(Some(Instant::now()));
    watch(&mut source, input, alarm).await
}

/// Keeps what the client sends ahead, as long as there is room, and ends when it closes.
async fn watch(source: &mut ReadHalf<'_>, input: &mut Buffer, alarm: &mut Alarm) -> SendError {
    loop {
        if input.space().is_empty() {
            std::future::pending::<()>().await;
        }
        if !matches!(fill(source, input, alarm, || None).await, Ok(1..)) {
            return SendError::Gone;
        }
    }
}
