//! `--check-config --live`: whether a daemon could have its addresses, asked without disturbing the one that runs.
//!
//! Must never: keep a socket, or share one with somebody. Called by both daemons' `--check-config`.

use std::net::SocketAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::bind::{self, Transport};
use super::identity::Identity;
use crate::api::client::Client;

/// Addresses that are listened on; what `GET /sockets` of the admin API answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Listing {
    /// TCP: traffic, the admin API's and the peers'.
    pub tcp: Vec<SocketAddr>,
    /// UDP.
    pub udp: Vec<SocketAddr>,
}

impl Listing {
    fn identities(&self) -> impl Iterator<Item = (Transport, SocketAddr, Identity)> {
        let tcp = self.tcp.iter().map(|address| (Transport::Tcp, *address, Identity::Tcp(*address)));
        tcp.chain(self.udp.iter().map(|address| (Transport::Udp, *address, Identity::Udp(*address))))
    }
}

/// Binds each address and closes it at once. Gives a line for each that cannot be had. An address of the daemon that
/// answers at `admin_socket` (or a wildcard beside one of it) is not tried: that daemon's reload or successor gets it.
pub fn try_all(admin_socket: &Path, wanted: &Listing) -> Vec<String> {
    let running = running(admin_socket).unwrap_or_default();
    let is_ours = |wanted: &Identity| running.identities().any(|(.., held)| held == *wanted || held.overlaps(wanted));
    let tried = wanted.identities().filter(|(.., identity)| !is_ours(identity));
    tried
        .filter_map(|(transport, address, _)| bind::group(transport, address, 1, false).err())
        .map(|e| e.message)
        .collect()
}

/// What the daemon that runs says; none if none answers.
fn running(admin_socket: &Path) -> Option<Listing> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let told = runtime.block_on(Client::new(admin_socket).get("/sockets")).ok()?;
    serde_json::from_value(told).ok()
}
