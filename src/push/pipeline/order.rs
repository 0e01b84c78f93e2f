//! The order of a push (pure): which hosts may be switched at once, so that the fleet goes on serving whatever happens to them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::config;
use crate::config::dns::PoolConfig;
use crate::config::proxy::{Mode, Target};
use crate::fleet::running::Running;
use crate::fleet::{Fleet, Role, System};

/// The roles in the order of their turns: what is new is there before it is asked for. Admin machines are last: what goes wrong
/// there is in the operator's own way.
const TURNS: [Role; 5] = [Role::Backend, Role::Proxy, Role::Nameserver, Role::Svn, Role::Admin];

/// Batches of the hosts that change, in their order. The first host of each role goes alone; the machine that pushes is last.
/// Hosts that are skipped may be dead, and count as being away all the time. `running` is what hosts run now, where that is known.
pub fn batches(
    fleet: &Fleet,
    running: &BTreeMap<String, Running>,
    changed: &[String],
    skipped: &[String],
    ourselves: Option<&str>,
    parallel: usize,
) -> Vec<Vec<String>> {
    let limits = limits(fleet, running);
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

/// What the fleet needs to go on serving: by what it is to be, and by what it is until the last host has been switched.
fn limits(fleet: &Fleet, running: &BTreeMap<String, Running>) -> Vec<Limit> {
    // One admin machine is always there to push from.
    let mut limits = vec![Limit { hosts: with_role(fleet, Role::Admin), most: 1 }];
    let mut nameservers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (host, dns, proxy) in rendered(fleet).chain(present(running)) {
        if let Some(Ok(config)) = dns.map(|text| config::dns::parse(Path::new("dns.json"), text)) {
            for apex in config.zones.keys() {
                nameservers.entry(apex.to_string()).or_default().insert(host.to_owned());
            }
            limits.extend(config.pools.values().map(members));
        }
        if let Some(Ok(config)) = proxy.map(|text| config::proxy::parse(Path::new("proxy.json"), text)) {
            limits.extend(config.services.values().map(|service| backends(fleet, &service.target)));
        }
    }
    // Never two nameservers of one zone: a resolver has another one to ask.
    limits.extend(nameservers.into_values().map(|hosts| Limit { hosts, most: 1 }));
    limits.sort_by(|a, b| (&a.hosts, a.most).cmp(&(&b.hosts, b.most)));
    limits.dedup();
    limits
}

/// A host, and its documents.
type Documents<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

fn rendered(fleet: &Fleet) -> impl Iterator<Item = Documents<'_>> {
    fleet.systems.iter().filter_map(|(host, system)| match system {
        System::Rendered { dns, proxy, .. } => Some((host.as_str(), dns.as_deref(), proxy.as_deref())),
        _ => None,
    })
}

fn present(running: &BTreeMap<String, Running>) -> impl Iterator<Item = Documents<'_>> {
    running.iter().map(|(host, running)| {
        let document = |name: &str| running.documents.get(name).map(String::as_str);
        (host.as_str(), document("dns.json"), document("proxy.json"))
    })
}

/// At least half of a pool, rounded up, stays.
fn members(pool: &PoolConfig) -> Limit {
    let hosts: BTreeSet<String> = pool.members.keys().cloned().collect();
    Limit { most: (hosts.len() / 2).max(1), hosts }
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
mod tests;
