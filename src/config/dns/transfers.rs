//! `tsig_keys` of `dns.json` and `transfer` of a zone: who gets whole zones, who is told that there is something new, and by which keys
//! they are known.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;

use crate::config::address;
use crate::config::backend_protocol::{self, BackendTls};
use crate::config::distinct::Distinct;
use crate::config::invalid::Invalid;
use crate::config::names;
use crate::config::reader::{Keys, Read, Value};

/// A key that messages are signed with (RFC 8945), by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TsigKeyConfig {
    /// How.
    pub algorithm: TsigAlgorithm,
    /// The file with the secret, in base64 on one line, as BIND, Knot and NSD write it.
    pub secret_file: PathBuf,
}

/// The algorithms of RFC 8945, 6, that are to be used today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TsigAlgorithm {
    /// HMAC with SHA-256: everybody has it.
    HmacSha256,
    /// HMAC with SHA-384.
    HmacSha384,
    /// HMAC with SHA-512.
    HmacSha512,
}

impl TsigAlgorithm {
    /// All, as documents and messages name them.
    pub const ALL: [(&str, TsigAlgorithm); 3] = [
        ("hmac-sha256", TsigAlgorithm::HmacSha256),
        ("hmac-sha384", TsigAlgorithm::HmacSha384),
        ("hmac-sha512", TsigAlgorithm::HmacSha512),
    ];
}

/// `zones.NAME.transfer`: what other nameservers get of a zone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransferConfig {
    /// Who gets it; never empty.
    pub allow: Vec<AllowedConfig>,
    /// What it has at the names of pools.
    pub pools: PoolsInTransfer,
    /// Who is told of a new serial.
    pub notify: Vec<NotifiedConfig>,
}

/// Somebody who gets a zone: everything that is said here must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedConfig {
    /// Where he asks from; empty: from anywhere.
    pub networks: Vec<IpNet>,
    /// The key that his query is signed with; none: it need not be.
    pub key: Option<String>,
}

/// Somebody who is told of a new serial (RFC 1996).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifiedConfig {
    /// Where he listens.
    pub address: SocketAddr,
    /// The key that the message is signed with.
    pub key: Option<String>,
}

/// A nameserver that a zone is got from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrimaryConfig {
    /// Where it listens.
    pub address: SocketAddr,
    /// The key that it is asked with, and its answers and messages are signed with.
    pub key: Option<String>,
    /// Over TLS (RFC 9103), and with whom; none: in clear text.
    pub tls: Option<Arc<BackendTls>>,
}

/// What a transferred zone has at the names of pools.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PoolsInTransfer {
    /// The addresses that are answered at the moment of the transfer. What checks and operators change later, the other side does not learn
    /// before the next serial.
    #[default]
    Present,
    /// None.
    LeftOut,
}

impl PoolsInTransfer {
    /// Both, as documents name them.
    pub const ALL: [(&str, PoolsInTransfer); 2] =
        [("present", PoolsInTransfer::Present), ("left_out", PoolsInTransfer::LeftOut)];
}

/// The port of nameservers (RFC 1035, 4.2).
const DNS_PORT: u16 = 53;

/// The port of nameservers that speak TLS (RFC 7858, 3.1).
const TLS_PORT: u16 = 853;

/// The keys of a TSIG key.
pub(super) const KEY: Keys = Keys { object: "tsig_keys.NAME", names: &["algorithm", "secret_file"] };

/// The keys of `transfer`.
pub(super) const TRANSFER: Keys = Keys { object: "zones.NAME.transfer", names: &["allow", "notify", "pools"] };

/// The keys of one who gets it.
pub(super) const ALLOWED: Keys = Keys { object: "zones.NAME.transfer.allow[]", names: &["key", "networks"] };

/// The keys of one who is told.
pub(super) const NOTIFIED: Keys = Keys { object: "zones.NAME.transfer.notify[]", names: &["address", "key"] };

/// The keys of a primary.
pub(super) const PRIMARY: Keys = Keys { object: "zones.NAME.primaries[]", names: &["address", "key", "tls"] };

/// The most primaries of a zone.
const MOST_PRIMARIES: usize = 16;

/// Reads `tsig_keys`.
pub(super) fn read_keys(value: &Value<'_>) -> Read<BTreeMap<String, TsigKeyConfig>> {
    let mut distinct = Distinct::default();
    value.table(names::dns_name, |name, location, value| {
        distinct.claim(name.clone(), location, &format!("the key {name}"))?;
        let key = value.object(&KEY)?;
        let algorithm = key.required("algorithm", |value| value.one_of(&TsigAlgorithm::ALL));
        let secret_file = key.required("secret_file", Value::file);
        Ok(TsigKeyConfig { algorithm: algorithm?, secret_file: secret_file? })
    })
}

/// Reads a zone's `transfer`; `keys` are those of the document, if they could be read.
pub(super) fn read(value: &Value<'_>, keys: Option<&BTreeMap<String, TsigKeyConfig>>) -> Read<TransferConfig> {
    let transfer = value.object(&TRANSFER)?;
    let allow = transfer.required("allow", |value| {
        let allow = value.list("objects", |value| read_allowed(value, keys))?;
        value.at_least_one("object that says who gets the zone")?;
        Ok(allow)
    });
    let pools = transfer.with_default("pools", PoolsInTransfer::default(), |value| value.one_of(&PoolsInTransfer::ALL));
    let notify = transfer.with_default("notify", Vec::new(), |value| {
        let mut addresses = Distinct::default();
        value.list("objects", |value| {
            let notified = value.object(&NOTIFIED)?;
            let address = notified.required("address", |value| {
                addresses.claim_parsed(value, "an address, with or without a port", |text| nameserver(text, DNS_PORT))
            });
            let key = notified.optional("key", |value| read_key(value, keys));
            Ok(NotifiedConfig { address: address?, key: key? })
        })
    });
    Ok(TransferConfig { allow: allow?, pools: pools?, notify: notify? })
}

/// Reads a zone's `primaries`.
pub(super) fn read_primaries(
    value: &Value<'_>,
    keys: Option<&BTreeMap<String, TsigKeyConfig>>,
) -> Read<Vec<PrimaryConfig>> {
    let mut addresses = Distinct::default();
    let primaries = value.list("objects", |value| {
        let primary = value.object(&PRIMARY)?;
        let tls = primary.optional("tls", backend_protocol::read_primary_tls);
        let port = if primary.get("tls").is_some() { TLS_PORT } else { DNS_PORT };
        let address = primary.required("address", |value| {
            addresses.claim_parsed(value, "an address, with or without a port", |text| nameserver(text, port))
        });
        let key = primary.optional("key", |value| read_key(value, keys));
        Ok(PrimaryConfig { address: address?, key: key?, tls: tls?.map(Arc::new) })
    })?;
    value.at_least_one("object with the address of a nameserver")?;
    match primaries.len() {
        ..=MOST_PRIMARIES => Ok(primaries),
        more => Err(value.fault(format!("{more} primaries: expected at most {MOST_PRIMARIES}"))),
    }
}

fn read_allowed(value: &Value<'_>, keys: Option<&BTreeMap<String, TsigKeyConfig>>) -> Read<AllowedConfig> {
    let allowed = value.object(&ALLOWED)?;
    let networks = allowed.optional("networks", |value| {
        let networks = value
            .list("networks", |value| value.parsed("a network, like \"192.0.2.0/24\"", address::client_network))?;
        value.at_least_one("network")?;
        Ok(networks)
    });
    let key = allowed.optional("key", |value| read_key(value, keys));
    let (networks, key) = (networks?, key?);
    if networks.is_none() && key.is_none() {
        return Err(
            value.fault("says nothing, and so would give the zone to anybody: expected \"networks\", \"key\" or both")
        );
    }
    Ok(AllowedConfig { networks: networks.unwrap_or_default(), key })
}

/// The name of a key of the document.
fn read_key(value: &Value<'_>, keys: Option<&BTreeMap<String, TsigKeyConfig>>) -> Read<String> {
    let name = value.parsed("the name of a key", names::dns_name)?;
    match keys {
        Some(keys) if !keys.contains_key(&name) => {
            let known: Vec<&str> = keys.keys().map(String::as_str).collect();
            let known =
                if known.is_empty() { "there is none".to_owned() } else { format!("there are {}", known.join(", ")) };
            Err(value.fault(format!("\"{name}\" is none of the document's tsig_keys: {known}")))
        }
        // What is wrong with them is told already.
        _ => Ok(name),
    }
}

/// Where a nameserver listens; without a port it is the usual one.
fn nameserver(text: &str, port: u16) -> Result<SocketAddr, Invalid> {
    match text.parse::<IpAddr>() {
        Ok(_) => address::host(text).map(|address| SocketAddr::new(address, port)),
        Err(_) => address::dial(text),
    }
}
