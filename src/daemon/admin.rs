//! The admin API's server: HTTP/JSON on a Unix socket (all verbs), read-only on TCP.
//!
//! Owns: accepting, limits on size, count and time, who may ask what over which socket and under which name. Must never: know what a path
//! means (that is the daemon's [`AdminHandler`]), but for `POST /takeover`. Called by the daemons' control loops.

mod connection;
mod places;
mod site;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use nix::unistd::{geteuid, gethostname};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};

use crate::config::AdminConfig;
use places::{Client, Places};
use site::Site;

/// How long accepting pauses after an error (no descriptors left), so that it does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// What the raw stream of a takeover is called in the Upgrade field.
pub(super) const TAKEOVER_UPGRADE: &str = "polder-takeover";

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The Unix socket; the user id of the other side.
    Unix {
        /// From SO_PEERCRED.
        uid: u32,
    },
    /// TCP: only GET of `/metrics`, `/status`, `/` reach the handler; all else is 403 before it.
    Tcp,
}

/// A request of the operator.
#[derive(Debug)]
pub struct AdminRequest {
    /// Others are refused before the handler.
    pub method: Method,
    /// Without the query.
    pub path: String,
    /// Decoded query parameters.
    pub query: Vec<(String, String)>,
    /// At most 1 MiB.
    pub body: Bytes,
    /// Where from.
    pub origin: Origin,
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads (GET and HEAD).
    Get,
    /// Changes.
    Post,
}

/// The answer.
#[derive(Debug)]
pub struct AdminReply {
    /// The HTTP status.
    pub status: u16,
    /// `application/json`, `text/plain; version=0.0.4`, `text/html; charset=utf-8`.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
}

impl AdminReply {
    /// 200 with JSON.
    pub fn json(value: &impl serde::Serialize) -> AdminReply {
        AdminReply::json_with(200, value)
    }

    /// JSON with another status, for a refusal with more than a message (`{"error": …, "findings": […]}`).
    pub fn json_with(status: u16, value: &impl serde::Serialize) -> AdminReply {
        match serde_json::to_vec(value) {
            Ok(body) => AdminReply { status, content_type: "application/json", body: body.into() },
            Err(error) => AdminReply::refuse(500, format!("the answer has no JSON form: {error}")),
        }
    }

    /// A refusal: `{"error": MESSAGE}` with a 4xx or 5xx status.
    pub fn refuse(status: u16, message: impl Into<String>) -> AdminReply {
        let body = serde_json::json!({ "error": message.into() }).to_string();
        AdminReply { status, content_type: "application/json", body: body.into() }
    }
}

/// What a daemon does with its operator's requests.
pub trait AdminHandler: Clone + 'static {
    /// Answers one request. Unknown paths are the handler's 404.
    fn call(&self, request: AdminRequest) -> impl Future<Output = AdminReply> + 'static;

    /// A new process asks to take over (`POST /takeover`, Unix only, from our own user): the stream is raw from
    /// here on, for [`super::takeover::offer`] or [`super::takeover::refuse`].
    fn takeover(&self, stream: UnixStream) -> impl Future<Output = ()> + 'static;
}

/// A running server. Dropped, it stops accepting; requests under way still get their answers while the `LocalSet` runs.
#[derive(Debug)]
pub struct AdminServer {
    door: watch::Sender<Door>,
    ended: mpsc::Receiver<Infallible>,
}

/// Whether connections are accepted. When its sender is gone, the server has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    Closed,
}

impl AdminServer {
    /// Accepts no more until [`AdminServer::resume`]; connections wait in the socket's queue. For the moment of a takeover in
    /// which two processes hold the socket: whoever connects from here on is answered by the daemon that remains.
    pub fn pause(&self) {
        self.door.send_replace(Door::Closed);
    }

    /// Accepts again.
    pub fn resume(&self) {
        self.door.send_replace(Door::Open);
    }

    /// Stops accepting, lets requests under way get their answers, at most for `limit`.
    pub async fn stop(self, limit: Duration) {
        let AdminServer { door, mut ended } = self;
        drop(door);
        // Nothing is ever sent: it ends when the last connection has dropped its end, or at the limit.
        let _ = tokio::time::timeout(limit, ended.recv()).await;
    }
}

/// What every connection holds: how it learns of the stop, and how the server learns that it has ended.
#[derive(Debug, Clone)]
struct Life {
    door: watch::Receiver<Door>,
    _alive: mpsc::Sender<Infallible>,
}

enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener, Rc<[String]>),
}

/// Serves on the Unix listener, until the handle is dropped. Must run inside a `LocalSet`.
pub fn serve_unix(listener: std::os::unix::net::UnixListener, handler: impl AdminHandler) -> io::Result<AdminServer> {
    listener.set_nonblocking(true)?;
    Ok(serve(Listener::Unix(UnixListener::from_std(listener)?), handler))
}

/// Serves reading on TCP, until the handle is dropped, to whoever asks for one of these names ([`names`]), `localhost`, or the
/// address. Must run inside a `LocalSet`.
pub fn serve_tcp(
    listener: std::net::TcpListener,
    names: Vec<String>,
    handler: impl AdminHandler,
) -> io::Result<AdminServer> {
    listener.set_nonblocking(true)?;
    Ok(serve(Listener::Tcp(TcpListener::from_std(listener)?, names.into()), handler))
}

/// What a daemon is called: its own name, this machine's, and `admin.hosts`.
pub fn names(own: &str, config: &AdminConfig) -> Vec<String> {
    let machine = gethostname().ok().and_then(|name| name.into_string().ok());
    std::iter::once(own.to_owned()).chain(machine).chain(config.hosts.iter().cloned()).collect()
}

fn serve(listener: Listener, handler: impl AdminHandler) -> AdminServer {
    let (door, doors) = watch::channel(Door::Open);
    let (alive, ended) = mpsc::channel(1);
    tokio::task::spawn_local(accept(listener, handler, Life { door: doors, _alive: alive }));
    AdminServer { door, ended }
}

async fn accept(listener: Listener, handler: impl AdminHandler, life: Life) {
    let places = Rc::new(Places::default());
    let mut door = life.door.clone();
    while door.wait_for(|door| *door == Door::Open).await.is_ok() {
        let accepted = tokio::select! {
            biased;
            changed = door.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            accepted = one(&listener, &handler, &life, &places) => accepted,
        };
        if let Err(error) = accepted {
            tracing::warn!(%error, "cannot accept an operator's connection");
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }
}

async fn one(listener: &Listener, handler: &impl AdminHandler, life: &Life, places: &Rc<Places>) -> io::Result<()> {
    match listener {
        Listener::Unix(listener) => {
            let (stream, _) = listener.accept().await?;
            let uid = stream.peer_cred()?.uid();
            let caller = Caller { origin: Origin::Unix { uid }, site: None };
            let client = Client::user(uid, geteuid().as_raw());
            connection::start(stream, caller, handler.clone(), life.clone(), places.take(client));
        }
        Listener::Tcp(listener, names) => {
            let (stream, address) = listener.accept().await?;
            let site = Site { address: stream.local_addr()?.ip(), names: Rc::clone(names) };
            let caller = Caller { origin: Origin::Tcp, site: Some(site) };
            connection::start(stream, caller, handler.clone(), life.clone(), places.take(Client::host(address.ip())));
        }
    }
    Ok(())
}

/// The other side of a connection.
#[derive(Debug, Clone)]
struct Caller {
    origin: Origin,
    /// What we are called there; over the Unix socket no browser comes.
    site: Option<Site>,
}
