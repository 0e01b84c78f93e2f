//! `encrypted` of `dns.json`: DNS over TLS (RFC 7858), over HTTPS (RFC 8484) and over QUIC (RFC 9250).

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::certificate::{self, CertificateConfig};
use crate::config::defaults::encrypted as defaults;
use crate::config::listen::Listening;
use crate::config::reader::{Keys, Read, Value};

/// `encrypted`: where queries are answered over encrypted transports. At least one address is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedConfig {
    /// Where DNS over TLS is spoken.
    pub tls: Vec<SocketAddr>,
    /// What clients are shown; never empty. Of those for the name that a client asks for it gets the first one that it can use, and else
    /// the first one of all.
    pub certificates: Vec<CertificateConfig>,
    /// Connections at a time. Without it 1000, or as many as the limit of open files leaves.
    pub connections: Option<usize>,
    /// Connections at a time from one address (an IPv6 /64 counts as one). Default 50.
    pub connections_per_address: usize,
    /// A connection without a query for this long is closed. Default 30 s.
    pub idle: Duration,
}

impl EncryptedConfig {
    /// Where it listens, each with what is spoken there.
    pub fn addresses(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        self.tls.iter().map(|address| ("tls", *address))
    }
}

/// The keys of `encrypted`.
pub(super) const KEYS: Keys =
    Keys { object: "encrypted", names: &["certificates", "connections", "connections_per_address", "idle", "tls"] };

/// The keys of a certificate.
pub(super) const CERTIFICATE: Keys = certificate::keys("encrypted.certificates[]");

const CONNECTIONS: RangeInclusive<usize> = 1..=1_000_000;
const IDLE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);

pub(super) fn read<'a>(value: &Value<'a>, listening: &mut Listening<'a>) -> Read<EncryptedConfig> {
    let encrypted = value.object(&KEYS)?;
    let tls = encrypted.required("tls", |value| {
        let addresses = value.list("addresses and ports", |value| listening.claim(value))?;
        value.at_least_one("address and port")?;
        Ok(addresses)
    });
    let certificates = encrypted.required("certificates", |value| {
        let certificates = value.list("certificates", |value| certificate::read(value, &CERTIFICATE))?;
        value.at_least_one("certificate")?;
        Ok(certificates)
    });
    let connections = encrypted.optional("connections", |value| value.integer(CONNECTIONS));
    let connections_per_address =
        encrypted.with_default("connections_per_address", defaults::CONNECTIONS_PER_ADDRESS, |value| {
            value.integer(CONNECTIONS)
        });
    let idle = encrypted.with_default("idle", defaults::IDLE, |value| value.duration(IDLE));
    Ok(EncryptedConfig {
        tls: tls?,
        certificates: certificates?,
        connections: connections?,
        connections_per_address: connections_per_address?,
        idle: idle?,
    })
}
