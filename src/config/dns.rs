//! `dns.json`: the document of the authoritative nameserver.
//!
//! One file for each part: the pools, the TCP limits, encrypted transports, rate limiting, cookies and so on. The rest of the program uses `config::dns::X`.

mod acme_challenges;
mod catalogs;
mod cookies;
mod dnssec;
mod dnstap;
mod encrypted;
mod identity;
mod locations;
mod pools;
mod rate_limit;
mod tcp;
mod transfers;
mod zones;

pub use acme_challenges::{AcmeChallengesConfig, ChallengesFrom};
pub use catalogs::{CatalogConfig, MOST_MEMBERS};
pub use cookies::CookiesConfig;
pub use dnssec::{Denial, DnssecConfig, SerialRule};
pub use dnstap::{DnstapConfig, DnstapMessage};
pub use encrypted::{EncryptedAcmeConfig, EncryptedConfig};
pub use identity::{IdentityConfig, LONGEST as LONGEST_IDENTITY};
pub use locations::LocationsConfig;
pub use pools::{HttpsConfig, MemberConfig, PoolConfig, WhenAllDown};
pub use rate_limit::RateLimitConfig;
pub use tcp::TcpConfig;
pub use transfers::{
    AllowedConfig, NotifiedConfig, PoolsInTransfer, PrimaryConfig, TransferConfig, TsigAlgorithm, TsigKeyConfig,
};
pub use zones::{Checks, ZoneConfig, ZoneSource};

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::admin::{self, AdminConfig};
use super::bounds::{MOST_WORKERS, most_subjects};
use super::finding::Findings;
use super::fingerprint::Settings;
use super::listen::Listening;
use super::peers::{self, PeersConfig};
use super::reader::{Keys, Read, Value, read_file, read_text};
use super::{backend_protocol, check, defaults, own_name, pages, version};

/// The whole document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsConfig {
    /// This nameserver's name in the fleet. Default: the machine's host name.
    pub name: String,
    /// Where queries are answered, UDP and TCP alike; never empty, distinct.
    pub listeners: Vec<SocketAddr>,
    /// The admin API.
    pub admin: AdminConfig,
    /// The folder for operator states and health that outlive the process.
    pub state_dir: PathBuf,
    /// The other nameservers, for operator states.
    pub peers: Option<PeersConfig>,
    /// The proxies whose challenges of a certificate authority are answered.
    pub acme_challenges: Option<AcmeChallengesConfig>,
    /// Threads that read each UDP listener. Default: one per core.
    pub workers: Option<usize>,
    /// TCP limits.
    pub tcp: TcpConfig,
    /// Queries over TLS, HTTPS and QUIC.
    pub encrypted: Option<EncryptedConfig>,
    /// Response rate limiting over UDP.
    pub rate_limit: RateLimitConfig,
    /// The secrets of DNS cookies. None: a random one in each process.
    pub cookies: Option<CookiesConfig>,
    /// Queries and responses for a receiver on the same machine.
    pub dnstap: Option<DnstapConfig>,
    /// What it says of itself to whoever asks.
    pub identity: IdentityConfig,
    /// How long a stopping daemon goes on answering on open TCP connections. Default 5 s.
    pub drain: Duration,
    /// The keys by which other nameservers are known that get zones, by name.
    pub tsig_keys: BTreeMap<String, TsigKeyConfig>,
    /// What the nameservers of a fleet have alike besides zones and pools ([`ALIKE`]).
    pub settings: Settings,
    /// Where clients are, by name.
    pub locations: LocationsConfig,
    /// The zones by their apex, lower case, without the final dot.
    pub zones: BTreeMap<String, ZoneConfig>,
    /// The pools by name, lower case, without the final dot.
    pub pools: BTreeMap<String, PoolConfig>,
}

impl DnsConfig {
    /// The zones that anybody may ask for.
    pub fn public_zones(&self) -> impl Iterator<Item = &String> {
        self.zones.iter().filter(|(_, zone)| !zone.is_catalog()).map(|(apex, _)| apex)
    }
}

/// The keys of `dns.json`.
const ROOT: Keys = Keys {
    object: "dns.json",
    names: &[
        "acme_challenges",
        "admin",
        "cookies",
        "dnstap",
        "drain",
        "encrypted",
        "identity",
        "listeners",
        "locations",
        "name",
        "peers",
        "pools",
        "rate_limit",
        "state_dir",
        "tcp",
        "tsig_keys",
        "version",
        "workers",
        "zones",
    ],
};

/// Those of which each nameserver of a fleet is to have the same. The rest is a machine's own: where it listens, who its peers are, how
/// much it can carry.
const ALIKE: [&str; 5] = ["cookies", "drain", "locations", "rate_limit", "tsig_keys"];

/// The keys of every object of `dns.json`.
pub const KEYS: [&Keys; 34] = [
    &ROOT,
    &admin::KEYS,
    &pages::KEYS,
    &peers::KEYS,
    &peers::MEMBER_KEYS,
    &acme_challenges::KEYS,
    &acme_challenges::FROM,
    &tcp::KEYS,
    &encrypted::KEYS,
    &encrypted::ACME,
    &encrypted::EAB,
    &encrypted::CERTIFICATE,
    &rate_limit::KEYS,
    &cookies::KEYS,
    &dnstap::KEYS,
    &identity::KEYS,
    &locations::KEYS,
    &transfers::KEY,
    &zones::KEYS,
    &dnssec::KEYS,
    &catalogs::KEYS,
    &zones::MEMBERS,
    &transfers::TRANSFER,
    &transfers::ALLOWED,
    &transfers::NOTIFIED,
    &transfers::PRIMARY,
    &backend_protocol::PRIMARY_KEYS,
    &pools::KEYS,
    &pools::FALLBACK,
    &pools::HTTPS,
    &pools::MEMBER,
    &check::KEYS,
    &backend_protocol::MEMBER_KEYS,
    &backend_protocol::CLIENT_CERTIFICATE,
];

/// Zero is no drain.
const DRAIN: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3600);

/// Reads and checks a document: all of it, or every finding. Does not read the zone files (`zone` does).
pub fn load(file: &Path) -> Result<DnsConfig, Findings> {
    read_file(file, read)
}

/// The same from text, `file` standing in the findings.
pub fn parse(file: &Path, text: &str) -> Result<DnsConfig, Findings> {
    read_text(file, text, read)
}

fn read(document: &Value<'_>) -> Read<DnsConfig> {
    version::read(document)?;
    let root = document.object(&ROOT)?;
    let mut listening = Listening::default();
    let name = own_name::read(&root);
    let listeners = root.required("listeners", |value| {
        let listeners = value.list("addresses and ports", |value| listening.claim_both(value))?;
        value.at_least_one("address and port")?;
        Ok(listeners)
    });
    let admin = root.required("admin", |value| admin::read(value, &mut listening));
    let state_dir = root.required("state_dir", Value::absolute_path);
    let peers = root.optional("peers", |value| peers::read(value, name.as_ref().ok(), &mut listening));
    let workers = root.optional("workers", |value| value.integer(1..=MOST_WORKERS));
    let tcp = root.with_default("tcp", TcpConfig::default(), tcp::read);
    let encrypted = root.optional("encrypted", |value| encrypted::read(value, &mut listening));
    let rate_limit = root.with_default("rate_limit", RateLimitConfig::default(), rate_limit::read);
    let cookies = root.optional("cookies", cookies::read);
    let dnstap = root.optional("dnstap", dnstap::read);
    let identity = root.with_default("identity", IdentityConfig::default(), identity::read);
    let drain = root.with_default("drain", defaults::DNS_DRAIN, |value| value.duration(DRAIN));
    let tsig_keys = root.with_default("tsig_keys", BTreeMap::new(), transfers::read_keys);
    let locations = root.with_default("locations", LocationsConfig::new(), locations::read);
    let zones = root.required("zones", |value| zones::read(value, tsig_keys.as_ref().ok()));
    let acme_challenges =
        root.optional("acme_challenges", |value| acme_challenges::read(value, &mut listening, zones.as_ref().ok()));
    let pools = root.with_default("pools", BTreeMap::new(), |value| {
        let pools: BTreeMap<String, PoolConfig> = pools::read(value, zones.as_ref().ok(), locations.as_ref().ok())?;
        most_subjects(value, "members", pools.values().map(|pool| pool.members.len()).sum())?;
        Ok(pools)
    });
    Ok(DnsConfig {
        name: name?.into_string(),
        listeners: listeners?,
        admin: admin?,
        state_dir: state_dir?,
        peers: peers?,
        acme_challenges: acme_challenges?,
        workers: workers?,
        tcp: tcp?,
        encrypted: encrypted?,
        rate_limit: rate_limit?,
        cookies: cookies?,
        dnstap: dnstap?,
        identity: identity?,
        drain: drain?,
        tsig_keys: tsig_keys?,
        settings: root.fingerprints(&ALIKE),
        locations: locations?,
        zones: zones?,
        pools: pools?,
    })
}
