//! Daemons that do not answer, are not ready, or have an alarm.

use std::collections::BTreeMap;

use super::finding::Finding;
use crate::api::alarms::{is_of_outage, is_of_silent_peer};
use crate::api::daemon::Daemon;
use crate::api::status::Status;
use crate::health::Verdict;
use crate::verbs::replies::DaemonReply;

/// How many services are named that keep a proxy from being ready.
const NAMED: usize = 3;

/// First who is not there, then each alarm, with all that have it.
pub(super) fn findings(replies: &[&DaemonReply]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = replies.iter().filter_map(|reply| unanswered(reply)).collect();
    findings.extend(unready(replies));
    let mut alarms: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for status in replies.iter().filter_map(|reply| reply.status()) {
        for alarm in status.daemon().alarms.iter().filter(|alarm| !is_said_already(alarm, status, replies)) {
            alarms.entry(alarm).or_default().push(&status.daemon().name);
        }
    }
    findings.extend(alarms.into_iter().map(|(alarm, daemons)| {
        let words = format!("{}: {alarm}", daemons.join(", "));
        Finding::alarm(daemons, words)
    }));
    findings
}

/// Those of a role that do not answer us. Daemons of both roles may have the name of one machine; one whose role is not known may be of either.
pub(super) fn silent(replies: &[&DaemonReply], role: Daemon) -> Vec<String> {
    let is_meant = |reply: &&&DaemonReply| reply.answer.is_err() && reply.role().is_none_or(|known| known == role);
    replies.iter().filter(is_meant).map(|reply| reply.name()).collect()
}

/// That no proxy of several answers, and no nameserver finds one up either.
pub(super) fn no_proxy(replies: &[&DaemonReply]) -> Option<Finding> {
    let proxies: Vec<_> = replies.iter().filter(|reply| reply.role() == Some(Daemon::Proxy)).collect();
    let none_answers = proxies.len() > 1 && proxies.iter().all(|reply| reply.answer.is_err());
    let pools = replies.iter().filter_map(|reply| reply.nameserver()).flat_map(|status| &status.pools);
    let mut addresses = pools.flat_map(|pool| &pool.members).flat_map(|member| &member.addresses);
    let any_is_up = addresses.any(|address| address.check == Verdict::Up);
    let words = || "no proxy that was asked answers: as far as is known, no service has visitors".to_owned();
    (none_answers && !any_is_up).then(|| Finding::about(proxies.iter().map(|reply| reply.name()), words()))
}

/// Whether another finding has the same cause: the service that nobody gets, or the daemon that does not answer us either.
fn is_said_already(alarm: &str, status: &Status, replies: &[&DaemonReply]) -> bool {
    let services = status.proxy().into_iter().flat_map(|proxy| &proxy.services);
    services.filter(|service| !service.usable).any(|service| is_of_outage(alarm, &service.name))
        || silent(replies, status.daemon().role).iter().any(|peer| is_of_silent_peer(alarm, peer))
}

fn unanswered(reply: &DaemonReply) -> Option<Finding> {
    let (name, why) = (reply.name(), reply.answer.as_ref().err()?);
    Some(Finding::about([&*name], format!("{name} does not answer: {why}")))
}

/// Those that answer and do not serve, each reason once.
fn unready(replies: &[&DaemonReply]) -> Vec<Finding> {
    let mut reasons: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for status in replies.iter().filter_map(|reply| reply.status()) {
        let daemon = status.daemon();
        let words = match (daemon.draining, daemon.ready) {
            (true, _) => "stopping".to_owned(),
            (false, false) => format!("not ready{}", why_unready(status).unwrap_or_default()),
            (false, true) => continue,
        };
        reasons.entry(words).or_default().push(&daemon.name);
    }
    let finding = |(words, daemons): (String, Vec<&str>)| {
        let are = if daemons.len() == 1 { "is" } else { "are" };
        let said = format!("{} {are} {words}", daemons.join(", "));
        Finding::about(daemons, said)
    };
    reasons.into_iter().map(finding).collect()
}

/// What of its status keeps a daemon from being ready, as far as it says so.
fn why_unready(status: &Status) -> Option<String> {
    let services = || status.proxy().into_iter().flat_map(|proxy| &proxy.services);
    let backends = services().flat_map(|service| &service.backends).map(|backend| backend.check);
    let pools = status.nameserver().into_iter().flat_map(|nameserver| &nameserver.pools);
    let addresses = pools.flat_map(|pool| &pool.members).flat_map(|member| &member.addresses);
    let verdicts = backends.chain(addresses.map(|address| address.check));
    let unchecked = verdicts.filter(|verdict| *verdict == Verdict::Unchecked).count();
    if unchecked > 0 {
        return Some(format!(
            ": it is starting, and {} not ended yet",
            match unchecked {
                1 => "one first check has".to_owned(),
                several => format!("{several} first checks have"),
            }
        ));
    }
    let unusable: Vec<&str> = services().filter(|service| !service.usable).map(|service| &*service.name).collect();
    let named = match unusable[..] {
        [] => return None,
        [one] => one.to_owned(),
        _ if unusable.len() <= NAMED => unusable.join(", "),
        _ => format!("{} and {} more", unusable[..NAMED].join(", "), unusable.len() - NAMED),
    };
    Some(format!(": no backend may serve {named}"))
}
