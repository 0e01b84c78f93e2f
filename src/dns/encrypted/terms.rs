//! What a document says of encrypted transports, ready to be put in force, and the sockets that go with it.

use std::fmt;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;

use super::certificates::Shown;
use super::quic_settings;
use crate::config::dns::EncryptedConfig;
use crate::dns::capacity::Limits;

/// Listening sockets of the encrypted transports.
#[derive(Debug, Default)]
pub struct Bound {
    /// Those of DNS over TLS.
    pub tls: Vec<TcpListener>,
    /// Those of DNS over HTTPS.
    pub https: Vec<TcpListener>,
    /// Those of DNS over QUIC, each with its address.
    pub quic: Vec<(SocketAddr, UdpSocket)>,
}

/// By what connections are taken and held.
#[derive(Clone)]
pub struct Terms {
    /// Of connections, whatever they speak.
    pub limits: Limits,
    /// What clients are shown.
    pub shown: Arc<Shown>,
    /// How many queries a connection over HTTPS or QUIC may have under way.
    pub(super) streams: u32,
    /// The path of DNS over HTTPS.
    pub(super) path: Arc<str>,
    /// The settings of connections over QUIC.
    pub(super) over_quic: Arc<quinn::ServerConfig>,
}

impl fmt::Debug for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terms").field("limits", &self.limits).field("shown", &self.shown).finish_non_exhaustive()
    }
}

impl Terms {
    /// Those of a document.
    pub fn new(config: &EncryptedConfig, shown: Arc<Shown>) -> Terms {
        let limits = Limits::of_encrypted(config);
        let over_quic = quic_settings::of(shown.over_quic(), config.streams, limits.idle);
        Terms { limits, shown, streams: config.streams, path: config.https_path.as_str().into(), over_quic }
    }
}
