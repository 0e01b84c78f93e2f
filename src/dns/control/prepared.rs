//! A document made ready to be put in force: its zones compiled, its keys read.

use std::sync::Arc;

use crate::config::DnsConfig;
use crate::daemon::peers::Identity;
use crate::dns::compiled::Zones;
use crate::dns::protection::Protection;

/// A document, ready.
#[derive(Debug)]
pub struct Prepared {
    /// What it says.
    pub config: DnsConfig,
    /// Its zones, with the pools' names in them.
    pub zones: Arc<Zones>,
    /// What keeps the nameserver from being used against others.
    pub protection: Protection,
    /// The key by which its peers know this nameserver; none where there are no peers.
    pub identity: Option<Identity>,
}
