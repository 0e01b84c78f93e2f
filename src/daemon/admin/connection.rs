//! One operator's connection: reading, vetting, answering, and the switch to a takeover's raw stream.

use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    UPGRADE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::unistd::geteuid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::message::{AdminHandler, AdminReply, AdminRequest, Method, Origin, TAKEOVER_UPGRADE};
use super::places::{Eviction, Place};
use super::site::Site;
use crate::api::query;

/// The largest body.
const LARGEST_BODY: usize = 1 << 20;

/// For a request's head and the idle time before it.
const HEAD_LIMIT: Duration = Duration::from_secs(10);

/// For a request's body.
const BODY_LIMIT: Duration = Duration::from_secs(30);

/// For a whole TCP connection: whoever reads slowly, or not at all, does not keep its place for ever.
const TCP_LIMIT: Duration = Duration::from_secs(300);

/// For a refused connection to send its request, so that it reads the refusal and not a reset.
const REFUSAL_LIMIT: Duration = Duration::from_secs(1);

/// What may be read over TCP.
const PUBLIC: [&str; 3] = ["/", "/status", "/metrics"];

/// What an answer may do in a browser: our pages are a table and a style within, and nobody frames them.
const SAFEGUARDS: [(HeaderName, &str); 5] = [
    (CACHE_CONTROL, "no-store"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
];

/// Whether the server accepts connections. Once the sender of this is dropped, the server has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepting {
    Running,
    Paused,
}

/// What ties a connection to its server: the connection sees the server stop, and the server sees the connection end.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) accepting: watch::Receiver<Accepting>,
    pub(super) _alive: mpsc::Sender<Infallible>,
}

/// The other side of a connection.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) origin: Origin,
    /// The names and the address of this daemon over TCP. None over the Unix socket, which no browser can reach.
    pub(super) site: Option<Site>,
}

/// Serves the connection in a task of its own, if there is a place for it.
pub(super) fn start<S>(
    stream: S,
    caller: Caller,
    handler: impl AdminHandler,
    link: Link,
    place: Option<(Place, Eviction)>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Some((place, eviction)) = place else {
        tokio::task::spawn_local(turn_away(stream));
        return;
    };
    tokio::task::spawn_local(async move {
        let limit = if caller.origin == Origin::Tcp { TCP_LIMIT } else { Duration::MAX };
        tokio::select! {
            _ = timeout(limit, serve(stream, caller, handler, link, Rc::new(place))) => {}
            () = eviction.wait() => {}
        }
    });
}

async fn turn_away(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let body = r#"{"error":"too many connections to the admin API; close some, or try again"}"#;
    let response = format!(
        "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let exchange = async {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(response.as_bytes()).await;
    };
    let _ = timeout(REFUSAL_LIMIT, exchange).await;
}

async fn serve<S>(stream: S, caller: Caller, handler: impl AdminHandler, mut link: Link, place: Rc<Place>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| {
        let (caller, handler, place) = (caller.clone(), handler.clone(), Rc::clone(&place));
        async move {
            place.set_at_work(true);
            let response = answer(request, &caller, handler).await;
            place.set_at_work(false);
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    // What goes wrong on a connection (closed, malformed, too slow) is the other side's to see.
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = link.accepting.wait_for(|_| false) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

async fn answer(request: Request<Incoming>, caller: &Caller, handler: impl AdminHandler) -> Response<Full<Bytes>> {
    let meant = caller.site.as_ref().map_or(Ok(()), |site| site.vet(request.uri(), request.headers()));
    let vetted = meant.and_then(|()| vet(request.method(), request.uri().path(), caller.origin, geteuid().as_raw()));
    let reply = match vetted {
        Ok(Asked::Takeover) => return switch(request, handler),
        Ok(Asked::Call(method)) => match read(request, method, caller.origin).await {
            Ok(request) => handler.call(request).await,
            Err(refusal) => refusal,
        },
        Err(refusal) => refusal,
    };
    response(reply)
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Call(Method),
    Takeover,
}

/// Who may ask what over which socket. `our_user`: only that one gets our sockets in a takeover; the others who may open
/// the admin socket are operators. Root is an operator too: what root relays for others would be root to us.
fn vet(method: &hyper::Method, path: &str, origin: Origin, our_user: u32) -> Result<Asked, AdminReply> {
    let reads = matches!(*method, hyper::Method::GET | hyper::Method::HEAD);
    match origin {
        Origin::Tcp if reads && PUBLIC.contains(&path) => Ok(Asked::Call(Method::Get)),
        Origin::Tcp => Err(AdminReply::refuse(
            403,
            "this address is for reading: GET of /metrics, /status and /; all else goes over the Unix socket",
        )),
        Origin::Unix { .. } if reads => Ok(Asked::Call(Method::Get)),
        Origin::Unix { .. } if method != hyper::Method::POST => {
            Err(AdminReply::refuse(405, format!("{method} is not understood; GET reads, POST changes")))
        }
        Origin::Unix { uid } if path == "/takeover" && uid != our_user => Err(AdminReply::refuse(
            403,
            format!(
                "a takeover is for the user this daemon runs as (id {our_user}) and not for user id {uid}: reload the \
                 daemon, which starts its successor itself, or start the new one as that user"
            ),
        )),
        Origin::Unix { .. } if path == "/takeover" => Ok(Asked::Takeover),
        Origin::Unix { .. } => Ok(Asked::Call(Method::Post)),
    }
}

async fn read(request: Request<Incoming>, method: Method, origin: Origin) -> Result<AdminRequest, AdminReply> {
    let path = request.uri().path().to_owned();
    let query = query::parse(request.uri().query().unwrap_or_default())
        .ok_or_else(|| AdminReply::refuse(400, "the query is not percent-encoded UTF-8"))?;
    let body = match timeout(BODY_LIMIT, Limited::new(request.into_body(), LARGEST_BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return Err(AdminReply::refuse(413, format!("the body is larger than {LARGEST_BODY} bytes")));
        }
        Ok(Err(error)) => return Err(AdminReply::refuse(400, format!("the body cannot be read: {error}"))),
        Err(_) => return Err(AdminReply::refuse(408, format!("the body did not come within {BODY_LIMIT:?}"))),
    };
    Ok(AdminRequest { method, path, query, body, origin })
}

fn response(reply: AdminReply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    headers.extend(SAFEGUARDS.map(|(name, value)| (name, HeaderValue::from_static(value))));
    if reply.status == 405 {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    }
    response
}

/// 101; the raw stream goes to the handler once that has been written.
fn switch(request: Request<Incoming>, handler: impl AdminHandler) -> Response<Full<Bytes>> {
    let asked = request.headers().get(UPGRADE).is_some_and(|protocol| protocol == TAKEOVER_UPGRADE);
    if !asked {
        return response(AdminReply::refuse(400, format!("POST /takeover needs `Upgrade: {TAKEOVER_UPGRADE}`")));
    }
    let upgrade = hyper::upgrade::on(request);
    tokio::task::spawn_local(async move {
        let Ok(upgraded) = upgrade.await else { return };
        match upgraded.downcast::<TokioIo<UnixStream>>() {
            // The new side waits for the 101 before it says anything: bytes read ahead are not of a takeover, and
            // descriptors that came with them would be lost.
            Ok(parts) if !parts.read_buf.is_empty() => tracing::warn!("a takeover that did not wait for its 101"),
            Ok(parts) => handler.takeover(parts.io.into_inner()).await,
            Err(_) => tracing::error!("a takeover asked over something that is not a Unix socket"),
        }
    });
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static(TAKEOVER_UPGRADE));
    response
}

#[cfg(test)]
mod tests;
