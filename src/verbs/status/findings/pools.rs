//! Pools that do not answer with all of their members.

use super::finding::Finding;
use super::operator;
use crate::api::dns::{PoolStatus, Status};
use crate::health::Verdict;

/// `silent` are the proxies that do not answer us either: that they are down is said.
pub(super) fn findings(nameservers: &[&Status], silent: &[String]) -> Vec<Finding> {
    // That no member is left is an alarm of the nameserver itself.
    let pools = || nameservers.iter().flat_map(|status| &status.pools);
    let mut findings: Vec<Finding> = pools().flat_map(|pool| addresses_down(pool, silent)).collect();
    findings.extend(pools().flat_map(|pool| {
        let finding = |member: &crate::api::dns::MemberStatus| {
            operator::finding(&format!("{}/{}", pool.name, member.name), member.operator, member.note.as_ref())
        };
        pool.members.iter().filter_map(finding).collect::<Vec<_>>()
    }));
    findings
}

fn addresses_down(pool: &PoolStatus, silent: &[String]) -> Vec<Finding> {
    let members = pool.members.iter().filter(|member| !silent.contains(&member.name));
    let addresses = members.flat_map(|member| member.addresses.iter().map(move |address| (member, address)));
    let down = addresses.filter(|(_, address)| address.check == Verdict::Down && !address.unjudged);
    down.map(|(member, address)| {
        let subject = format!("{}/{}", pool.name, member.name);
        let words = format!("{subject} ({}) is down: {}", address.address, address.check_reason);
        Finding::about([subject], words)
    })
    .collect()
}
