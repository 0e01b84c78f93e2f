//! Hosts, the working copy and what is still to be committed, in sentences (pure).

use std::collections::BTreeMap;

use super::parts::{Host, Pending, WorkingCopy};
use crate::counted::counted;
use crate::push::host::lock::Lock;
use crate::verbs::ledger_text::short;
use crate::verbs::times::since;

/// All hosts: how what runs stands to what was pushed, who has locked them, the last push.
pub(super) fn hosts(hosts: &[Host]) -> Vec<String> {
    let mut by_drift: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut by_lock: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for host in hosts {
        // One that was not reached is among the findings.
        if let Some(drift) = &host.drift {
            by_drift.entry(drift.in_words()).or_default().push(&host.host);
        }
        if let Some(report) = &host.report
            && let Some(lock) = &report.lock
        {
            by_lock.entry(locked(lock, report.clock_ms)).or_default().push(&host.host);
        }
    }
    let stand = by_drift
        .into_iter()
        .map(|(drift, names)| format!("{} {drift}: {}", counted(names.len(), "host"), names.join(", ")));
    let locks = by_lock.into_iter().map(|(lock, names)| format!("{lock}; on {}", names.join(", ")));
    let last = hosts.iter().filter_map(|host| host.last_push.as_ref()).max_by_key(|push| push.at);
    let last =
        last.map(|push| format!("last push {} by {} at {}, {}", push.push, push.who, since(push.at), push.revision));
    stand.chain(locks).chain(last).collect()
}

fn locked(lock: &Lock, clock_ms: u64) -> String {
    format!(
        "locked by {} until {}",
        lock.in_words(),
        since(crate::unix_time::unix_ms() + lock.expires.saturating_sub(clock_ms))
    )
}

/// All of one host.
pub(super) fn of_host(host: &Host) -> Vec<String> {
    let mut lines = vec![format!("{}, in {}", host.roles.join(", "), host.location)];
    if let Some(report) = &host.report {
        lines.push(format!("polder {}, system {}", report.version, short(&report.system)));
        lines.extend(report.lock.as_ref().map(|lock| locked(lock, report.clock_ms)));
        lines.extend(report.failed_units.iter().map(|unit| format!("unit {unit} has failed")));
    }
    lines.extend(host.error.iter().map(|why| format!("not reached: {why}")));
    lines.extend(host.drift.iter().map(|drift| drift.in_words()));
    lines.extend(
        host.last_push.iter().map(|push| {
            format!("last push to it {} by {} at {}, {}", push.push, push.who, since(push.at), push.revision)
        }),
    );
    lines
}

/// The working copy.
pub(super) fn working_copy(copy: &WorkingCopy) -> Option<String> {
    let mut parts = Vec::new();
    parts.extend(copy.revision.clone());
    parts.extend((copy.local_changes > 0).then(|| counted(copy.local_changes, "local change")));
    parts.extend(copy.behind.map(|behind| match behind {
        0 => "nothing newer on the server".to_owned(),
        count => format!("{} behind the server: svn update", counted(count, "revision")),
    }));
    parts.extend(copy.note.clone());
    Some(format!("working copy {}: {}", copy.folder.display(), parts.join(", ")))
}

/// What was pushed and is not committed.
pub(super) fn pending(one: &Pending) -> String {
    format!(
        "deferred: {} of push {} by {} at {} ({}); `polder reconcile` commits them when svn is back",
        counted(one.files, "file"),
        one.push,
        one.who,
        since(one.at),
        one.message
    )
}
