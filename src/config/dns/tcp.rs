//! `tcp` of `dns.json`.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::reader::{Keys, Read, Value};

/// `tcp`: RFC 7766, 6.1 and 6.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpConfig {
    /// Connections at a time. Without it 1000, or as many as the limit of open files leaves.
    pub connections: Option<usize>,
    /// Connections at a time from one address (an IPv6 /64 counts as one). Default 50.
    pub connections_per_address: usize,
    /// A connection without a query for this long is closed. Default 10 s.
    pub idle: Duration,
}

impl Default for TcpConfig {
    fn default() -> TcpConfig {
        use crate::config::defaults::tcp::*;
        TcpConfig { connections: None, connections_per_address: CONNECTIONS_PER_ADDRESS, idle: IDLE }
    }
}

/// The keys of `tcp`.
pub(super) const KEYS: Keys = Keys { object: "tcp", names: &["connections", "connections_per_address", "idle"] };

const CONNECTIONS_RANGE: RangeInclusive<usize> = 1..=1_000_000;
const IDLE_RANGE: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(3600);

pub(super) fn read(value: &Value<'_>) -> Read<TcpConfig> {
    let default = TcpConfig::default();
    let tcp = value.object(&KEYS)?;
    let connections = tcp.optional("connections", |value| value.integer(CONNECTIONS_RANGE));
    let connections_per_address =
        tcp.with_default("connections_per_address", default.connections_per_address, |value| {
            value.integer(CONNECTIONS_RANGE)
        });
    let idle = tcp.with_default("idle", default.idle, |value| value.duration(IDLE_RANGE));
    Ok(TcpConfig { connections: connections?, connections_per_address: connections_per_address?, idle: idle? })
}
