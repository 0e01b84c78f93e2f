//! Daemons that serve by different documents: a push that stopped half-way, or a host that it did not reach.

use std::collections::BTreeMap;

use super::finding::Finding;
use crate::api::daemon::DaemonStatus;
use crate::api::dns::GivenBy;
use crate::api::{dns, proxy};
use crate::verbs::signed_zones::{self, SignedZone};

/// What a proxy or nameserver says of one service or pool, by aspect: `backends`, `web1 192.0.2.21:80, …`.
type Aspects = Vec<(&'static str, String)>;

/// The aspect that stands for all that a document says of it. What differs is not known, only that something does.
const WHOLE: &str = "settings";

/// What a daemon has of an aspect that its document does not decide.
const UNKNOWN: &str = "";

/// What each daemon has: by daemon, by name.
type Having<'a> = Vec<(&'a str, BTreeMap<&'a str, Aspects>)>;

/// Services that are not the same on all proxies.
pub(super) fn of_proxies(proxies: &[&proxy::Status]) -> Vec<Finding> {
    let having = proxies.iter().map(|status| {
        let services = status.services.iter().map(|service| (&*service.name, of_service(service)));
        (&*status.daemon.name, services.collect())
    });
    let mut found = differences("service", &having.collect());
    found.extend(settings(proxies.iter().map(|status| &status.daemon)));
    found
}

/// Pools and zones that are not the same on all nameservers.
pub(super) fn of_nameservers(nameservers: &[&dns::Status]) -> Vec<Finding> {
    let pools = nameservers.iter().map(|status| {
        let pools = status.pools.iter().map(|pool| (&*pool.name, of_pool(pool)));
        (&*status.daemon.name, pools.collect())
    });
    let zones = nameservers.iter().map(|status| {
        let zones = status.zones.iter().map(|zone| (&*zone.name, of_zone(zone)));
        (&*status.daemon.name, zones.collect())
    });
    let mut found = differences("pool", &pools.collect());
    found.extend(differences("zone", &zones.collect()));
    found.extend(signed_zones::all(nameservers.iter().copied()).iter().filter_map(keys_apart));
    found.extend(settings(nameservers.iter().map(|status| &status.daemon)));
    found
}

/// The keys with which nameservers sign are no part of their documents.
fn keys_apart(zone: &SignedZone<'_>) -> Option<Finding> {
    let words = zone.keys_apart()?;
    Some(Finding::about(zone.signing().map(|(nameserver, _)| nameserver).chain([zone.name]), words))
}

/// What the documents of daemons of one kind say differently besides services, pools and zones. One of an earlier version does not say.
fn settings<'a>(daemons: impl Iterator<Item = &'a DaemonStatus>) -> Vec<Finding> {
    let saying: Vec<&DaemonStatus> = daemons.filter(|daemon| !daemon.settings.is_empty()).collect();
    let Some((first, others)) = saying.split_first() else { return Vec::new() };
    let of = |other: &&DaemonStatus| {
        let differ = |(key, own): &(&String, &String)| other.settings.get(*key).is_some_and(|its| its != *own);
        let keys: Vec<&str> = first.settings.iter().filter(differ).map(|(key, _)| key.as_str()).collect();
        let (one, another) = (first.name.clone(), other.name.clone());
        let words = format!("the documents of {one} and {another} differ in {}", keys.join(", "));
        (!keys.is_empty()).then(|| Finding::about([one, another], words))
    };
    others.iter().filter_map(of).collect()
}

fn of_service(service: &proxy::ServiceStatus) -> Aspects {
    let backends = service.backends.iter().map(|backend| {
        let backup = if backend.backup { " backup" } else { "" };
        format!("{} {} weight {}{backup}", backend.name, backend.address, backend.weight)
    });
    vec![
        ("hosts", service.hosts.join(" ")),
        ("target", service.target.clone().unwrap_or_else(|| service.mode.clone())),
        ("backends", backends.collect::<Vec<_>>().join(", ")),
        (WHOLE, service.fingerprint.clone()),
    ]
}

fn of_pool(pool: &dns::PoolStatus) -> Aspects {
    let members = pool.members.iter().map(|member| {
        let addresses = member.addresses.iter().map(|address| address.address.as_str());
        format!("{} {}", member.name, addresses.collect::<Vec<_>>().join(" "))
    });
    let members = members.collect::<Vec<_>>().join(", ");
    vec![("TTL", pool.ttl.to_string()), ("members", members), (WHOLE, pool.fingerprint.clone())]
}

fn of_zone(zone: &dns::ZoneStatus) -> Aspects {
    // A copy of a signed zone has its signatures from its primaries, and its document says nothing of them.
    let is_copy = zone.dnssec.as_ref().is_some_and(|dnssec| dnssec.given_by == Some(GivenBy::Primaries));
    let signed = match &*zone.signed {
        "" if is_copy => UNKNOWN,
        "" => "none",
        signed => signed,
    };
    vec![("serial", zone.serial.to_string()), ("DNSSEC", signed.to_owned())]
}

fn differences(what: &str, having: &Having<'_>) -> Vec<Finding> {
    let Some((first, firsts)) = having.first() else { return Vec::new() };
    let mut found = Vec::new();
    for (other, others) in &having[1..] {
        let names = firsts.keys().chain(others.keys().filter(|name| !firsts.contains_key(*name)));
        for name in names {
            match (firsts.get(name), others.get(name)) {
                (Some(ours), Some(theirs)) => {
                    found.extend(apart(what, name, (*first, ours), (*other, theirs)));
                }
                (ours, _) => {
                    let (has, lacks) = if ours.is_some() { (first, other) } else { (other, first) };
                    let words = format!("{what} {name} is on {has} and not on {lacks}: their documents differ");
                    found.push(Finding::about([name, first, other].map(|one| *one), words));
                }
            }
        }
    }
    found
}

/// What two daemons have of one thing.
fn apart(what: &str, name: &str, (one, ours): (&str, &Aspects), (other, theirs): (&str, &Aspects)) -> Vec<Finding> {
    let differ = ours.iter().zip(theirs).filter(|((_, one), (_, other))| one != other);
    let differ = differ.filter(|((aspect, one), (_, other))| {
        *aspect == WHOLE || ![one, other].into_iter().any(|of_it| of_it == UNKNOWN)
    });
    let (whole, shown): (Vec<_>, Vec<_>) = differ.partition(|((aspect, _), _)| *aspect == WHOLE);
    let known = |text: &String| !text.is_empty();
    let words: Vec<String> = match shown.is_empty() {
        false => {
            let shown = shown.into_iter().map(|((aspect, mine), (_, its))| {
                let (mine, its) = only(mine, its);
                format!("{what} {name}: not the same {aspect}: {one} has {mine}; {other} has {its}")
            });
            shown.collect()
        }
        true => {
            let whole = whole.into_iter().filter(|((_, mine), (_, its))| known(mine) && known(its));
            let words = |_| {
                format!(
                    "{what} {name}: not the same settings: what the documents of {one} and {other} have under {what}s.{name} differs"
                )
            };
            whole.map(words).collect()
        }
    };
    words.into_iter().map(|words| Finding::about([name, one, other], words)).collect()
}

/// What only one of two lists has; both whole where the order alone differs.
fn only(one: &str, other: &str) -> (String, String) {
    let list = |text: &'_ str| -> Vec<String> { text.split(", ").map(str::to_owned).collect() };
    let (ours, theirs) = (list(one), list(other));
    let without = |of: &[String], others: &[String]| -> Vec<String> {
        of.iter().filter(|item| !others.contains(item)).cloned().collect()
    };
    let (only_ours, only_theirs) = (without(&ours, &theirs), without(&theirs, &ours));
    if only_ours.is_empty() && only_theirs.is_empty() {
        return (one.to_owned(), other.to_owned());
    }
    let told = |only: Vec<String>, others: &[String]| match only.is_empty() {
        true => format!("no {}", others.join(", ")),
        false => only.join(", "),
    };
    (told(only_ours.clone(), &only_theirs), told(only_theirs, &only_ours))
}
