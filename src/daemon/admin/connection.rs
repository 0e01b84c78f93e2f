//! One operator's connection: reading, vetting, answering, and the switch to a takeover's raw stream.

use std::convert::Infallible;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::channel::Channel;
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    REFERRER_POLICY, UPGRADE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::unistd::geteuid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::link::{Accepting, Link};
use super::live;
use super::message::{AdminHandler, AdminReply, AdminRequest, Method, Origin, TAKEOVER_UPGRADE};
use super::site::Site;
use super::slots::{Eviction, Slot};
use crate::api::query;

/// The largest body.
const LARGEST_BODY: usize = 1 << 20;

/// For a request's head and the idle time before it.
const HEAD_LIMIT: Duration = Duration::from_secs(10);

/// For a request's body.
const BODY_LIMIT: Duration = Duration::from_secs(30);

/// For a whole TCP connection: a client that reads slowly, or not at all, does not occupy it for ever.
const TCP_LIMIT: Duration = Duration::from_secs(300);

/// For a refused connection to send its request, so that it reads the refusal and not a reset.
const REFUSAL_LIMIT: Duration = Duration::from_secs(1);

/// What may be read over TCP.
const PUBLIC: [&str; 6] = ["/", "/page.css", "/page.js", live::PATH, "/status", "/metrics"];

/// Limits what a browser does with an answer: our pages have one style and one script, both from here, and are never framed.
const SAFEGUARDS: [(HeaderName, &str); 5] = [
    (CACHE_CONTROL, "no-store"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
];

/// The other side of a connection.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) origin: Origin,
    /// The names and the address of this daemon over TCP. None over the Unix socket, which no browser can reach.
    pub(super) site: Option<Site>,
    /// The connection, to see whether the other side is still there. None over TCP, where nothing is changed.
    pub(super) stream: Option<Arc<OwnedFd>>,
}

impl Caller {
    /// Whether the other side has closed the connection, and so hears no answer. What it sent may be long past: a process that was frozen
    /// reads it when it goes on.
    fn has_gone(&self) -> bool {
        let Some(stream) = &self.stream else { return false };
        let mut asked = [PollFd::new(stream, PollFlags::empty())];
        matches!(poll(&mut asked, Some(&Timespec::default())), Ok(1..)) && asked[0].revents().contains(PollFlags::HUP)
    }
}

/// Serves the connection in a task of its own if it has been given a slot, and answers 503 if not.
pub(super) fn start<S>(
    stream: S,
    caller: Caller,
    handler: impl AdminHandler,
    link: Link,
    slot: Option<(Slot, Eviction)>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Some((slot, eviction)) = slot else {
        tokio::task::spawn_local(turn_away(stream));
        return;
    };
    tokio::task::spawn_local(async move {
        let limit = if caller.origin == Origin::Tcp { TCP_LIMIT } else { Duration::MAX };
        let unread = Rc::new(Notify::new());
        tokio::select! {
            _ = timeout(limit, serve(stream, caller, handler, link, Rc::new(slot), Rc::clone(&unread))) => {}
            () = eviction.wait() => {}
            // What is written waits for whoever reads it, and would for ever.
            () = unread.notified() => {}
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

async fn serve<S>(
    stream: S,
    caller: Caller,
    handler: impl AdminHandler,
    mut link: Link,
    slot: Rc<Slot>,
    unread: Rc<Notify>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let accepting = link.accepting.clone();
    let service = service_fn(|request| {
        let (caller, handler, slot) = (caller.clone(), handler.clone(), Rc::clone(&slot));
        let (accepting, unread) = (accepting.clone(), Rc::clone(&unread));
        async move {
            slot.set_busy(true);
            let response = answer(request, &caller, handler, accepting, unread).await;
            slot.set_busy(false);
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    // Errors of a connection (closed, malformed, too slow) concern only the other side.
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = link.accepting.wait_for(|_| false) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// A whole body, or one that goes on.
type Body = Either<Full<Bytes>, Channel<Bytes>>;

async fn answer(
    request: Request<Incoming>,
    caller: &Caller,
    handler: impl AdminHandler,
    accepting: watch::Receiver<Accepting>,
    unread: Rc<Notify>,
) -> Response<Body> {
    let for_us = caller.site.as_ref().map_or(Ok(()), |site| site.vet(request.uri(), request.headers()));
    let vetted = for_us.and_then(|()| vet(request.method(), request.uri().path(), caller.origin, geteuid().as_raw()));
    let reply = match vetted {
        Ok(Vetted::Takeover) => return switch(request, handler),
        Ok(Vetted::Call(method)) => match read(request, method, caller.origin).await {
            Ok(request) if request.path == live::PATH => return go_on(request, handler, accepting, unread).await,
            Ok(request) if method == Method::Post && caller.has_gone() => {
                let path = &request.path;
                tracing::warn!(
                    "POST {path} was not carried out: who had sent it was gone before it was read, and did not know of it"
                );
                AdminReply::refuse(408, "it was not carried out: nobody waited for it any more")
            }
            Ok(request) => handler.call(request).await,
            Err(refusal) => refusal,
        },
        Err(refusal) => refusal,
    };
    response(reply)
}

#[derive(Debug, PartialEq, Eq)]
enum Vetted {
    Call(Method),
    Takeover,
}

/// Decides which requests each socket accepts. Only `our_user` may take over; other users who can open the admin socket are
/// operators, and so is root, since a request that root relays for somebody else looks like root's.
fn vet(method: &hyper::Method, path: &str, origin: Origin, our_user: u32) -> Result<Vetted, AdminReply> {
    let reads = matches!(*method, hyper::Method::GET | hyper::Method::HEAD);
    match origin {
        Origin::Tcp if reads && PUBLIC.contains(&path) => Ok(Vetted::Call(Method::Get)),
        Origin::Tcp => Err(AdminReply::refuse(
            403,
            "this address is read-only: GET /metrics, /status or /, the page; everything else needs the Unix socket",
        )),
        Origin::Unix { .. } if reads => Ok(Vetted::Call(Method::Get)),
        Origin::Unix { .. } if method != hyper::Method::POST => {
            Err(AdminReply::refuse(405, format!("{method} is not supported; use GET to read and POST to change")))
        }
        Origin::Unix { uid } if path == "/takeover" && uid != our_user => Err(AdminReply::refuse(
            403,
            format!(
                "a takeover is for the user this daemon runs as (id {our_user}) and not for user id {uid}: reload the \
                 daemon, which starts its successor itself, or start the new one as that user"
            ),
        )),
        Origin::Unix { .. } if path == "/takeover" => Ok(Vetted::Takeover),
        Origin::Unix { .. } => Ok(Vetted::Call(Method::Post)),
    }
}

async fn read(request: Request<Incoming>, method: Method, origin: Origin) -> Result<AdminRequest, AdminReply> {
    let path = request.uri().path().to_owned();
    let query = query::parse(request.uri().query().unwrap_or_default())
        .ok_or_else(|| AdminReply::refuse(400, "the query is not percent-encoded UTF-8"))?;
    let accept: Vec<_> = request.headers().get_all(ACCEPT).iter().filter_map(|types| types.to_str().ok()).collect();
    let accept = accept.join(",");
    let body = match timeout(BODY_LIMIT, Limited::new(request.into_body(), LARGEST_BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return Err(AdminReply::refuse(413, format!("the body is larger than {LARGEST_BODY} bytes")));
        }
        Ok(Err(error)) => return Err(AdminReply::refuse(400, format!("the body cannot be read: {error}"))),
        Err(_) => return Err(AdminReply::refuse(408, format!("the body did not arrive within {BODY_LIMIT:?}"))),
    };
    Ok(AdminRequest { method, path, query, accept, body, origin })
}

/// The answer, and from then on what becomes of it.
async fn go_on(
    request: AdminRequest,
    handler: impl AdminHandler,
    accepting: watch::Receiver<Accepting>,
    unread: Rc<Notify>,
) -> Response<Body> {
    let reply = handler.call(request.clone()).await;
    let goes_on = reply.status == 200;
    let mut response = response(reply.clone());
    if goes_on {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(live::CONTENT_TYPE));
        *response.body_mut() = Either::Right(live::body(request, reply, handler, accepting, unread));
    }
    response
}

fn response(reply: AdminReply) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::new(reply.body)));
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
fn switch(request: Request<Incoming>, handler: impl AdminHandler) -> Response<Body> {
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
            Ok(parts) if !parts.read_buf.is_empty() => {
                tracing::warn!("a takeover sent data before its 101 response and was dropped")
            }
            Ok(parts) => handler.takeover(parts.io.into_inner()).await,
            Err(_) => tracing::error!("a takeover was requested over something other than a Unix socket"),
        }
    });
    let mut response = Response::new(Either::Left(Full::default()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static(TAKEOVER_UPGRADE));
    response
}

#[cfg(test)]
mod tests;
