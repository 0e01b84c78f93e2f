//! Against naive statements of each rule, on random fleets.

#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;
use crate::fleet::System;

fn address(host: usize) -> String {
    format!("192.0.2.{}", host + 1)
}

/// A fleet of so many hosts with random roles, one zone, one pool, one stateless and one stateful service over its backends.
fn random(random: &mut fastrand::Rng) -> Fleet {
    let count = random.usize(12..40);
    let all = ["nameserver", "proxy", "backend", "svn", "admin", "witness"];
    let mut roles: Vec<Vec<&str>> =
        (0..count).map(|host| vec![if host < 12 { all[host % 6] } else { all[random.usize(..3)] }]).collect();
    // Some have a second role, and some a third.
    for roles in &mut roles {
        for _ in 0..2 {
            let another = all[random.usize(..6)];
            if random.u8(..5) == 0 && !roles.contains(&another) {
                roles.push(another);
            }
        }
    }
    let of = |role: &str| -> Vec<usize> { (0..count).filter(|host| roles[*host].contains(&role)).collect() };
    let name = |host: usize| format!("h{host:02}");
    let named = |hosts: Vec<usize>| hosts.into_iter().map(name).collect::<Vec<_>>();
    let backends = |most: usize| -> Vec<Value> {
        let backend = |(at, host): (usize, usize)| json!({ "name": name(host), "address": format!("{}:80", address(host)), "backup": at > 0 });
        of("backend").into_iter().take(most).enumerate().map(backend).collect()
    };
    let stateless: Vec<Value> = backends(40)
        .into_iter()
        .map(|mut one| {
            one.as_object_mut().unwrap().remove("backup");
            one
        })
        .collect();
    let members: serde_json::Map<String, Value> =
        of("proxy").into_iter().map(|host| (name(host), json!({ "addresses": [address(host)] }))).collect();
    let dns = json!({ "version": 1, "listeners": ["0.0.0.0:53"], "admin": { "socket": "/run/a" }, "state_dir": "/var/a",
        "zones": { "example.net": { "file": "a.zone" } },
        "pools": { "p.example.net": { "members": members, "check": { "port": 80, "path": "/" } } } });
    let proxy = json!({ "version": 1, "listeners": [{ "name": "http", "address": "0.0.0.0:80" }],
        "admin": { "socket": "/run/a" }, "state_dir": "/var/a", "services": {
            "www": { "hosts": ["www.example.net"], "mode": "stateless", "backends": stateless },
            "shop": { "hosts": ["shop.example.net"], "mode": "stateful", "cookie": { "key_file": "/nowhere/cookies" }, "backends": backends(2) } } });
    let mut hosts = serde_json::Map::new();
    let mut systems = serde_json::Map::new();
    for (host, roles) in roles.iter().enumerate() {
        hosts.insert(name(host), json!({ "location": "here", "roles": roles, "addresses": [address(host)] }));
        let mut documents = json!({});
        if roles.contains(&"nameserver") {
            documents["dns.json"] = json!(dns.to_string());
        }
        if roles.contains(&"proxy") {
            documents["proxy.json"] = json!(proxy.to_string());
        }
        systems.insert(name(host), json!({ "failed": [], "documents": documents }));
    }
    // Five of any role keep what the proxies have agreed upon.
    let agreement = named(random.choose_multiple(0..count, 5));
    let fleet = json!({ "version": 1, "hosts": hosts, "agreement": agreement, "systems": systems, "pools": { "p.example.net": {} },
        "zones": { "example.net": { "file": "a.zone", "nameservers": named(of("nameserver")) } } });
    crate::fleet::parse(std::path::Path::new("random"), &fleet.to_string()).unwrap()
}

#[test]
fn whatever_the_fleet_it_goes_on_serving() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    for _ in 0..300 {
        let fleet = random(&mut rng);
        let changed: Vec<String> = fleet.hosts.keys().filter(|_| rng.u8(..4) > 0).cloned().collect();
        let ourselves = changed.iter().rev().find(|host| fleet.hosts[*host].is(Role::Admin)).cloned();
        let parallel = rng.usize(1..6);
        // A few of those that do not change are dead.
        let skipped: Vec<String> =
            fleet.hosts.keys().filter(|host| !changed.contains(host) && rng.u8(..3) == 0).cloned().collect();
        let batches = batches(&fleet, &BTreeMap::new(), &changed, &skipped, &[], ourselves.as_deref(), parallel);

        let mut flat = batches.concat();
        if let Some(ourselves) = &ourselves {
            assert_eq!(flat.last(), Some(ourselves), "our own machine is last: {batches:?}");
        }
        let turns: Vec<usize> =
            flat.iter().filter(|host| Some(*host) != ourselves.as_ref()).map(|host| turn(&fleet, host)).collect();
        assert!(turns.is_sorted(), "roles come in their turns: {batches:?}");
        flat.sort();
        assert_eq!(flat, changed, "every host has one turn");

        let mut begun = BTreeSet::new();
        for batch in &batches {
            assert!(batch.len() <= parallel, "{batches:?}");
            let count = |role| batch.iter().filter(|host| fleet.hosts[*host].is(role)).count();
            let all = |role| fleet.hosts.values().filter(|host| host.is(role)).count();
            assert!(count(Role::Nameserver) <= 1, "two nameservers of one zone at once: {batch:?}");
            assert!(count(Role::Admin) <= 1, "{batch:?}");
            let members = batch.iter().filter(|host| fleet.agreement.contains(host)).count();
            assert!(members <= 1, "two of {:?}, who keep the agreement: {batches:?}", fleet.agreement);
            let proxies = all(Role::Proxy);
            let dead = skipped.iter().filter(|host| fleet.hosts[*host].is(Role::Proxy)).count();
            let (going, may_go) = (count(Role::Proxy), (proxies / 2).saturating_sub(dead));
            assert!(going <= 1.max(may_go), "fewer than half of {proxies} proxies stay: {batch:?}, {skipped:?}");
            let backends = all(Role::Backend);
            assert!(backends < 2 || count(Role::Backend) < backends, "no backend stays: {batch:?}");
            let shop: Vec<&String> =
                fleet.hosts.keys().filter(|host| fleet.hosts[*host].is(Role::Backend)).take(2).collect();
            assert!(
                shop.iter().filter(|host| batch.contains(host)).count() <= 1,
                "a primary with its backup: {batch:?}"
            );
            for host in batch {
                let roles = &fleet.hosts[host].roles;
                let is_first = roles.iter().any(|role| !begun.contains(role));
                assert!(!is_first || batch.len() == 1, "the first of a role goes alone: {batches:?}");
                begun.extend(roles.iter().copied());
            }
        }
    }
}

/// The place of a host's role among the turns.
fn turn(fleet: &Fleet, host: &str) -> usize {
    TURNS.iter().position(|role| fleet.hosts[host].is(*role)).unwrap()
}

#[test]
fn hosts_that_may_go_together_do() {
    let fleet = Fleet { agreement: Vec::new(), ..random(&mut fastrand::Rng::with_seed(7)) };
    let proxies: Vec<String> = with_role(&fleet, Role::Proxy).into_iter().collect();
    assert!(proxies.len() >= 6, "{proxies:?}");
    let batches = batches(&fleet, &BTreeMap::new(), &proxies, &[], &[], None, 3);
    assert_eq!(batches[0].len(), 1);
    assert!(batches[1..].iter().any(|batch| batch.len() == 3), "{batches:?}");
}

#[test]
fn a_host_that_restarts_goes_alone() {
    let fleet = random(&mut fastrand::Rng::with_seed(7));
    let proxies: Vec<String> = with_role(&fleet, Role::Proxy).into_iter().collect();
    let restarts: Vec<&str> = proxies[2..4].iter().map(String::as_str).collect();
    let batches = batches(&fleet, &BTreeMap::new(), &proxies, &[], &restarts, None, 3);
    for batch in &batches {
        let with_restart = batch.iter().any(|host| restarts.contains(&host.as_str()));
        assert!(!with_restart || batch.len() == 1, "{batches:?}");
    }
    assert_eq!(batches.concat().len(), proxies.len());
}

#[test]
fn what_hosts_serve_now_counts_until_the_last_is_switched() {
    let fleet = Fleet { agreement: Vec::new(), ..random(&mut fastrand::Rng::with_seed(7)) };
    let System::Rendered { dns: Some(dns), .. } =
        fleet.systems.values().find(|system| matches!(system, System::Rendered { dns: Some(_), .. })).unwrap()
    else {
        panic!("a nameserver has a document")
    };
    // Two proxies are still the nameservers of a zone that goes.
    let proxies: Vec<String> = with_role(&fleet, Role::Proxy).into_iter().collect();
    let leaving = Running {
        documents: BTreeMap::from([("dns.json".to_owned(), dns.replace("example.net", "old.example.net"))]),
        ..Running::default()
    };
    let running = BTreeMap::from([1, 2].map(|at| (proxies[at].clone(), leaving.clone())));
    let batches = batches(&fleet, &running, &proxies, &[], &[], None, 3);
    assert!(!batches.iter().any(|batch| batch.contains(&proxies[1]) && batch.contains(&proxies[2])), "{batches:?}");
    assert!(batches.iter().any(|batch| batch.len() > 1), "{batches:?}");
}
