//! `allow` and `deny` of a service: the networks whose visitors it serves, and those it refuses.

use ipnet::IpNet;

use crate::config::address;
use crate::config::distinct::Distinct;
use crate::config::reader::{Object, Read};

/// Whose visitors a service serves. A visitor is judged by the most specific of the networks that he is in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessConfig {
    /// Served. Where there are any, visitors in none of the networks are refused. Default none.
    pub allow: Vec<IpNet>,
    /// Refused. Default none.
    pub deny: Vec<IpNet>,
}

impl AccessConfig {
    /// Everybody is served.
    pub fn is_open(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty()
    }
}

/// Reads both of a service. No network may stand twice, in one of them or in both.
pub(super) fn read(service: &Object<'_>) -> Read<AccessConfig> {
    let mut distinct = Distinct::default();
    let [allow, deny] = ["allow", "deny"].map(|key| {
        service.with_default(key, Vec::new(), |value| {
            let networks = value.list("networks", |value| {
                distinct.claim_parsed(value, "a network, like \"10.0.0.0/8\"", address::client_network)
            })?;
            value.at_least_one("network")?;
            Ok(networks)
        })
    });
    Ok(AccessConfig { allow: allow?, deny: deny? })
}
