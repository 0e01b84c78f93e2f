//! The traffic sockets of one document: bound (or inherited) before anything else changes, dealt out to the workers.
//!
//! Owns copies of the descriptors; [`Sockets`] keeps the originals. Must never: accept.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use crate::config::ProxyConfig;
use crate::config::proxy::ListenerConfig;
use crate::daemon::sockets::{BindError, Sockets};
use crate::proxy::traffic::door::Door;
use crate::proxy::traffic::worker::Listening;

/// The traffic sockets of a document.
#[derive(Debug, Default)]
pub struct Network {
    traffic: Vec<Traffic>,
}

#[derive(Debug)]
struct Traffic {
    door: Arc<Door>,
    sockets: Vec<TcpListener>,
}

impl Network {
    /// Asks for every listener of a document, one for each worker.
    pub(super) fn bind(document: &ProxyConfig, workers: usize, sockets: &mut Sockets) -> Result<Network, BindError> {
        let traffic = document.listeners.iter().map(|listener| {
            let ListenerConfig { name, address, protocol, http2, proxies } = listener;
            let (name, proxies) = (name.as_str().into(), proxies.clone());
            let door = Arc::new(Door { name, protocol: *protocol, http2: *http2, proxies });
            Ok(Traffic { door, sockets: sockets.tcp(*address, workers)? })
        });
        Ok(Network { traffic: traffic.collect::<Result<_, BindError>>()? })
    }

    /// Where they listen, and what is spoken there.
    pub(super) fn doors(&self) -> impl Iterator<Item = (SocketAddr, &Door)> + '_ {
        self.traffic.iter().filter_map(|traffic| Some((traffic.sockets.first()?.local_addr().ok()?, &*traffic.door)))
    }

    /// How many sockets there are on the address that has most: so many workers get any.
    pub(super) fn most_sockets(&self) -> usize {
        self.traffic.iter().map(|traffic| traffic.sockets.len()).max().unwrap_or(0)
    }

    /// Copies of the sockets, dealt out so that each worker has its own on each address. Inherited ones beyond the number
    /// of workers are dealt out too: their accept queues may hold visitors.
    pub(super) fn deal(&self, workers: usize) -> Vec<Vec<Listening>> {
        let mut shares: Vec<Vec<Listening>> = (0..workers).map(|_| Vec::new()).collect();
        for traffic in &self.traffic {
            for (index, socket) in traffic.sockets.iter().enumerate() {
                match socket.try_clone() {
                    Ok(socket) => shares[index % workers].push(Listening { door: Arc::clone(&traffic.door), socket }),
                    Err(error) => {
                        let name = &traffic.door.name;
                        tracing::error!("listener {name}: a socket cannot be given to its worker: {error}");
                    }
                }
            }
        }
        shares
    }
}
