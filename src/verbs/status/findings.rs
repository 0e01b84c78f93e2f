//! What is not as the documents want it, in words, one line a cause (pure). Nothing found: all is well.

mod agreement;
mod daemons;
mod differences;
mod finding;
mod operator;
mod pools;
mod services;

use std::collections::BTreeSet;

use super::agreement::Views;
use crate::api::daemon::Daemon;
use crate::verbs::replies::DaemonReply;
pub use finding::Finding;

/// Those about the members of etcd.
pub(super) fn of_members(views: &Views<'_>) -> Vec<Finding> {
    agreement::findings(views)
}

/// Every finding over all daemons, each once: first what visitors do not get.
pub fn all<'a>(replies: impl IntoIterator<Item = &'a DaemonReply>) -> Vec<Finding> {
    let replies: Vec<&DaemonReply> = replies.into_iter().collect();
    let proxies: Vec<_> = replies.iter().filter_map(|reply| reply.proxy()).collect();
    let nameservers: Vec<_> = replies.iter().filter_map(|reply| reply.nameserver()).collect();
    let services = services::all(replies.iter().copied());
    let mut findings = services::unusable(&services);
    findings.extend(daemons::no_proxy(&replies));
    findings.extend(daemons::findings(&replies));
    findings.extend(super::agreement::all(replies.iter().copied()).iter().flat_map(agreement::findings));
    findings.extend(services::impaired(&services));
    findings.extend(differences::of_proxies(&proxies));
    findings.extend(pools::findings(&nameservers, &daemons::silent(&replies, Daemon::Proxy)));
    findings.extend(differences::of_nameservers(&nameservers));
    let mut seen = BTreeSet::new();
    findings.retain(|finding| seen.insert(finding.clone()));
    findings
}

#[cfg(test)]
mod tests;
