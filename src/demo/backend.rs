//! A backend of the demo: a small webserver, a process of its own (`polder backend`, hidden).
//!
//! It answers `/` (a page), `/slow` (a page after a while), `/stream` (one that comes piece by piece), `/session` (a visit kept in
//! memory, lost with the process: what makes a service stateful) and `/healthz`. Standard input says how it behaves, a [`Command`] a line; the backend
//! ends when that ends, so that it never outlives the demo. Must never: know of proxies, or of what it is used for.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;
use std::pin::Pin;
use std::process::ExitCode;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{COOKIE, HeaderValue, SET_COOKIE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, LocalSet};

/// The cookie a visit is known by.
pub const VISIT_COOKIE: &str = "visit";
/// The response field that names the backend.
pub const BACKEND_FIELD: &str = "x-backend";
/// The response field that says whether the visit was `known`, `new` (no cookie came) or `lost` (a cookie came that
/// this backend has never seen).
pub const VISIT_FIELD: &str = "x-visit";
/// The line on standard output that says the backend accepts connections.
pub const LISTENING: &str = "listening";

/// How long `/slow` takes.
const SLOW_PAGE: Duration = Duration::from_millis(300);
/// The pieces of `/stream` …
const PIECES: u32 = 15;
/// … how many bytes each has …
const PIECE: usize = 1000;
/// … and the time from one to the next.
const PIECE_EVERY: Duration = Duration::from_millis(100);
/// Visits kept; beyond it all are forgotten, so that a demo left running does not grow for ever.
const MOST_VISITS: usize = 100_000;

/// `polder backend`.
#[derive(Debug, Clone, clap::Args)]
pub struct BackendArgs {
    /// Where to accept requests
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// Further ports of the same address that answer like the first and can be closed one by one
    #[arg(long = "check-port", value_name = "PORT")]
    pub check_ports: Vec<u16>,
    /// The name in every response
    #[arg(long)]
    pub name: String,
}

/// How a backend answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Behaviour {
    /// As it should.
    #[default]
    Well,
    /// 500 to everything.
    Failing,
    /// Everything after this time.
    Slow(Duration),
}

/// A line of JSON on standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// Changes how requests are answered.
    Behave(Behaviour),
    /// Connections to this check port are refused from now on.
    Close(u16),
    /// Connections to this check port are accepted again.
    Open(u16),
}

/// Runs a backend until standard input ends. 0 then, 3 when it could not listen.
pub fn run(args: BackendArgs) -> ExitCode {
    // Standard input does not end for a backend that is frozen: the kernel ends that one with its parent.
    let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| LocalSet::new().block_on(&runtime, serve_standard_input(args)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "polder backend: {error}");
            ExitCode::from(3)
        }
    }
}

async fn serve_standard_input(args: BackendArgs) -> std::io::Result<()> {
    let backend = Backend::start(&args.name, args.listen).await?;
    for port in &args.check_ports {
        backend.open(*port).await?;
    }
    writeln!(std::io::stdout(), "{LISTENING}")?;
    let (tell, mut lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || std::io::stdin().lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
    while let Some(line) = lines.recv().await {
        match serde_json::from_str(&line) {
            Ok(command) => backend.apply(command).await?,
            Err(error) => writeln!(std::io::stderr(), "polder backend: {line:?} is no command: {error}")?,
        }
    }
    Ok(())
}

/// A backend inside this process's runtime. Must be used within a `LocalSet`; it ends when this is dropped.
pub struct Backend {
    site: Rc<Site>,
    listen: SocketAddr,
    accepting: JoinHandle<()>,
    check_ports: RefCell<HashMap<u16, JoinHandle<()>>>,
}

struct Site {
    name: String,
    behaviour: Cell<Behaviour>,
    visits: RefCell<HashMap<String, u64>>,
}

impl Backend {
    /// Binds and accepts. Port 0 gets one of the kernel's choice.
    pub async fn start(name: &str, listen: SocketAddr) -> std::io::Result<Backend> {
        let site = Rc::new(Site {
            name: name.to_owned(),
            behaviour: Cell::new(Behaviour::Well),
            visits: RefCell::new(HashMap::new()),
        });
        let listener = bind(listen).await?;
        let listen = listener.local_addr()?;
        let accepting = tokio::task::spawn_local(accept(listener, Rc::clone(&site)));
        Ok(Backend { site, listen, accepting, check_ports: RefCell::new(HashMap::new()) })
    }

    /// Where it accepts requests.
    pub fn address(&self) -> SocketAddr {
        self.listen
    }

    /// Changes how it behaves.
    pub async fn apply(&self, command: Command) -> std::io::Result<()> {
        match command {
            Command::Behave(behaviour) => self.site.behaviour.set(behaviour),
            Command::Open(port) => self.open(port).await?,
            Command::Close(port) => {
                if let Some(accepting) = self.check_ports.borrow_mut().remove(&port) {
                    accepting.abort();
                }
            }
        }
        Ok(())
    }

    async fn open(&self, port: u16) -> std::io::Result<()> {
        let listener = bind(SocketAddr::new(self.listen.ip(), port)).await?;
        let accepting = tokio::task::spawn_local(accept(listener, Rc::clone(&self.site)));
        self.check_ports.borrow_mut().insert(port, accepting);
        Ok(())
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.accepting.abort();
        for accepting in self.check_ports.borrow().values() {
            accepting.abort();
        }
    }
}

async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| std::io::Error::new(error.kind(), format!("{address}: {error}")))
}

async fn accept(listener: TcpListener, site: Rc<Site>) {
    loop {
        // An error of one accept (no descriptor, a connection gone before it was accepted) is no reason to stop.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let site = Rc::clone(&site);
        tokio::task::spawn_local(async move {
            let service = hyper::service::service_fn(move |request| answer(Rc::clone(&site), request));
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    site: Rc<Site>,
    request: Request<Incoming>,
) -> Result<Response<Either<Full<Bytes>, Pieces>>, Infallible> {
    match site.behaviour.get() {
        Behaviour::Well => {}
        Behaviour::Failing => {
            return Ok(site.page(StatusCode::INTERNAL_SERVER_ERROR, "told to fail\n".into()).map(Either::Left));
        }
        Behaviour::Slow(by) => tokio::time::sleep(by).await,
    }
    if (request.method(), request.uri().path()) == (&Method::GET, "/stream") {
        return Ok(site.page(StatusCode::OK, String::new()).map(|_| Either::Right(Pieces::all())));
    }
    let response = match (request.method(), request.uri().path()) {
        (_, "/healthz") => site.page(StatusCode::OK, "well\n".into()),
        (&Method::GET | &Method::HEAD, "/") => site.page(StatusCode::OK, format!("this is {}\n", site.name)),
        (&Method::GET, "/slow") => {
            tokio::time::sleep(SLOW_PAGE).await;
            site.page(StatusCode::OK, format!("this is {}, at leisure\n", site.name))
        }
        (&Method::GET, "/session") => site.visit(request.headers().get(COOKIE)),
        (&Method::POST, _) => match request.into_body().collect().await {
            Ok(body) => site.page(StatusCode::OK, format!("{} bytes read\n", body.to_bytes().len())),
            Err(_) => site.page(StatusCode::BAD_REQUEST, "the body ended early\n".into()),
        },
        _ => site.page(StatusCode::NOT_FOUND, "no such page\n".into()),
    };
    Ok(response.map(Either::Left))
}

/// A body that comes piece by piece.
struct Pieces {
    left: u32,
    next: Pin<Box<tokio::time::Sleep>>,
}

impl Pieces {
    fn all() -> Pieces {
        Pieces { left: PIECES, next: Box::pin(tokio::time::sleep(PIECE_EVERY)) }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        std::task::ready!(self.next.as_mut().poll(context));
        self.left -= 1;
        self.next.set(tokio::time::sleep(PIECE_EVERY));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'.'; PIECE])))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::from(self.left) * PIECE as u64)
    }
}

impl Site {
    fn page(&self, status: StatusCode, text: String) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        if let Ok(name) = HeaderValue::from_str(&self.name) {
            response.headers_mut().insert(BACKEND_FIELD, name);
        }
        response
    }

    /// Counts the visit. One that came with a cookie of a backend that is gone goes on under its old name, counted
    /// from one: so a visitor sees each loss once.
    fn visit(&self, cookie: Option<&HeaderValue>) -> Response<Full<Bytes>> {
        let named = cookie.and_then(|field| field.to_str().ok()).and_then(visit_name);
        let mut visits = self.visits.borrow_mut();
        if visits.len() >= MOST_VISITS {
            visits.clear();
        }
        let kind = match named {
            Some(name) if visits.contains_key(name) => "known",
            Some(_) => "lost",
            None => "new",
        };
        let name = named.map_or_else(|| format!("{:016x}", fastrand::u64(..)), str::to_owned);
        let count = visits.entry(name.clone()).or_default();
        *count += 1;
        let mut response =
            self.page(StatusCode::OK, format!("this is {}: request {count} of visit {name}\n", self.name));
        response.headers_mut().insert(VISIT_FIELD, HeaderValue::from_static(kind));
        if kind == "new"
            && let Ok(cookie) = HeaderValue::from_str(&format!("{VISIT_COOKIE}={name}; path=/; HttpOnly"))
        {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
        response
    }
}

fn visit_name(cookies: &str) -> Option<&str> {
    cookies
        .split(';')
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find_map(|(name, value)| (name == VISIT_COOKIE && !value.is_empty() && value.len() <= 64).then_some(value))
}

#[cfg(test)]
mod tests;
