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

/// The most locations: each has a number of 16 bits where queries are answered.
const MOST_LOCATIONS: usize = 1000;

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
    if locations.len() > MOST_LOCATIONS {
        return Err(value.fault(format!("{} locations: expected at most {MOST_LOCATIONS}", locations.len())));
    }
    match locations.values().map(Vec::len).sum() {
        ..=MOST_NETWORKS => Ok(locations),
        more => Err(value.fault(format!("{more} networks: expected at most {MOST_NETWORKS}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::dns::parse;

    #[test]
    fn more_locations_than_can_be_numbered_are_a_finding() {
        let found = |count: usize| {
            let locations = (0..count)
                .map(|n| (format!("l{n}"), serde_json::json!({ "networks": [format!("2001:db8:{n:x}::/48")] })));
            let document = serde_json::json!({
                "version": 1, "name": "ns-1", "listeners": ["127.0.0.1:53"], "state_dir": "/nowhere",
                "admin": { "socket": "/nowhere/admin.sock" },
                "zones": { "example.net": { "file": "example.net.zone" } },
                "locations": locations.collect::<serde_json::Map<_, _>>(),
            });
            parse(Path::new("dns.json"), &document.to_string()).err().map(|findings| findings.to_string())
        };
        assert_eq!(found(1000), None);
        let why = found(1001).unwrap_or_default();
        assert!(why.contains("locations: 1001 locations: expected at most 1000"), "{why}");
    }
}
