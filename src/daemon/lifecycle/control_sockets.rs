//! The sockets of the control thread itself: the operator's, and the peers'.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::super::admin::{AdminHandler, AdminServer, names, serve_tcp, serve_unix};
use super::super::sockets::{BindError, Sockets};
use super::daemon::Settings;
use super::error::RunError;

/// How long answers under way may take when the daemon ends.
const LIMIT: Duration = Duration::from_secs(2);

/// The sockets, bound and not yet served.
#[derive(Debug)]
pub struct ControlSockets {
    unix: UnixListener,
    tcp: Option<TcpListener>,
    /// The peers'.
    pub peers: Option<TcpListener>,
}

impl ControlSockets {
    /// Asks for the sockets that a document names.
    ///
    /// # Errors
    ///
    /// One of them cannot be had.
    pub fn bind(settings: &Settings<'_>, sockets: &mut Sockets) -> Result<ControlSockets, BindError> {
        let mut one = |address: Option<SocketAddr>| match address {
            Some(address) => sockets.tcp(address, 1).map(|mut listeners| listeners.pop()),
            None => Ok(None),
        };
        let tcp = one(settings.admin.address)?;
        let peers = one(settings.peers.map(|peers| peers.listen))?;
        Ok(ControlSockets { unix: sockets.unix(&settings.admin.socket)?, tcp, peers })
    }
}

/// The admin API's servers.
#[derive(Debug, Default)]
pub struct AdminServers {
    unix: Option<AdminServer>,
    tcp: Option<AdminServer>,
    /// Servers that have stopped accepting and still answer requests.
    leaving: Vec<JoinHandle<()>>,
}

const CANNOT: &str = "the admin API cannot be served";

impl AdminServers {
    /// Serves both sockets.
    ///
    /// # Errors
    ///
    /// The runtime takes no more sockets.
    pub fn serve(
        &mut self,
        sockets: &mut Option<ControlSockets>,
        settings: &Settings<'_>,
        handler: impl AdminHandler,
    ) -> Result<(), RunError> {
        let Some(ControlSockets { unix, tcp, .. }) = sockets.take() else { return Ok(()) };
        self.unix = Some(serve_unix(unix, handler.clone()).map_err(RunError::io(CANNOT))?);
        self.serve_tcp(tcp, settings, handler)
    }

    /// Serves the read-only paths on this socket from now on, or on none.
    ///
    /// # Errors
    ///
    /// The runtime takes no more sockets.
    pub fn serve_tcp(
        &mut self,
        socket: Option<TcpListener>,
        settings: &Settings<'_>,
        handler: impl AdminHandler,
    ) -> Result<(), RunError> {
        self.tcp = None;
        let serve = |socket| serve_tcp(socket, names(settings.name, settings.admin), handler);
        self.tcp = socket.map(serve).transpose().map_err(RunError::io(CANNOT))?;
        Ok(())
    }

    /// The same after a reload, if it is another socket or another name.
    ///
    /// # Errors
    ///
    /// The runtime takes no more sockets.
    pub fn reload(
        &mut self,
        sockets: ControlSockets,
        (before, now): (&Settings<'_>, &Settings<'_>),
        handler: impl AdminHandler,
    ) -> Result<(), RunError> {
        if before.admin == now.admin { Ok(()) } else { self.serve_tcp(sockets.tcp, now, handler) }
    }

    /// Accepts no more until [`AdminServers::resume`]: while two processes hold the sockets, either could accept.
    pub fn pause(&self) {
        self.unix.iter().chain(&self.tcp).for_each(AdminServer::pause);
    }

    /// Accepts again.
    pub fn resume(&self) {
        self.unix.iter().chain(&self.tcp).for_each(AdminServer::resume);
    }

    /// Stops accepting for good; requests under way are answered.
    pub fn leave(&mut self) {
        for server in self.unix.take().into_iter().chain(self.tcp.take()) {
            self.leaving.push(tokio::task::spawn_local(server.stop(LIMIT)));
        }
    }

    /// Stops accepting, and waits until requests under way have been answered.
    pub async fn close(mut self) {
        self.leave();
        for leaving in self.leaving {
            // It cannot be cancelled, and what it would panic with has been logged.
            let _ = leaving.await;
        }
    }
}
