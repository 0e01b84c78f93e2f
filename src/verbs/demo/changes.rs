//! The differences between two answers of a daemon, in words (pure).

use crate::api;
use crate::api::status::Status;

/// Every change worth a line.
pub(super) fn between(before: Option<&Status>, after: Option<&Status>) -> Vec<String> {
    match (before, after) {
        (None, Some(_)) => vec!["answers".to_owned()],
        (Some(_), None) => vec!["does not answer".to_owned()],
        (Some(Status::Proxy(before)), Some(Status::Proxy(after))) => proxy_changes(before, after),
        (Some(Status::Nameserver(before)), Some(Status::Nameserver(after))) => nameserver_changes(before, after),
        _ => Vec::new(),
    }
}

fn proxy_changes(before: &api::proxy::Status, after: &api::proxy::Status) -> Vec<String> {
    let mut changes = Vec::new();
    if before.daemon.pid != after.daemon.pid {
        changes.push(format!("is process {} now, it was {}", after.daemon.pid, before.daemon.pid));
    }
    if before.daemon.ready != after.daemon.ready {
        changes.push(if after.daemon.ready { "is ready" } else { "is not ready" }.to_owned());
    }
    for service in &after.services {
        let Some(old) = before.services.iter().find(|old| old.name == service.name) else { continue };
        for backend in &service.backends {
            let Some(was) = old.backends.iter().find(|was| was.name == backend.name) else { continue };
            if was.check != backend.check {
                let reason = &backend.check_reason;
                changes.push(format!("sees {}/{} {}: {reason}", service.name, backend.name, backend.check));
            }
            if was.operator != backend.operator {
                changes.push(format!("{}/{} is {} by the operator", service.name, backend.name, backend.operator));
            }
        }
        if let (Some(was), Some(is)) = (&old.latch, &service.latch)
            && was.epoch != is.epoch
        {
            let active = is.active.as_deref().unwrap_or("nobody");
            changes.push(format!(
                "serves {} from {active} (epoch {}, by {}): {}",
                service.name, is.epoch, is.by, is.reason
            ));
        }
    }
    changes
}

fn nameserver_changes(before: &api::dns::Status, after: &api::dns::Status) -> Vec<String> {
    let mut changes = Vec::new();
    if before.daemon.pid != after.daemon.pid {
        changes.push(format!("is process {} now, it was {}", after.daemon.pid, before.daemon.pid));
    }
    for pool in &after.pools {
        let Some(old) = before.pools.iter().find(|old| old.name == pool.name) else { continue };
        let (mut was, mut is) = (old.answers.clone(), pool.answers.clone());
        was.sort();
        is.sort();
        if was != is {
            changes.push(format!("answers {} with {}", pool.name, is.join(", ")));
        }
        if old.all_down != pool.all_down
            && let Some(policy) = &pool.all_down
        {
            changes.push(format!("sees all of {} down: {policy}", pool.name));
        }
        if let (None, Some(words)) = (&old.isolated, &pool.isolated) {
            changes.push(format!("is isolated from {words} ({})", pool.name));
        }
    }
    changes
}

#[cfg(test)]
mod tests;
