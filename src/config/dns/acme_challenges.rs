//! `acme_challenges` of `dns.json`: the proxies that may have a certificate authority's challenges answered (RFC 8555, 8.4).

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use crate::config::address;
use crate::config::distinct::Distinct;
use crate::config::dns::ZoneConfig;
use crate::config::listen::Listening;
use crate::config::names;
use crate::config::public_key::{self, PublicKey};
use crate::config::reader::{Keys, Read, Value};

/// `acme_challenges`: where proxies tell their challenges, and which proxies may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcmeChallengesConfig {
    /// Where this nameserver listens for the proxies.
    pub listen: SocketAddr,
    /// The file with the private key by which they know it: 32 bytes in base64. It may be that of `peers`.
    pub key_file: PathBuf,
    /// The proxies by their names; never empty.
    pub from: BTreeMap<String, ChallengesFrom>,
}

/// A proxy that may tell challenges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengesFrom {
    /// Where it connects from; never empty.
    pub addresses: Vec<IpAddr>,
    /// Its public keys: at most two, the present one and the next.
    pub keys: Vec<PublicKey>,
    /// The zones, by apex, in which it may have names answered. None: all.
    pub zones: Option<BTreeSet<String>>,
}

/// The keys of `acme_challenges`.
pub(super) const KEYS: Keys = Keys { object: "acme_challenges", names: &["from", "key_file", "listen"] };

/// The keys of a proxy.
pub(super) const FROM: Keys = Keys { object: "acme_challenges.from.NAME", names: &["addresses", "keys", "zones"] };

/// Reads it; `zones` are the document's, if they could be read.
pub(super) fn read<'a>(
    value: &Value<'a>,
    listening: &mut Listening<'a>,
    zones: Option<&BTreeMap<String, ZoneConfig>>,
) -> Read<AcmeChallengesConfig> {
    let challenges = value.object(&KEYS)?;
    let listen = challenges.required("listen", |value| listening.claim(value));
    let key_file = challenges.required("key_file", Value::file);
    let from = challenges.required("from", |value| {
        // A key opens one name.
        let mut keys = Distinct::default();
        let from = value.table(names::name, |_, _, value| read_from(value, &mut keys, zones))?;
        value.at_least_one("proxy")?;
        Ok(from)
    });
    Ok(AcmeChallengesConfig { listen: listen?, key_file: key_file?, from: from? })
}

fn read_from<'a>(
    value: &Value<'a>,
    keys: &mut Distinct<'a, PublicKey>,
    zones: Option<&BTreeMap<String, ZoneConfig>>,
) -> Read<ChallengesFrom> {
    let from = value.object(&FROM)?;
    let addresses = from.required("addresses", |value| {
        let mut addresses = Distinct::default();
        let read = value.list("addresses", |value| addresses.claim_parsed(value, "an address", address::host))?;
        value.at_least_one("address")?;
        Ok(read)
    });
    let keys = from.required("keys", |value| public_key::read_few(value, keys));
    let zones = from.optional("zones", |value| {
        let read = value.list("zones", |value| read_zone(value, zones))?;
        value.at_least_one("zone")?;
        Ok(read.into_iter().collect())
    });
    Ok(ChallengesFrom { addresses: addresses?, keys: keys?, zones: zones? })
}

fn read_zone(value: &Value<'_>, zones: Option<&BTreeMap<String, ZoneConfig>>) -> Read<String> {
    let zone = value.parsed("the name of a zone", names::zone_name)?;
    match zones {
        Some(zones) if !zones.contains_key(&zone) => {
            Err(value.fault(format!("{zone:?} is none of the zones of this document")))
        }
        _ => Ok(zone),
    }
}
