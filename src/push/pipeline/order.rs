//! The order of a push (pure): which hosts may be switched at once, so that the fleet keeps serving even if all of them fail.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::dns::PoolConfig;
use crate::config::proxy::{BackendsConfig, Mode};
use crate::fleet::running::Running;
use crate::fleet::{Fleet, Role};

/// The roles in rollout order: something new exists before others depend on it. Admin machines are last, because a failure there
/// hinders the operator.
const TURNS: [Role; 6] = [Role::Witness, Role::Backend, Role::Proxy, Role::Nameserver, Role::Svn, Role::Admin];

/// The batches of hosts that change, in rollout order. The first host of each role is alone in its batch, and so is one of those that
/// reboot; the machine that pushes is last. Skipped hosts may be dead and count as down. `running` is what hosts run now, as far as that is known.
pub fn batches(
    fleet: &Fleet,
    running: &BTreeMap<String, Running>,
    changed: &[String],
    skipped: &[String],
    reboots: &[&str],
    ourselves: Option<&str>,
    parallel: usize,
) -> Vec<Vec<String>> {
    let limits = limits(fleet, running);
    let mut batches: Vec<Vec<String>> = Vec::new();
    let (mut begun, mut last_is_closed) = (BTreeSet::new(), true);
    for host in in_turn(fleet, changed, ourselves) {
        let roles = roles(fleet, host);
        let goes_alone = !roles.is_subset(&begun) || ourselves == Some(host) || reboots.contains(&host);
        let fits = |batch: &Vec<String>| {
            batch.len() < parallel && limits.iter().all(|limit| limit.allows(host, batch, skipped))
        };
        match batches.last_mut() {
            Some(batch) if !goes_alone && !last_is_closed && fits(batch) => batch.push(host.to_owned()),
            _ => {
                batches.push(vec![host.to_owned()]);
                last_is_closed = goes_alone;
            }
        }
        begun.extend(roles);
    }
    batches
}

fn roles(fleet: &Fleet, host: &str) -> BTreeSet<Role> {
    fleet.hosts.get(host).map(|host| host.roles.iter().copied().collect()).unwrap_or_default()
}

fn in_turn<'a>(fleet: &Fleet, changed: &'a [String], ourselves: Option<&str>) -> Vec<&'a str> {
    let turn = |host: &&str| {
        let has = |role: &Role| fleet.hosts.get(*host).is_some_and(|this| this.is(*role));
        (ourselves == Some(*host), TURNS.iter().position(has).unwrap_or(TURNS.len()), (*host).to_owned())
    };
    let mut hosts: Vec<&str> = changed.iter().map(String::as_str).collect();
    hosts.sort_by_key(turn);
    hosts
}

/// At most `most` of these hosts may be down at once.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Limit {
    hosts: BTreeSet<String>,
    most: usize,
}

impl Limit {
    /// Whether a host may join a batch. It always may if no other host of this limit is in the batch.
    fn allows(&self, host: &str, batch: &[String], skipped: &[String]) -> bool {
        let count = |hosts: &[String]| hosts.iter().filter(|host| self.hosts.contains(*host)).count();
        let beside = count(batch);
        !self.hosts.contains(host) || beside == 0 || beside + 1 + count(skipped) <= self.most
    }
}

/// What the fleet needs to keep serving, both by its new documents and by those that run until the last host is switched.
fn limits(fleet: &Fleet, running: &BTreeMap<String, Running>) -> Vec<Limit> {
    let mut limits = vec![
        // One admin machine always stays up, to push from.
        Limit { hosts: with_role(fleet, Role::Admin), most: 1 },
        // Never two of those that keep the agreement: without two of three, nothing could be agreed upon.
        Limit { hosts: fleet.agreement.iter().cloned().collect(), most: 1 },
    ];
    let mut nameservers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let rendered = fleet.systems.iter().map(|(host, system)| (host, system.dns_config(), system.proxy_config()));
    let present = running.iter().map(|(host, running)| (host, running.dns_config(), running.proxy_config()));
    for (host, dns, proxy) in rendered.chain(present) {
        if let Some(config) = dns {
            for apex in config.zones.keys() {
                nameservers.entry(apex.to_string()).or_default().insert(host.to_owned());
            }
            limits.extend(config.pools.values().map(members));
        }
        if let Some(config) = proxy {
            let targets = config.services.values().filter_map(|service| service.target.backends());
            limits.extend(targets.map(|target| backends(fleet, target)));
        }
    }
    // Never two nameservers of one zone at once, so that resolvers have another one to ask.
    limits.extend(nameservers.into_values().map(|hosts| Limit { hosts, most: 1 }));
    limits.sort_by(|a, b| (&a.hosts, a.most).cmp(&(&b.hosts, b.most)));
    limits.dedup();
    limits
}

/// At least half of a pool, rounded up, stays up.
fn members(pool: &PoolConfig) -> Limit {
    let hosts: BTreeSet<String> = pool.members.keys().cloned().collect();
    Limit { most: (hosts.len() / 2).max(1), hosts }
}

/// Never all backends of a service, and never the active one of a stateful service together with its backup.
fn backends(fleet: &Fleet, target: &BackendsConfig) -> Limit {
    let host = |address| fleet.host_at(address).map(str::to_owned);
    let hosts: BTreeSet<String> = target.backends.iter().filter_map(|backend| host(backend.address.ip())).collect();
    let most = match target.mode {
        Mode::Latched { .. } => 1,
        Mode::Stateless | Mode::Sticky { .. } => (hosts.len() / 2).max(1),
    };
    Limit { hosts, most }
}

fn with_role(fleet: &Fleet, role: Role) -> BTreeSet<String> {
    fleet.hosts.iter().filter(|(_, host)| host.is(role)).map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests;
