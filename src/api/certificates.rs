//! The certificates that a daemon shows, and how their orders stand: the same of both daemons.

use serde::{Deserialize, Serialize};

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CertificateStatus {
    /// The file of the certificate and its chain.
    pub file: String,
    /// The hosts that it is for; none where there is none that can be used.
    pub hosts: Vec<String>,
    /// When it ends, in milliseconds since the epoch; none where there is none that can be used.
    pub ends: Option<u64>,
    /// Why what the file holds now is not in force.
    pub error: Option<String>,
    /// How its order stands; none of one that others bring into its file.
    #[serde(default)]
    pub acme: Option<OrderStatus>,
}

/// The order of a certificate from a CA.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OrderStatus {
    /// The name that it goes by: of the service for which it is ordered; at a nameserver its name, or of several the first one and a fingerprint of all.
    pub service: String,
    /// The daemon that orders.
    pub orderer: Option<String>,
    /// When it is renewed, in milliseconds since the epoch; none: it is ordered as soon as may be.
    pub renewal: Option<u64>,
    /// Why the last order failed, if it did.
    pub error: Option<String>,
    /// When it is tried again, in milliseconds since the epoch.
    pub next_try: Option<u64>,
}
