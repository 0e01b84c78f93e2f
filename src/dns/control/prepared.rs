//! A document made ready to be put in force: its zones compiled, its keys read.

use std::sync::Arc;

use crate::config::DnsConfig;
use crate::config::defaults::tcp::CONNECTIONS;
use crate::config::dns::TcpConfig;
use crate::daemon::lifecycle::descriptors::{DescriptorError, Reserved, Wanted, lowered};
use crate::daemon::peers::Identity;
use crate::dns::compiled::Zones;
use crate::dns::listening::workers;
use crate::dns::protection::Protection;
use crate::dns::tcp::Limits;

/// A document, ready.
#[derive(Debug)]
pub struct Prepared {
    /// What it says.
    pub config: DnsConfig,
    /// Its zones, with the pools' names in them.
    pub zones: Arc<Zones>,
    /// The limits on connections over TCP.
    pub tcp: Limits,
    /// What keeps the nameserver from being used against others.
    pub protection: Protection,
    /// The key by which its peers know this nameserver; none where there are no peers.
    pub identity: Option<Identity>,
}

impl Prepared {
    /// A document with what was read for it, under the limits that it says.
    pub fn new(config: DnsConfig, zones: Arc<Zones>, protection: Protection, identity: Option<Identity>) -> Prepared {
        let TcpConfig { connections, connections_per_address, idle } = config.tcp;
        let tcp = Limits { connections: connections.unwrap_or(CONNECTIONS), connections_per_address, idle };
        Prepared { config, zones, tcp, protection, identity }
    }

    /// Keeps its connections over TCP within the descriptors that this process may have. Gives a note if that is less than
    /// the default.
    ///
    /// # Errors
    ///
    /// What it asks for does not fit.
    pub fn fit(&mut self, open_files: u64) -> Result<Option<String>, DescriptorError> {
        const KEY: &str = "tcp.connections";
        let threads = workers(&self.config) * self.config.listeners.len() + 1;
        let peers = self.config.peers.as_ref().map_or(0, |peers| peers.members.len());
        let reserved = Reserved::of(threads, threads + self.config.listeners.len(), self.targets().len(), peers);
        let left = reserved.left_of(open_files, 1)?;
        let asked = self.tcp.connections as u64;
        if asked > left && self.config.tcp.connections.is_some() {
            let wanted = Wanted { key: KEY, value: asked, descriptors: asked, most: Some(left) };
            return Err(reserved.too_small_for(open_files, wanted));
        }
        let fitting = usize::try_from(left.min(asked)).unwrap_or(usize::MAX);
        let note = lowered(KEY, fitting, self.tcp.connections, open_files);
        self.tcp.connections = fitting;
        Ok(note)
    }
}
