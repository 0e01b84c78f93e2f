//! Daemons that do not answer, are not ready, or have an alarm.

use std::collections::BTreeMap;

use super::Finding;
use crate::api::alarms::{is_of_silent_peer, no_usable_backend};
use crate::api::status::Status;
use crate::verbs::replies::DaemonReply;

/// First who is not there, then each alarm, with all that have it.
pub(super) fn findings(replies: &[&DaemonReply]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = replies.iter().filter_map(|reply| unready(reply)).collect();
    let silent: Vec<String> = replies.iter().filter(|reply| reply.answer.is_err()).map(|reply| reply.name()).collect();
    let mut alarms: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for status in replies.iter().filter_map(|reply| reply.status()) {
        for alarm in status.daemon().alarms.iter().filter(|alarm| !is_said_already(alarm, status, &silent)) {
            alarms.entry(alarm).or_default().push(&status.daemon().name);
        }
    }
    findings.extend(alarms.into_iter().map(|(alarm, daemons)| {
        let words = format!("{}: {alarm}", daemons.join(", "));
        Finding::alarm(daemons, words)
    }));
    findings
}

/// Whether another finding has the same cause: the service that nobody gets, or the daemon that does not answer us either.
fn is_said_already(alarm: &str, status: &Status, silent: &[String]) -> bool {
    let services = status.proxy().into_iter().flat_map(|proxy| &proxy.services);
    services.filter(|service| !service.usable).any(|service| alarm == no_usable_backend(&service.name))
        || silent.iter().any(|peer| is_of_silent_peer(alarm, peer))
}

fn unready(reply: &DaemonReply) -> Option<Finding> {
    let name = reply.name();
    let daemon = match &reply.answer {
        Ok(status) => status.daemon(),
        Err(why) => return Some(Finding::about([&*name], format!("{name} does not answer: {why}"))),
    };
    let words = match (daemon.draining, daemon.ready) {
        (true, _) => format!("{name} is stopping"),
        (false, false) => format!("{name} is not ready"),
        (false, true) => return None,
    };
    Some(Finding::about([name], words))
}
