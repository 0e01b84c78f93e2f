//! `encrypted` of `dns.json`: DNS over TLS (RFC 7858), over HTTPS (RFC 8484) and over QUIC (RFC 9250).

mod acme;

pub use acme::EncryptedAcmeConfig;
pub(super) use acme::{EAB, KEYS as ACME};

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::certificate::{self, CertificateConfig};
use crate::config::defaults::encrypted as defaults;
use crate::config::listen::Listening;
use crate::config::reader::{Keys, Read, Value};

/// `encrypted`: where queries are answered over encrypted transports. It has at least one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedConfig {
    /// Where DNS over TLS is spoken.
    pub tls: Vec<SocketAddr>,
    /// Where DNS over HTTPS is spoken.
    pub https: Vec<SocketAddr>,
    /// The path at which it is. Default `/dns-query`.
    pub https_path: String,
    /// Where DNS over QUIC is spoken.
    pub quic: Vec<SocketAddr>,
    /// The certificate that the nameservers get from a CA by themselves, which is shown before those in files.
    pub acme: Option<EncryptedAcmeConfig>,
    /// Those in files that clients are shown; not empty where there is no `acme`. Of those for the name that a client asks for it gets the
    /// first one that it can use, and else the first one of all.
    pub certificates: Vec<CertificateConfig>,
    /// Connections at a time. Without it 1000, or as many as the limit of open files leaves.
    pub connections: Option<usize>,
    /// Connections at a time from one address (an IPv6 /64 counts as one). Default 50.
    pub connections_per_address: usize,
    /// A connection without a query for this long is closed. Default 30 s.
    pub idle: Duration,
    /// Queries that a connection over HTTPS or QUIC may have under way. Default 100.
    pub streams: u32,
}

impl EncryptedConfig {
    /// Where it listens, each with what is spoken there.
    pub fn addresses(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        let all = [("tls", &self.tls), ("https", &self.https), ("quic", &self.quic)];
        all.into_iter().flat_map(|(transport, addresses)| addresses.iter().map(move |address| (transport, *address)))
    }
}

/// The keys of `encrypted`.
pub(super) const KEYS: Keys = Keys {
    object: "encrypted",
    names: &[
        "acme",
        "certificates",
        "connections",
        "connections_per_address",
        "https",
        "https_path",
        "idle",
        "quic",
        "streams",
        "tls",
    ],
};

/// The keys of a certificate.
pub(super) const CERTIFICATE: Keys = certificate::keys("encrypted.certificates[]");

const CONNECTIONS: RangeInclusive<usize> = 1..=1_000_000;
const STREAMS: RangeInclusive<u32> = 1..=1000;
const IDLE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);

pub(super) fn read<'a>(value: &Value<'a>, listening: &mut Listening<'a>) -> Read<EncryptedConfig> {
    let encrypted = value.object(&KEYS)?;
    let tls = encrypted
        .with_default("tls", Vec::new(), |value| value.list("addresses and ports", |value| listening.claim(value)));
    let https = encrypted
        .with_default("https", Vec::new(), |value| value.list("addresses and ports", |value| listening.claim(value)));
    let quic = encrypted.with_default("quic", Vec::new(), |value| {
        value.list("addresses and ports", |value| listening.claim_udp(value))
    });
    let https_path = encrypted.with_default("https_path", defaults::PATH.to_owned(), read_path);
    let streams = encrypted.with_default("streams", defaults::STREAMS, |value| value.integer(STREAMS));
    let acme = encrypted.optional("acme", acme::read);
    let certificates = encrypted.with_default("certificates", Vec::new(), |value| {
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
    let (tls, https, quic) = (tls?, https?, quic?);
    if tls.is_empty() && https.is_empty() && quic.is_empty() {
        return Err(
            value.fault("nothing would be spoken: expected addresses and ports in \"tls\", \"https\" or \"quic\"")
        );
    }
    let (acme, certificates) = (acme?, certificates?);
    if acme.is_none() && certificates.is_empty() {
        return Err(
            value.fault("clients would be shown no certificate: expected \"acme\", or files in \"certificates\"")
        );
    }
    Ok(EncryptedConfig {
        tls,
        https,
        https_path: https_path?,
        quic,
        acme,
        certificates,
        connections: connections?,
        connections_per_address: connections_per_address?,
        idle: idle?,
        streams: streams?,
    })
}

fn read_path(value: &Value<'_>) -> Read<String> {
    let path = value.text("a path")?;
    let is_path = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    match path.starts_with('/') && path.bytes().all(is_path) {
        true => Ok(path.to_owned()),
        false => Err(value.fault(format!(
            "{path:?} is not a path: expected \"/\" and then letters, digits and \"/-._~\", like {:?}",
            defaults::PATH
        ))),
    }
}
