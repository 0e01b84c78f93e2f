//! What an operator should look at, in words (pure). Nothing found: all is well.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::proxy::ServiceStatus;
use crate::api::status::Status;
use crate::health::Verdict;
use crate::verbs::replies::DaemonReply;

/// Every finding over all daemons, each once.
pub fn all<'a>(replies: impl IntoIterator<Item = &'a DaemonReply>) -> Vec<String> {
    let replies: Vec<&DaemonReply> = replies.into_iter().collect();
    let mut findings: Vec<String> = replies.iter().copied().flat_map(of_daemon).collect();
    findings.extend(latches_that_differ(&replies));
    let mut seen = BTreeSet::new();
    findings.retain(|finding| seen.insert(finding.clone()));
    findings
}

fn of_daemon(reply: &DaemonReply) -> Vec<String> {
    let name = reply.name();
    let status = match &reply.answer {
        Ok(status) => status,
        Err(why) => return vec![format!("{name} does not answer: {why}")],
    };
    let daemon = status.daemon();
    let mut findings = readiness(&name, daemon.ready, daemon.draining);
    findings.extend(daemon.alarms.iter().map(|alarm| format!("{name}: {alarm}")));
    match status {
        Status::Proxy(status) => {
            let unusable = status.services.iter().filter(|service| !service.usable);
            findings
                .extend(unusable.map(|service| {
                    format!("{name}: service {} has no usable backend: visitors get 503", service.name)
                }));
            findings.extend(status.services.iter().flat_map(|service| {
                let down = service.backends.iter().filter(|backend| backend.check == Verdict::Down);
                down.map(|backend| format!("{}/{} is down: {}", service.name, backend.name, backend.check_reason))
            }));
            findings.extend(status.services.iter().filter_map(on_a_backup));
        }
        Status::Nameserver(status) => {
            findings.extend(status.pools.iter().filter_map(|pool| {
                let policy = pool.all_down.as_ref()?;
                Some(format!(
                    "{name}: pool {}: no member is up and ready; answered by when_all_down: {policy}",
                    pool.name
                ))
            }));
            for pool in &status.pools {
                for member in &pool.members {
                    let down = member.addresses.iter().filter(|address| address.check == Verdict::Down);
                    findings.extend(down.map(|down| {
                        format!("{}/{} ({}) is down: {}", pool.name, member.name, down.address, down.check_reason)
                    }));
                }
            }
        }
    }
    findings
}

fn readiness(name: &str, ready: bool, draining: bool) -> Vec<String> {
    match (draining, ready) {
        (true, _) => vec![format!("{name} is stopping")],
        (false, false) => vec![format!("{name} is not ready")],
        (false, true) => Vec::new(),
    }
}

/// A latched service on a backup works, but with one backend less, and only an operator takes it back.
fn on_a_backup(service: &ServiceStatus) -> Option<String> {
    let latch = service.latch.as_ref()?;
    let active = service.backends.iter().find(|backend| latch.active.as_ref() == Some(&backend.name))?;
    let primary = service.backends.iter().find(|backend| !backend.backup)?;
    active.backup.then(|| {
        format!(
            "service {} is on its backup {} ({}); `polder failback {}` goes back to {} when that is well",
            service.name, active.name, latch.reason, service.name, primary.name
        )
    })
}

/// Proxies that answered and name different active backends for one service.
fn latches_that_differ(replies: &[&DaemonReply]) -> Vec<String> {
    let mut active: BTreeMap<&str, BTreeMap<String, Vec<&str>>> = BTreeMap::new();
    for status in replies.iter().filter_map(|one| one.proxy()) {
        for service in &status.services {
            if let Some(latch) = &service.latch {
                let backend = latch.active.clone().unwrap_or_else(|| "nothing".to_owned());
                active.entry(&service.name).or_default().entry(backend).or_default().push(&status.daemon.name);
            }
        }
    }
    let differing = active.into_iter().filter(|(_, says)| says.len() > 1);
    differing
        .map(|(service, says)| {
            let says: Vec<String> =
                says.iter().map(|(backend, by)| format!("{} on {backend}", by.join(", "))).collect();
            format!("latches differ: service {service}: {}", says.join("; "))
        })
        .collect()
}

#[cfg(test)]
mod tests;
