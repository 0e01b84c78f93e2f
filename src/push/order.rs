//! The order of a push (pure): which hosts may be switched at once, so that the fleet goes on serving whatever happens to them.

use std::collections::BTreeSet;
use std::path::Path;

use crate::config;
use crate::config::proxy::{Mode, Target};
use crate::fleet::{Fleet, Role, System};

/// The roles in the order of their turns. Admin machines are last: what goes wrong there is in the operator's own way.
const TURNS: [Role; 5] = [Role::Nameserver, Role::Proxy, Role::Backend, Role::Svn, Role::Admin];

/// Batches of the hosts that change, in their order. The first host of each role goes alone; the machine that pushes is last.
/// Hosts that are skipped may be dead, and count as being away all the time.
pub fn batches(
    fleet: &Fleet,
    changed: &[String],
    skipped: &[String],
    ourselves: Option<&str>,
    parallel: usize,
) -> Vec<Vec<String>> {
    let limits = limits(fleet);
    let mut batches: Vec<Vec<String>> = Vec::new();
    let (mut begun, mut last_is_closed) = (BTreeSet::new(), true);
    for host in in_turn(fleet, changed, ourselves) {
        let roles = roles(fleet, host);
        let goes_alone = !roles.is_subset(&begun) || ourselves == Some(host);
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

/// Of these hosts at most so many at once.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Limit {
    hosts: BTreeSet<String>,
    most: usize,
}

impl Limit {
    /// Whether a host may go with a batch. One that is the only one of its kind there could not go more alone than that.
    fn allows(&self, host: &str, batch: &[String], skipped: &[String]) -> bool {
        let count = |hosts: &[String]| hosts.iter().filter(|host| self.hosts.contains(*host)).count();
        let beside = count(batch);
        !self.hosts.contains(host) || beside == 0 || beside + 1 + count(skipped) <= self.most
    }
}

/// What the fleet needs to go on serving.
fn limits(fleet: &Fleet) -> Vec<Limit> {
    let mut limits = Vec::new();
    // Never two nameservers of one zone: a resolver has another one to ask.
    for zone in fleet.zones.values() {
        limits.push(Limit { hosts: zone.nameservers.iter().cloned().collect(), most: 1 });
    }
    // One admin machine is always there to push from.
    limits.push(Limit { hosts: with_role(fleet, Role::Admin), most: 1 });
    for system in fleet.systems.values() {
        let System::Rendered { dns, proxy, .. } = system else { continue };
        if let Some(Ok(config)) = dns.as_ref().map(|text| config::dns::parse(Path::new("dns.json"), text)) {
            // At least half of a pool, rounded up, stays.
            limits.extend(config.pools.values().map(|pool| {
                let hosts: BTreeSet<String> = pool.members.keys().cloned().collect();
                Limit { most: (hosts.len() / 2).max(1), hosts }
            }));
        }
        if let Some(Ok(config)) = proxy.as_ref().map(|text| config::proxy::parse(Path::new("proxy.json"), text)) {
            limits.extend(config.services.values().map(|service| backends(fleet, &service.target)));
        }
    }
    limits.sort_by(|a, b| (&a.hosts, a.most).cmp(&(&b.hosts, b.most)));
    limits.dedup();
    limits
}

/// Never all backends of a service, and never the active one of a stateful service together with its backup.
fn backends(fleet: &Fleet, target: &Target) -> Limit {
    let Target::Backends(target) = target;
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
#[path = "order_tests.rs"]
mod tests;
