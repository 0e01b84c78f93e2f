//! The risks of a push (pure): sessions whose backend goes, zones that are signed or no longer, and the least redundancy on the way.

mod dnssec;

use std::collections::{BTreeMap, BTreeSet};

use super::redundancy;
use crate::config::proxy::{BackendConfig, BackendsConfig, CookieConfig, CookieValue, Mode, Target};
use crate::fleet::Fleet;
use crate::fleet::running::Running;

/// The risk lines: `old` is what runs on each host, `batches` the order of the push, `skipped` the hosts that may be dead.
pub fn risks(
    fleet: &Fleet,
    old: &BTreeMap<String, Running>,
    batches: &[Vec<String>],
    skipped: &[String],
) -> Vec<String> {
    let mut risks = orphaned(fleet, old, batches);
    risks.extend(dnssec::changed(fleet, old, batches));
    risks.extend(redundancy::least(fleet, batches, skipped));
    risks
}

/// The sessions that end, as the changed documents of the proxies have it.
fn orphaned(fleet: &Fleet, old: &BTreeMap<String, Running>, batches: &[Vec<String>]) -> Vec<String> {
    let mut risks = BTreeSet::new();
    for host in batches.iter().flatten() {
        let (Some(running), Some(system)) = (old.get(host), fleet.systems.get(host)) else { continue };
        if let (Some(before), Some(after)) = (running.proxy_config(), system.proxy_config()) {
            for (name, service) in &before.services {
                let Some(old) = service.target.backends() else { continue };
                let after = after.services.get(name).map(|service| &service.target);
                risks.extend(sessions(name, old, after));
            }
        }
    }
    risks.into_iter().collect()
}

/// What becomes of the sessions of one service.
fn sessions(name: &str, old: &BackendsConfig, new: Option<&Target>) -> Vec<String> {
    let Some(before) = cookie(old) else { return Vec::new() };
    let Some(Target::Backends(new)) = new else {
        return vec![format!("service {name}: all of its sessions end with it")];
    };
    let Some(after) = cookie(new) else {
        return vec![format!("service {name}: it becomes stateless: its visitors' cookies count for nothing")];
    };
    if before.name != after.name {
        return vec![format!(
            "service {name}: all sessions are orphaned: its cookie is called {} and no longer {}",
            after.name, before.name
        )];
    }
    match (&before.value, &after.value) {
        (before, after) if before == after => {}
        (CookieValue::Sealed { key_file: before }, CookieValue::Sealed { key_file: after }) => {
            return vec![format!(
                "service {name}: all sessions are orphaned, unless {} has the keys of {} too",
                after.display(),
                before.display()
            )];
        }
        _ => {
            return vec![format!("service {name}: all sessions are orphaned: its cookies are written in another way")];
        }
    }
    old.backends.iter().filter_map(|backend| backend_sessions(name, backend, old, new)).collect()
}

/// What becomes of the sessions on one backend. Cookies know it by its address, latches by that and, where the address is no longer there, by
/// its name; a latch whose active backend is gone moves.
fn backend_sessions(
    service: &str,
    backend: &BackendConfig,
    old: &BackendsConfig,
    new: &BackendsConfig,
) -> Option<String> {
    let is_latched = |target: &BackendsConfig| matches!(target.mode, Mode::Latched { .. });
    let has_latch = is_latched(old) && is_latched(new);
    let BackendConfig { name, address, .. } = backend;
    let by_name = new.backends.iter().find(|other| other.name == *name);
    match (new.backends.iter().find(|other| other.address == *address), by_name) {
        (Some(other), _) if has_latch && other.name != *name => Some(format!(
            "service {service}: {name} is called {} now; at the same address it stays active or failed as it is",
            other.name
        )),
        (Some(_), _) => None,
        (None, None) if has_latch => Some(format!(
            "service {service}: sessions on {name} ({address}) are orphaned; if it is the active one, the service fails over for good"
        )),
        (None, _) => Some(format!("service {service}: sessions on {name} ({address}) are orphaned")),
    }
}

fn cookie(target: &BackendsConfig) -> Option<&CookieConfig> {
    match &target.mode {
        Mode::Stateless => None,
        Mode::Sticky { cookie } | Mode::Latched { cookie, .. } => Some(cookie),
    }
}

#[cfg(test)]
mod tests;
