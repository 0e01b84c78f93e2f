//! Daemons that do not answer, are not ready, or have an alarm.

use crate::verbs::replies::DaemonReply;

pub(super) fn findings(reply: &DaemonReply) -> Vec<String> {
    let name = reply.name();
    let status = match &reply.answer {
        Ok(status) => status,
        Err(why) => return vec![format!("{name} does not answer: {why}")],
    };
    let daemon = status.daemon();
    let readiness = match (daemon.draining, daemon.ready) {
        (true, _) => Some(format!("{name} is stopping")),
        (false, false) => Some(format!("{name} is not ready")),
        (false, true) => None,
    };
    readiness.into_iter().chain(daemon.alarms.iter().map(|alarm| format!("{name}: {alarm}"))).collect()
}
