//! `GET /status`: all of it at one moment, and the service manager's one line.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::api::dns::{AddressStatus, MemberStatus, PeerStatus, PoolStatus, Status, ZoneStatus};
use crate::config::dns::{MemberConfig, PoolConfig};
use crate::daemon::VERSION;
use crate::daemon::operator::unix_ms;
use crate::daemon::peers::PeerHealth;
use crate::dns::control::{Choices, Control};
use crate::dns::pool;
use crate::health::Verdict;
use crate::zone::name;

/// What the status shows that is not [`Control`]'s.
#[derive(Debug, Default)]
pub struct RuntimeFigures {
    /// Queries answered since the start.
    pub queries: u64,
    /// How the peers are doing.
    pub peers: BTreeMap<String, PeerHealth>,
}

impl Control {
    /// The whole status.
    pub fn status(&self, around: &RuntimeFigures) -> Status {
        let config = &self.document.config;
        Status {
            role: "nameserver".into(),
            name: config.name.clone(),
            version: VERSION.into(),
            pid: std::process::id(),
            uptime_s: self.started.elapsed().as_secs(),
            generation: self.generation(),
            ready: self.ready,
            draining: self.draining,
            listeners: config.listeners.iter().map(ToString::to_string).collect(),
            queries: around.queries,
            zones: self.zone_statuses(),
            pools: config.pools.iter().map(|(name, config)| self.pool_status(name, config)).collect(),
            peers: around.peers.iter().map(|(name, health)| peer_status(name, health)).collect(),
            alarms: self.all_alarms(around),
            last_reload: self.last_reload.clone(),
        }
    }

    /// `2 zones, 1 pool: 3 of 3 members up; generation 7`.
    pub fn line(&self) -> String {
        let pools = &self.document.config.pools;
        let zones = count(self.document.config.zones.len(), "zone");
        let members: usize = pools.values().map(|pool| pool.members.len()).sum();
        let up: usize = pools.values().map(|pool| pool.members.values().filter(|m| self.is_up(pool, m)).count()).sum();
        let alarms = if self.alarms.is_empty() { "" } else { "; see status for alarms" };
        let generation = self.generation();
        format!(
            "{zones}, {}: {up} of {} up; generation {generation}{alarms}",
            count(pools.len(), "pool"),
            count(members, "member")
        )
    }

    /// Whether every address of a member is up.
    pub(super) fn is_up(&self, pool: &PoolConfig, member: &MemberConfig) -> bool {
        member.addresses.iter().all(|address| self.verdict(pool, *address) == Verdict::Up)
    }

    pub(super) fn verdict(&self, pool: &PoolConfig, address: IpAddr) -> Verdict {
        self.health_of(pool, address).map_or(Verdict::Unchecked, |health| health.verdict)
    }

    pub(super) fn zone_statuses(&self) -> Vec<ZoneStatus> {
        let status = |zone: &crate::dns::compiled::Zone| ZoneStatus {
            name: name::to_text(&zone.apex),
            serial: zone.serial,
            records: zone.records,
        };
        self.document.zones.iter().map(status).collect()
    }

    /// The daemon's own alarms, and those that follow from the state.
    fn all_alarms(&self, around: &RuntimeFigures) -> Vec<String> {
        let mut alarms: Vec<String> = self.alarms.values().cloned().collect();
        for (name, config) in &self.document.config.pools {
            let known = self.known(name, config);
            if let Some(policy) = self.choices.get(name).and_then(all_down) {
                alarms.push(format!("pool {name}: no member is up and ready; answered by when_all_down: {policy}"));
            } else if config.members.iter().filter(|(member, config)| pool::usable(member, config, &known)).count() == 1
                && config.members.len() > 1
            {
                alarms.push(format!("pool {name}: only one member is up and ready"));
            }
        }
        alarms.extend(self.untaken.iter().filter_map(|(peer, untaken)| untaken.alarm(peer)));
        for (peer, health) in &around.peers {
            if let Some(error) = &health.error {
                alarms.push(format!("peer {peer}: {error}"));
            }
        }
        alarms
    }

    fn pool_status(&self, name: &str, config: &PoolConfig) -> PoolStatus {
        let chosen = self.choices.get(name);
        let answers: Vec<String> = chosen.map_or(Vec::new(), |c| c.addresses().map(ToString::to_string).collect());
        PoolStatus {
            name: name.into(),
            ttl: config.ttl,
            all_down: chosen.and_then(all_down),
            members: config
                .members
                .iter()
                .map(|(member, members)| self.member_status(name, config, member, members, &answers))
                .collect(),
            answers,
        }
    }

    fn member_status(
        &self,
        pool: &str,
        config: &PoolConfig,
        name: &str,
        member: &MemberConfig,
        answers: &[String],
    ) -> MemberStatus {
        let subject = format!("{pool}/{name}");
        let address_status = |address: &IpAddr| {
            let health = self.health_of(config, *address);
            AddressStatus {
                check: health.map_or(Verdict::Unchecked, |health| health.verdict),
                check_reason: health
                    .map_or_else(|| "no probe has ended yet".into(), |health| health.reason.to_string()),
                check_since: health.map_or(0, |health| ms(health.since)),
                answered: answers.contains(&address.to_string()),
                address: address.to_string(),
            }
        };
        MemberStatus {
            name: name.into(),
            operator: self.operator.state(&subject, unix_ms()),
            word: self.operator.0.get(&subject).cloned(),
            addresses: member.addresses.iter().map(address_status).collect(),
        }
    }
}

fn all_down(chosen: &Choices) -> Option<String> {
    chosen.v4.all_down.or(chosen.v6.all_down).map(str::to_owned)
}

fn peer_status(name: &str, health: &PeerHealth) -> PeerStatus {
    PeerStatus { name: name.into(), heard: health.heard.map(ms), error: health.error.clone() }
}

fn ms(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
