//! What is not as the documents want it, in words, one line a cause (pure). Nothing found: all is well.

mod daemons;
mod differences;
mod operator;
mod pools;
mod services;

use std::collections::BTreeSet;

use crate::verbs::replies::DaemonReply;

/// Every finding over all daemons, each once.
pub fn all<'a>(replies: impl IntoIterator<Item = &'a DaemonReply>) -> Vec<String> {
    let replies: Vec<&DaemonReply> = replies.into_iter().collect();
    let proxies: Vec<_> = replies.iter().filter_map(|reply| reply.proxy()).collect();
    let nameservers: Vec<_> = replies.iter().filter_map(|reply| reply.nameserver()).collect();
    let mut findings = daemons::findings(&replies);
    findings.extend(services::findings(replies.iter().copied()));
    findings.extend(differences::of_proxies(&proxies));
    findings.extend(pools::findings(&nameservers));
    findings.extend(differences::of_nameservers(&nameservers));
    let mut seen = BTreeSet::new();
    findings.retain(|finding| seen.insert(finding.clone()));
    findings
}

#[cfg(test)]
mod tests;
