//! Pools that do not answer with all of their members.

use super::{Finding, operator};
use crate::api::dns::{PoolStatus, Status};
use crate::health::Verdict;

pub(super) fn findings(nameservers: &[&Status]) -> Vec<Finding> {
    // That no member is left is an alarm of the nameserver itself.
    let pools = || nameservers.iter().flat_map(|status| &status.pools);
    let mut findings: Vec<Finding> = pools().flat_map(addresses_down).collect();
    findings.extend(pools().flat_map(|pool| {
        let finding = |member: &crate::api::dns::MemberStatus| {
            operator::finding(&format!("{}/{}", pool.name, member.name), member.operator, member.note.as_ref())
        };
        pool.members.iter().filter_map(finding).collect::<Vec<_>>()
    }));
    findings
}

fn addresses_down(pool: &PoolStatus) -> Vec<Finding> {
    let addresses =
        pool.members.iter().flat_map(|member| member.addresses.iter().map(move |address| (member, address)));
    let down = addresses.filter(|(_, address)| address.check == Verdict::Down && !address.unjudged);
    down.map(|(member, address)| {
        let subject = format!("{}/{}", pool.name, member.name);
        let words = format!("{subject} ({}) is down: {}", address.address, address.check_reason);
        Finding::about([subject], words)
    })
    .collect()
}
