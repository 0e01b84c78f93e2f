//! The sockets of one document: bound (or inherited) before anything else changes, dealt out to the workers.
//!
//! Owns copies of the descriptors; [`Sockets`] keeps the originals. Must never: accept. Called by `run` and `reload`.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{mpsc, watch};

use crate::config::ProxyConfig;
use crate::config::proxy::Protocol;
use crate::daemon::peers::{PeerEvent, Peers};
use crate::daemon::sockets::Sockets;
use crate::proxy::control::prepared::Prepared;
use crate::proxy::traffic::worker::Listening;

/// All sockets of a document.
#[derive(Debug, Default)]
pub(super) struct Network {
    traffic: Vec<Traffic>,
    /// The operator's socket, until it is served.
    pub(super) admin: Option<UnixListener>,
    /// For reading only, until it is served.
    pub(super) admin_tcp: Option<TcpListener>,
    peers: Option<TcpListener>,
}

#[derive(Debug)]
struct Traffic {
    name: Arc<str>,
    protocol: Protocol,
    sockets: Vec<TcpListener>,
}

impl Network {
    /// Binds everything a document names; `admin_socket` stands apart, since a reload cannot change it.
    pub(super) fn bind(
        document: &ProxyConfig,
        admin_socket: &Path,
        workers: usize,
        sockets: &mut Sockets,
    ) -> Result<Network, String> {
        let one = |address: SocketAddr, sockets: &mut Sockets| {
            sockets.tcp(address, 1).map(|listeners| listeners.into_iter().next()).map_err(|error| error.to_string())
        };
        let admin_tcp = document.admin.address.map(|address| one(address, sockets)).transpose()?.flatten();
        let peers = document.peers.as_ref().map(|peers| one(peers.listen, sockets)).transpose()?.flatten();
        let admin = Some(sockets.unix(admin_socket).map_err(|error| error.to_string())?);
        let traffic = document.listeners.iter().map(|listener| {
            Ok(Traffic {
                name: listener.name.as_str().into(),
                protocol: listener.protocol,
                sockets: sockets.tcp(listener.address, workers).map_err(|error| error.to_string())?,
            })
        });
        Ok(Network { traffic: traffic.collect::<Result<_, String>>()?, admin, admin_tcp, peers })
    }

    /// Copies of the traffic sockets, dealt out so that each worker has its own on each address. Inherited ones beyond
    /// the number of workers are nobody's to lose: their accept queues may hold visitors.
    pub(super) fn deal(&self, workers: usize) -> Vec<Vec<Listening>> {
        let mut hands: Vec<Vec<Listening>> = (0..workers).map(|_| Vec::new()).collect();
        for traffic in &self.traffic {
            for (index, socket) in traffic.sockets.iter().enumerate() {
                match socket.try_clone() {
                    Ok(socket) => hands[index % workers].push(Listening {
                        name: traffic.name.clone(),
                        protocol: traffic.protocol,
                        socket,
                    }),
                    Err(error) => {
                        tracing::error!("listener {}: a socket cannot be given to its worker: {error}", traffic.name)
                    }
                }
            }
        }
        hands
    }

    /// Starts the exchange with the peers of a document, if it has any.
    pub(super) fn start_peers(
        &mut self,
        prepared: &Prepared,
        own: &str,
        ours: watch::Receiver<Value>,
        heard: mpsc::Sender<PeerEvent>,
    ) -> Option<Peers> {
        let (config, identity) = prepared.document.peers.as_ref().zip(prepared.identity.as_ref())?;
        let listener = self.peers.take()?;
        Some(Peers::start(config.clone(), own.to_owned(), identity.clone(), listener, ours, heard))
    }
}
