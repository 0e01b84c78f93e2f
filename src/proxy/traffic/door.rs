//! What is spoken at a listener, and with whom.

use std::sync::Arc;

use ipnet::IpNet;

use crate::config::proxy::Protocol;

/// What is spoken at a listener.
#[derive(Debug)]
pub struct Door {
    /// The listener's name in logs.
    pub name: Arc<str>,
    /// The protocol.
    pub protocol: Protocol,
    /// Over TLS it may be HTTP/2.
    pub http2: bool,
    /// Connections come from these, and begin with a header of the PROXY protocol; `None`: from anywhere, and without one.
    pub proxies: Option<Vec<IpNet>>,
}
