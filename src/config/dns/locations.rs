//! `locations` of `dns.json`: where clients are, by their networks, so that those who are near to some members of a pool can have their addresses.

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::config::distinct::Distinct;
use crate::config::reader::{Keys, Read, Value};
use crate::config::{address, names};

/// The networks of each location's clients; none: no client is near to anybody. Of networks that lie in each other the smallest counts.
pub type LocationsConfig = BTreeMap<String, Vec<IpNet>>;

/// The keys of a location.
pub(super) const KEYS: Keys = Keys { object: "locations.NAME", names: &["networks"] };

/// The most networks of all locations: what they take of memory stays below 100 MB.
const MOST_NETWORKS: usize = 100_000;

/// Reads them.
pub(super) fn read(value: &Value<'_>) -> Read<LocationsConfig> {
    let mut networks = Distinct::default();
    let locations = value.table(names::name, |_, _, value| {
        let location = value.object(&KEYS)?;
        location.required("networks", |value| {
            let networks = value.list("networks", |value| {
                networks.claim_parsed(value, "a network, like \"192.0.2.0/24\"", address::client_network)
            })?;
            value.at_least_one("network")?;
            Ok(networks)
        })
    })?;
    match locations.values().map(Vec::len).sum() {
        ..=MOST_NETWORKS => Ok(locations),
        more => Err(value.fault(format!("{more} networks: expected at most {MOST_NETWORKS}"))),
    }
}
