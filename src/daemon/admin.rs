//! The admin API's server: HTTP/JSON on a Unix socket (all verbs), read-only on TCP.
//!
//! Owns: accepting, limits on size, count and time, and which requests each socket accepts under which name. Must never: know
//! what a path means (that is the daemon's [`AdminHandler`]), except for `POST /takeover`. Called by the daemons' control loops.

mod connection;
mod link;
mod live;
mod message;
mod site;
mod slots;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use nix::unistd::{geteuid, gethostname};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{mpsc, watch};

use super::sockets::listen_anew;
use crate::config::AdminConfig;
use connection::Caller;
use link::{Accepting, Link};
use site::Site;
use slots::{Client, Slots};

pub(super) use message::TAKEOVER_UPGRADE;
pub use message::{AdminHandler, AdminReply, AdminRequest, Method, Origin};
pub use slots::MOST as MAX_CONNECTIONS;

/// How long accepting pauses after an error (no descriptors left), so that it does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A running server. Dropping it stops accepting; requests under way are still answered while the `LocalSet` runs.
#[derive(Debug)]
pub struct AdminServer {
    accepting: watch::Sender<Accepting>,
    ended: mpsc::Receiver<Infallible>,
}

impl AdminServer {
    /// Stops accepting until [`AdminServer::resume`]; connections wait in the socket's queue. For the part of a takeover in which
    /// two processes hold the socket: connections made from here on are answered by the daemon that remains.
    pub fn pause(&self) {
        self.accepting.send_replace(Accepting::Paused);
    }

    /// Accepts again.
    pub fn resume(&self) {
        self.accepting.send_replace(Accepting::Running);
    }

    /// Stops accepting, and waits until requests under way have been answered, for at most `limit`.
    pub async fn stop(self, limit: Duration) {
        let AdminServer { accepting, mut ended } = self;
        drop(accepting);
        // Nothing is ever sent: it ends when the last connection has dropped its end, or at the limit.
        let _ = tokio::time::timeout(limit, ended.recv()).await;
    }
}

enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener, Rc<[String]>),
}

impl Listener {
    /// Whoever connects to a Unix socket from here on sees that this process serves it, wherever the socket came from: a process that
    /// is to take over waits for as long as that one lives.
    fn claim(&self) {
        if let Listener::Unix(listener) = self
            && let Err(error) = listen_anew(listener)
        {
            tracing::warn!(%error, "a process that is to take over cannot see that this one listens");
        }
    }
}

/// Serves on the Unix listener, until the handle is dropped. Must run inside a `LocalSet`.
pub fn serve_unix(listener: std::os::unix::net::UnixListener, handler: impl AdminHandler) -> io::Result<AdminServer> {
    listener.set_nonblocking(true)?;
    Ok(serve(Listener::Unix(UnixListener::from_std(listener)?), handler))
}

/// Serves the read-only paths on TCP until the handle is dropped, under these names ([`names`]), `localhost` and the local
/// address. Must run inside a `LocalSet`.
pub fn serve_tcp(
    listener: std::net::TcpListener,
    names: Vec<String>,
    handler: impl AdminHandler,
) -> io::Result<AdminServer> {
    listener.set_nonblocking(true)?;
    Ok(serve(Listener::Tcp(TcpListener::from_std(listener)?, names.into()), handler))
}

/// The names that a daemon answers to over TCP: its own, this machine's, and `admin.hosts`.
pub fn names(own: &str, config: &AdminConfig) -> Vec<String> {
    let machine = gethostname().ok().and_then(|name| name.into_string().ok());
    std::iter::once(own.to_owned()).chain(machine).chain(config.hosts.iter().cloned()).collect()
}

fn serve(listener: Listener, handler: impl AdminHandler) -> AdminServer {
    let (accepting, watched) = watch::channel(Accepting::Running);
    let (alive, ended) = mpsc::channel(1);
    tokio::task::spawn_local(accept(listener, handler, Link { accepting: watched, _alive: alive }));
    AdminServer { accepting, ended }
}

async fn accept(listener: Listener, handler: impl AdminHandler, link: Link) {
    let slots = Rc::new(Slots::default());
    let mut accepting = link.accepting.clone();
    while accepting.wait_for(|accepting| *accepting == Accepting::Running).await.is_ok() {
        listener.claim();
        tokio::select! {
            biased;
            changed = accepting.changed() => if changed.is_err() {
                return;
            },
            never = accept_all(&listener, &handler, &link, &slots) => match never {},
        }
    }
}

async fn accept_all(listener: &Listener, handler: &impl AdminHandler, link: &Link, slots: &Rc<Slots>) -> Infallible {
    loop {
        if let Err(error) = accept_one(listener, handler, link, slots).await {
            tracing::warn!(%error, "cannot accept an operator's connection");
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }
}

async fn accept_one(
    listener: &Listener,
    handler: &impl AdminHandler,
    link: &Link,
    slots: &Rc<Slots>,
) -> io::Result<()> {
    match listener {
        Listener::Unix(listener) => {
            let (stream, _) = listener.accept().await?;
            let uid = stream.peer_cred()?.uid();
            // Without one more descriptor it is not seen whether the other side has gone.
            let own = stream.as_fd().try_clone_to_owned().ok().map(Arc::new);
            let caller = Caller { origin: Origin::Unix { uid }, site: None, stream: own };
            let client = Client::user(uid, geteuid().as_raw());
            connection::start(stream, caller, handler.clone(), link.clone(), slots.take(client));
        }
        Listener::Tcp(listener, names) => {
            let (stream, address) = listener.accept().await?;
            let site = Site { address: stream.local_addr()?.ip(), names: Rc::clone(names) };
            let caller = Caller { origin: Origin::Tcp, site: Some(site), stream: None };
            connection::start(stream, caller, handler.clone(), link.clone(), slots.take(Client::host(address.ip())));
        }
    }
    Ok(())
}
