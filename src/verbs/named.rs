//! What is said of a name that is not known here: what it is instead, the nearest that is known, or all there are (pure).

use super::replies::DaemonReply;
use crate::config::near_miss::did_you_mean;
use crate::counted::listed;

/// How many names are listed before the rest is only counted.
const LISTED: usize = 12;

/// `there are a, b and c`; of many, the first and how many more.
pub fn there_are(known: &[&str]) -> String {
    match known {
        [] => "there is none".to_owned(),
        [one] => format!("there is {one}"),
        _ if known.len() <= LISTED => format!("there are {}", listed(known)),
        _ => format!("there are {} and {} more", known[..LISTED].join(", "), known.len() - LISTED),
    }
}

/// `no daemon is named "px1"; did you mean px-1?`, or all there are where none is near.
pub fn not_known(problem: &str, named: &str, known: &[&str]) -> String {
    match did_you_mean(named, known.iter().copied()) {
        near if near.is_empty() => format!("{problem} {named:?}; {}", there_are(known)),
        near => format!("{problem} {named:?}{near}"),
    }
}

/// Why a name stands for no backend and no pool member, and what does.
pub fn no_subject(named: &str, known: &[&str], replies: &[DaemonReply]) -> String {
    if named.trim().is_empty() {
        return format!("expected the name of a backend or pool member, found {named:?}; {}", there_are(known));
    }
    let within = |group: &str| -> Vec<&str> {
        known.iter().copied().filter(|subject| subject.rsplit_once('/').is_some_and(|(of, _)| of == group)).collect()
    };
    let members = within(named);
    if !members.is_empty() {
        let is_pool = replies.iter().filter_map(DaemonReply::nameserver).flat_map(|status| &status.pools);
        let kind = if is_pool.into_iter().any(|pool| pool.name == named) { "a pool" } else { "a service" };
        return format!("{named} is {kind}, not one of its backends or members: name one; {}", there_are(&members));
    }
    if replies.iter().any(|one| one.name() == named && one.nameserver().is_some()) {
        return format!(
            "{named} is a nameserver, and no pool's member: there is nothing to take out or to put back; resolvers ask another \
             nameserver by themselves when it is stopped"
        );
    }
    // The name of a backend or member first: it is meant wherever that is used.
    let names = known.iter().filter_map(|subject| subject.rsplit_once('/')).map(|(_, name)| name);
    let problem = "no daemon has a backend or pool member";
    match did_you_mean(named, names.chain(known.iter().copied())) {
        near if near.is_empty() => not_known(problem, named, known),
        near => format!("{problem} {named:?}{near}"),
    }
}

/// Why a name stands for no stateful service, and what does.
pub fn no_stateful_service(named: &str, replies: &[DaemonReply]) -> String {
    let services = || replies.iter().filter_map(DaemonReply::proxy).flat_map(|status| &status.services);
    if services().any(|service| service.name == named && service.backends.is_empty()) {
        return format!("{named} has no backends: the proxies answer it by themselves, and nothing can move");
    }
    if services().any(|service| service.name == named) {
        return format!(
            "{named} has no latch: it has no backup to move to, and checks alone choose among its backends; `polder drain \
             {named}/BACKEND` takes one out"
        );
    }
    let mut latched: Vec<&str> =
        services().filter(|service| service.latch.is_some()).map(|service| &*service.name).collect();
    latched.sort_unstable();
    latched.dedup();
    let backend = named.rsplit_once('/').map_or(named, |(_, backend)| backend);
    let of =
        services().find(|service| service.latch.is_some() && service.backends.iter().any(|one| one.name == backend));
    if let Some(service) = of {
        return format!("{named} is a backend; name its service, {}", service.name);
    }
    not_known("no proxy has a stateful service", named, &latched)
}

#[cfg(test)]
mod tests;
