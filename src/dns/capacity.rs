//! How many connections a nameserver may have, from what its document says and what its process may have open. Pure.

use std::time::Duration;

use crate::config::DnsConfig;
use crate::config::defaults::encrypted::CONNECTIONS as ENCRYPTED_CONNECTIONS;
use crate::config::defaults::tcp::CONNECTIONS;
use crate::config::dns::{EncryptedConfig, TcpConfig};
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

    /// The same over encrypted transports.
    pub fn of_encrypted(encrypted: &EncryptedConfig) -> Limits {
        let EncryptedConfig { connections, connections_per_address, idle, .. } = *encrypted;
        Limits { connections: connections.unwrap_or(ENCRYPTED_CONNECTIONS), connections_per_address, idle }
    }

    /// Keeps the connections of a nameserver that probes `targets`, plain and `encrypted`, within the descriptors that its process may
    /// have. Gives a note if that is less than the default.
    ///
    /// # Errors
    ///
    /// What the document asks for does not fit, or there is no room for a single connection.
    pub fn fit(
        &mut self,
        encrypted: Option<&mut Limits>,
        document: &DnsConfig,
        targets: usize,
        open_files: u64,
    ) -> Result<Option<String>, DescriptorError> {
        let udp = workers(document) * document.listeners.len();
        let peers = document.peers.as_ref().map_or(0, |peers| peers.members.len());
        let challenges = document.acme_challenges.as_ref().map_or(0, |challenges| {
            let addresses = challenges.from.values().map(|from| from.addresses.len()).sum();
            connections_of(challenges.from.len(), addresses) as u64
        });
        let of_encrypted = document.encrypted.iter().flat_map(EncryptedConfig::addresses).count();
        let dnstap = document.dnstap.iter().len();
        let sockets = udp + document.listeners.len() + document.acme_challenges.iter().len() + of_encrypted + dnstap;
        let threads = udp + 1 + document.encrypted.iter().len() + dnstap;
        let reserved = Reserved::of(threads, sockets, targets, peers);
        let reserved = Reserved { peers: reserved.peers + challenges, ..reserved };
        let mut left = reserved.left_of(open_files, 1 + encrypted.iter().len() as u64)?;
        let mut notes = Vec::new();
        if let Some(encrypted) = encrypted {
            // Half of it where it does not suffice for all.
            let most = (left / 2).max(left.saturating_sub(self.connections as u64));
            let asked = document.encrypted.as_ref().and_then(|encrypted| encrypted.connections);
            notes.extend(encrypted.lower(("encrypted.connections", asked), most, &reserved, open_files)?);
            left -= encrypted.connections as u64;
        }
        let asked = document.tcp.connections;
        notes.extend(self.lower(("tcp.connections", asked), left, &reserved, open_files)?);
        Ok((!notes.is_empty()).then(|| notes.join("; ")))
    }

    /// To at most `most`; what a document asks for is not lowered.
    fn lower(
        &mut self,
        (key, asked): (&'static str, Option<usize>),
        most: u64,
        reserved: &Reserved,
        open_files: u64,
    ) -> Result<Option<String>, DescriptorError> {
        let value = self.connections as u64;
        if value > most && asked.is_some() {
            let wanted = Wanted { key, value, descriptors: value, most: Some(most) };
            return Err(reserved.too_small_for(open_files, wanted));
        }
        let fitting = usize::try_from(most.min(value)).unwrap_or(usize::MAX);
        let note = lowered(key, fitting, self.connections, open_files);
        self.connections = fitting;
        Ok(note)
    }
}

#[cfg(test)]
mod tests;
