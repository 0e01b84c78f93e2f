//! What is probed of pools, and what is known of it (pure).

use std::net::{IpAddr, SocketAddr};

use super::State;
use super::prepared::Prepared;
use crate::config::dns::PoolConfig;
use crate::health::{Target, TargetHealth, Targets, Verdict};

impl State {
    /// How many addresses of members have not been probed yet, and how many there are.
    pub fn unchecked(&self) -> (usize, usize) {
        let pools = self.document.config.pools.values().map(|pool| (pool, self.health.of_check(&pool.check)));
        let verdicts = pools.flat_map(|(pool, checked)| {
            let addresses = pool.members.values().flat_map(|member| &member.addresses);
            addresses.map(move |address| checked.get(asked_at(pool, *address)).map(|health| health.verdict))
        });
        verdicts.fold((0, 0), |(unchecked, all), verdict| {
            (unchecked + usize::from(verdict.is_none_or(|verdict| verdict == Verdict::Unchecked)), all + 1)
        })
    }

    pub(in crate::dns) fn health_of(&self, pool: &PoolConfig, address: IpAddr) -> Option<&TargetHealth> {
        self.health.of_check(&pool.check).get(asked_at(pool, address))
    }
}

impl Prepared {
    /// Every probe target of the document's pools, with who uses it.
    pub fn targets(&self) -> Targets {
        let mut targets = Targets::new();
        for (name, config) in &self.config.pools {
            for (member, addresses) in &config.members {
                for address in &addresses.addresses {
                    targets.entry(target(config, *address)).or_default().push(format!("{name}/{member}"));
                }
            }
        }
        targets
    }
}

/// What is probed for one address of a pool.
pub(super) fn target(pool: &PoolConfig, address: IpAddr) -> Target {
    Target { address: asked_at(pool, address), check: pool.check.clone() }
}

pub(super) fn asked_at(pool: &PoolConfig, address: IpAddr) -> SocketAddr {
    // A document without the port does not pass its checks: a member has none of its own.
    SocketAddr::new(address, pool.check.port.unwrap_or(80))
}
