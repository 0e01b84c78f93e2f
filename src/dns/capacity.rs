//! How many connections over TCP a nameserver may have, from what its document says and what its process may have open. Pure.

use std::time::Duration;

use crate::config::DnsConfig;
use crate::config::defaults::tcp::CONNECTIONS;
use crate::config::dns::TcpConfig;
use crate::daemon::challenges::connections_of;
use crate::daemon::lifecycle::descriptors::{DescriptorError, Reserved, Wanted, lowered};

/// Threads that read each UDP listener: one for each core, unless the document says how many.
pub fn workers(document: &DnsConfig) -> usize {
    document.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// The limits on connections that are in force (RFC 7766, 6.1 and 6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// At a time.
    pub connections: usize,
    /// At a time from one address (an IPv6 /64 counts as one).
    pub connections_per_address: usize,
    /// A connection without a query for this long is closed.
    pub idle: Duration,
}

impl Limits {
    /// What the document says, and its default, wherever there is no limit of open files.
    pub fn of(tcp: &TcpConfig) -> Limits {
        let TcpConfig { connections, connections_per_address, idle } = *tcp;
        Limits { connections: connections.unwrap_or(CONNECTIONS), connections_per_address, idle }
    }

    /// Keeps the connections of a nameserver that probes `targets` within the descriptors that its process may have. Gives a note
    /// if that is less than the default.
    ///
    /// # Errors
    ///
    /// What the document asks for does not fit, or there is no room for a single connection.
    pub fn fit(
        &mut self,
        document: &DnsConfig,
        targets: usize,
        open_files: u64,
    ) -> Result<Option<String>, DescriptorError> {
        const KEY: &str = "tcp.connections";
        let udp = workers(document) * document.listeners.len();
        let peers = document.peers.as_ref().map_or(0, |peers| peers.members.len());
        let challenges = document.acme_challenges.as_ref().map_or(0, |challenges| {
            let addresses = challenges.from.values().map(|from| from.addresses.len()).sum();
            connections_of(challenges.from.len(), addresses) as u64
        });
        let sockets = udp + document.listeners.len() + document.acme_challenges.iter().len();
        let reserved = Reserved::of(udp + 1, sockets, targets, peers);
        let reserved = Reserved { peers: reserved.peers + challenges, ..reserved };
        let left = reserved.left_of(open_files, 1)?;
        let asked = self.connections as u64;
        if asked > left && document.tcp.connections.is_some() {
            let wanted = Wanted { key: KEY, value: asked, descriptors: asked, most: Some(left) };
            return Err(reserved.too_small_for(open_files, wanted));
        }
        let fitting = usize::try_from(left.min(asked)).unwrap_or(usize::MAX);
        let note = lowered(KEY, fitting, self.connections, open_files);
        self.connections = fitting;
        Ok(note)
    }
}

#[cfg(test)]
mod tests;
