//! Daemons that do not answer, are not ready, or have an alarm.

use std::collections::BTreeMap;

use crate::verbs::replies::DaemonReply;

/// First who is not there, then each alarm, with all that have it.
pub(super) fn findings(replies: &[&DaemonReply]) -> Vec<String> {
    let mut findings: Vec<String> = replies.iter().filter_map(|reply| unready(reply)).collect();
    let mut alarms: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for daemon in replies.iter().filter_map(|reply| reply.status()).map(|status| status.daemon()) {
        for alarm in &daemon.alarms {
            alarms.entry(alarm).or_default().push(&daemon.name);
        }
    }
    findings.extend(alarms.into_iter().map(|(alarm, daemons)| format!("{}: {alarm}", daemons.join(", "))));
    findings
}

fn unready(reply: &DaemonReply) -> Option<String> {
    let name = reply.name();
    let daemon = match &reply.answer {
        Ok(status) => status.daemon(),
        Err(why) => return Some(format!("{name} does not answer: {why}")),
    };
    match (daemon.draining, daemon.ready) {
        (true, _) => Some(format!("{name} is stopping")),
        (false, false) => Some(format!("{name} is not ready")),
        (false, true) => None,
    }
}
