//! The response's way: heads read, vetted and rewritten, bodies passed on.

use std::io;

use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::alarm::Alarm;
use super::attempt::Progress;
use super::http1::body::Reader;
use super::http1::buffer::{Buffer, SIZE};
use super::http1::fields::Field;
use super::http1::head::{Scan, Scanned};
use super::http1::response::{self, Response};
use super::http1::vet::{Method, Request, Version};
use super::inflight::{Entry, Phase};
use super::local::{Local, add};
use super::termination::End;
use super::trace::Trace;
use super::transfer::{Body, Broken, fill, send};
use crate::proxy::snapshot::{BackendCounters, Settings};

/// Interim responses a backend may send for one request.
const MOST_INTERIM: usize = 64;

/// The backend's side of it.
pub struct Backside<'b> {
    /// What it sends.
    pub source: ReadHalf<'b>,
    /// What of that was read and not used.
    pub input: &'b mut Buffer,
    /// Fields of the head read last.
    pub fields: &'b mut Vec<Field>,
    /// Limits.
    pub alarm: &'b mut Alarm,
}

/// What is answered.
pub struct Task<'t> {
    /// The request's vetted head.
    pub request: &'t Request,
    /// How far it has come.
    pub progress: &'t Progress,
    /// Limits.
    pub settings: &'t Settings,
    /// Of the backend.
    pub counters: Option<&'t BackendCounters>,
    /// The visitor is told its backend.
    pub set_cookie: Option<&'t str>,
    /// The worker.
    pub local: &'t Local,
    /// The connection.
    pub entry: &'t Entry,
    /// For the log.
    pub trace: &'t mut Trace,
}

/// What was passed on.
pub enum Relayed {
    /// A whole response.
    Response(Kept),
    /// 101: what follows is no longer HTTP.
    Switched,
}

/// Who keeps its connection.
pub struct Kept {
    /// The backend, and nothing of it is left unread.
    pub backend_keeps: bool,
    /// The client.
    pub client_keeps: bool,
}

/// Why no whole response was passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayError {
    /// The backend ended before the head was whole.
    NoResponse,
    /// The head did not come in time.
    Timeout,
    /// The head cannot be believed.
    Malformed,
    /// The client takes no more; the log's code.
    Client(End),
    /// The backend's body broke. `hide_end`: a plain close would look like its end.
    Body {
        /// The log's code.
        end: End,
        /// See above.
        hide_end: bool,
    },
}

/// Passes the response on, interim ones first.
pub async fn relay(
    mut backend: Backside<'_>,
    mut client: WriteHalf<'_>,
    out: &mut Vec<u8>,
    mut task: Task<'_>,
) -> Result<Relayed, RelayError> {
    let idle = task.settings.timeouts.body_idle;
    for _ in 0..MOST_INTERIM {
        let length = read_head(&mut backend, &task).await?;
        let head = &backend.input.filled()[..length];
        let to_head = task.request.class == Method::Head;
        let response = response::vet(head, to_head, backend.fields).map_err(|_| RelayError::Malformed)?;
        task.count_response(&response);
        if response.status == 101 && !(task.request.upgrade && response.upgrade) {
            return Err(RelayError::Malformed);
        }
        if !response.is_interim() && response.status != 101 {
            return task.pass_response(backend, client, out, response, length).await.map(Relayed::Response);
        }
        if task.request.version == Version::Http11 {
            let set_cookie = task.set_cookie.filter(|_| response.status == 101);
            task.trace.cookie_set = set_cookie.is_some();
            let ours = response::Ours { version: Version::Http11, keep: true, set_cookie };
            task.progress.begun.set(response.status == 101);
            response::write(out, head, &response, backend.fields, ours);
            send(&mut client, out, &[], backend.alarm, idle, || {}).await.map_err(client_error)?;
        }
        backend.input.consume(length);
        if response.status == 101 {
            task.trace.status = 101;
            return Ok(Relayed::Switched);
        }
        task.release_body().await;
    }
    Err(RelayError::Malformed)
}

/// Reads until a head is whole.
async fn read_head(backend: &mut Backside<'_>, task: &Task<'_>) -> Result<usize, RelayError> {
    let most = task.settings.limits.response_head;
    let limit = task.settings.timeouts.response_head;
    let mut scan = Scan::default();
    loop {
        match scan.next(backend.input.filled()) {
            Scanned::Complete(length) if length <= most => return Ok(length),
            Scanned::Complete(_) | Scanned::BareLf => return Err(RelayError::Malformed),
            Scanned::Incomplete if backend.input.len() >= most => return Err(RelayError::Malformed),
            Scanned::Incomplete => {}
        }
        if backend.input.len() >= SIZE {
            backend.input.hold((backend.input.len() * 2).min(most.max(SIZE)));
        }
        let until = || task.progress.owed.get().map(|since| since + limit);
        match fill(&mut backend.source, backend.input, backend.alarm, until).await {
            Ok(0) => return Err(RelayError::NoResponse),
            Ok(_) => {
                if !task.progress.heard.replace(true) {
                    task.entry.enter(Phase::Answering);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(RelayError::Timeout),
            Err(_) => return Err(RelayError::NoResponse),
        }
    }
}

impl Task<'_> {
    fn count_response(&mut self, response: &Response) {
        if let Some(counters) = self.counters {
            add(&counters.responses[usize::from(response.status / 100 - 1)], 1);
        }
    }

    /// After an interim response the client may send what it held back.
    async fn release_body(&self) {
        if self.progress.holding.replace(false) && !self.progress.sent.get() {
            self.progress.owed.set(None);
            // The other direction has no limit running yet: let it be polled.
            tokio::task::yield_now().await;
        }
    }

    async fn pass_response(
        &mut self,
        backend: Backside<'_>,
        mut client: WriteHalf<'_>,
        out: &mut Vec<u8>,
        response: Response,
        length: usize,
    ) -> Result<Kept, RelayError> {
        let version = self.request.version;
        let only_end = response::ends_with_connection(&response, version);
        let client_keeps =
            self.request.keeps_alive() && self.progress.sent.get() && !only_end && !self.local.is_draining();
        let ours = response::Ours { version, keep: client_keeps, set_cookie: self.set_cookie };
        response::write(out, &backend.input.filled()[..length], &response, backend.fields, ours);
        self.trace.status = response.status;
        self.trace.cookie_set = self.set_cookie.is_some();
        self.trace.responded = self.progress.owed.get().map(|since| since.elapsed());
        self.progress.begun.set(true);
        let Backside { mut source, input, alarm, .. } = backend;
        input.consume(length);
        let body = Body {
            reader: Reader::new(response.body),
            framing: response::framing(&response, version),
            input,
            out,
            alarm,
            idle: self.settings.timeouts.body_idle,
        };
        let (counters, trace) = (self.counters, &mut *self.trace);
        let count = |bytes| {
            trace.bytes += bytes;
            if let Some(counters) = counters {
                add(&counters.bytes_in, bytes);
            }
        };
        match body.pass(&mut source, &mut client, count, || {}, || false).await {
            Ok(()) => Ok(Kept { backend_keeps: response.keeps_alive() && input.is_empty(), client_keeps }),
            Err(Broken::Sink) => Err(RelayError::Client(End::ClientInData)),
            Err(Broken::SinkIdle) => Err(RelayError::Client(End::ClientBodyTimeout)),
            Err(broken) => Err(RelayError::Body { end: end_of(broken), hide_end: only_end }),
        }
    }
}

fn end_of(broken: Broken) -> End {
    match broken {
        Broken::SourceIdle => End::BackendBodyTimeout,
        Broken::Malformed => End::MalformedBody,
        Broken::Source | Broken::Sink | Broken::SinkIdle => End::BackendInData,
    }
}

fn client_error(error: io::Error) -> RelayError {
    if error.kind() == io::ErrorKind::TimedOut {
        RelayError::Client(End::ClientBodyTimeout)
    } else {
        RelayError::Client(End::ClientInData)
    }
}
