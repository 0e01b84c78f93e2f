//! DNS over HTTPS (RFC 8484): a connection of HTTP/2, each request of which is a query.
//!
//! The `h2` crate keeps the state of streams and their windows. Must never: hold more of a client than its streams' queries, each of at most
//! [`LONGEST`] bytes, and one answer.

mod request;

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use h2::server::{Builder, SendResponse};
use h2::{Reason, RecvStream, SendStream};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::quic_settings::LONGEST;
use super::shared::Shared;
use super::terms::Terms;
use crate::config::defaults::timeouts::TLS_HANDSHAKE;
use crate::dns::answer::{Transport, freshness};
use crate::dns::dnstap::Ends;
use request::{Asked, DNS_MESSAGE};

/// The most of a request's head: a query in base64, and what browsers say of themselves.
const HEAD: u32 = 16 * 1024;

/// What a client may send on a stream before it is taken.
const WINDOW: u32 = 64 * 1024;

/// Streams that were reset because of what their client sent, in the whole life of a connection.
const BROKEN_STREAMS: usize = 200;

/// Streams that were reset and are remembered for a moment, since frames for them may be on their way.
const RESET_STREAMS: usize = 32;

/// How long a client has to take its leave.
const LEAVE: Duration = Duration::from_secs(2);

/// Serves a connection to its end.
///
/// # Errors
///
/// The client has broken the protocol, or is gone.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    shared: &Rc<Shared>,
    stream: S,
    ends: Ends,
    terms: &Terms,
) -> Result<(), h2::Error> {
    let handshake = builder(terms.streams).handshake::<_, Bytes>(stream);
    let Ok(shaken) = timeout(TLS_HANDSHAKE, handshake).await else { return Ok(()) };
    let mut connection = shaken?;
    let mut leaving = shared.leaving();
    let mut is_leaving = false;
    let visit = Rc::new(Visit {
        shared: Rc::clone(shared),
        ends,
        terms: terms.clone(),
        turn: Semaphore::new(1),
        open: Cell::default(),
    });
    loop {
        let accepted = tokio::select! {
            accepted = timeout(shared.idle(), connection.accept()) => accepted,
            _ = leaving.wait_for(|leaving| *leaving), if !is_leaving => {
                is_leaving = true;
                connection.graceful_shutdown();
                continue;
            }
        };
        match accepted {
            Ok(Some(accepted)) => {
                let (request, respond) = accepted?;
                let exchange = Exchange::begin(&visit);
                tokio::task::spawn_local(exchange.run(request, respond));
            }
            Ok(None) => return Ok(()),
            // What is open has its own time.
            Err(_) if visit.open.get() > 0 => {}
            Err(_) => break,
        }
    }
    connection.graceful_shutdown();
    let _ = timeout(LEAVE, poll_fn(|context| connection.poll_closed(context))).await;
    Ok(())
}

fn builder(streams: u32) -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(streams)
        .initial_window_size(WINDOW)
        .initial_connection_window_size(2 * WINDOW)
        .max_send_buffer_size(WINDOW as usize)
        .max_header_list_size(HEAD)
        .max_local_error_reset_streams(Some(BROKEN_STREAMS))
        .max_concurrent_reset_streams(RESET_STREAMS);
    builder
}

/// What the requests of a connection share.
struct Visit {
    shared: Rc<Shared>,
    ends: Ends,
    terms: Terms,
    /// Whoever has it is answered: one after the other, as fast as the client takes them.
    turn: Semaphore,
    open: Cell<usize>,
}

/// One request; it counts as open until this is dropped.
struct Exchange(Rc<Visit>);

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get().saturating_sub(1));
    }
}

impl Exchange {
    fn begin(visit: &Rc<Visit>) -> Exchange {
        visit.open.set(visit.open.get() + 1);
        Exchange(Rc::clone(visit))
    }

    async fn run(self, request: Request<RecvStream>, mut respond: SendResponse<Bytes>) {
        // Whatever comes of it concerns only the client.
        if timeout(self.0.shared.idle(), self.answer(request, &mut respond)).await.is_err() {
            respond.send_reset(Reason::CANCEL);
        }
    }

    async fn answer(&self, request: Request<RecvStream>, respond: &mut SendResponse<Bytes>) -> Result<(), h2::Error> {
        let (head, body) = request.into_parts();
        let asked = request::read(&self.0.terms.path, &head);
        // It may be large, and what follows may take long.
        drop(head);
        let query = match asked {
            Ok(Asked::Query(query)) => Ok(query),
            Ok(Asked::Body) => whole(body).await?,
            Err(status) => Err(status),
        };
        // Never closed.
        let _turn = self.0.turn.acquire().await;
        let mut answer = Vec::new();
        let responder = &self.0.shared.responders.https;
        let transport = Transport::Encrypted { keepalive: None };
        let status = match query {
            Ok(query) if responder.answer(&query, &self.0.ends, transport, &mut answer) => StatusCode::OK,
            Ok(_) => StatusCode::BAD_REQUEST,
            Err(status) => status,
        };
        // Without the length that stands before it on a stream.
        let answer = Bytes::from(answer);
        let answer = answer.slice(answer.len().min(2)..);
        let mut response = Response::new(());
        *response.status_mut() = status;
        describe(response.headers_mut(), status, &answer, responder.answers_by_place());
        let stream = respond.send_response(response, answer.is_empty())?;
        if answer.is_empty() { Ok(()) } else { send(stream, answer).await }
    }
}

/// What a response says of its body.
fn describe(fields: &mut HeaderMap, status: StatusCode, answer: &[u8], is_private: bool) {
    fields.insert(CONTENT_LENGTH, HeaderValue::from(answer.len()));
    if status != StatusCode::OK {
        // What is wrong today is not to be kept (RFC 9110, 15.1).
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        fields.insert(ALLOW, HeaderValue::from_static("GET, POST"));
    }
    if !answer.is_empty() {
        fields.insert(CONTENT_TYPE, HeaderValue::from_static(DNS_MESSAGE));
        // RFC 8484, 5.1; what one client gets is not for others where it depends on where he is (RFC 9111, 5.2.2.7).
        let private = if is_private { "private, " } else { "" };
        let age = format!("{private}max-age={}", freshness(answer));
        fields.extend(HeaderValue::try_from(age).ok().map(|age| (CACHE_CONTROL, age)));
    }
}

/// The body of a request; too long a one is refused.
async fn whole(mut body: RecvStream) -> Result<Result<Vec<u8>, StatusCode>, h2::Error> {
    let mut query = Vec::new();
    while let Some(data) = poll_fn(|context| body.poll_data(context)).await {
        let data = data?;
        if query.len() + data.len() > LONGEST {
            return Ok(Err(StatusCode::PAYLOAD_TOO_LARGE));
        }
        query.extend_from_slice(&data);
        body.flow_control().release_capacity(data.len())?;
    }
    Ok(Ok(query))
}

/// Sends a body as fast as the client takes it.
async fn send(mut stream: SendStream<Bytes>, mut body: Bytes) -> Result<(), h2::Error> {
    while !body.is_empty() {
        stream.reserve_capacity(body.len());
        let Some(capacity) = poll_fn(|context| stream.poll_capacity(context)).await else { return Ok(()) };
        let part = body.split_to(capacity?.min(body.len()));
        stream.send_data(part, body.is_empty())?;
    }
    Ok(())
}
