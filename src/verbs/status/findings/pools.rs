//! Pools that do not answer with all of their members.

use super::operator;
use crate::api::dns::{PoolStatus, Status};
use crate::health::Verdict;

pub(super) fn findings(nameservers: &[&Status]) -> Vec<String> {
    let pools = || nameservers.iter().flat_map(|status| status.pools.iter().map(|pool| (&*status.daemon.name, pool)));
    let mut findings: Vec<String> = pools().filter_map(|(nameserver, pool)| all_down(nameserver, pool)).collect();
    findings.extend(pools().flat_map(|(_, pool)| addresses_down(pool)));
    findings.extend(pools().flat_map(|(_, pool)| {
        let finding = |member: &crate::api::dns::MemberStatus| {
            operator::finding(&format!("{}/{}", pool.name, member.name), member.operator, member.note.as_ref())
        };
        pool.members.iter().filter_map(finding).collect::<Vec<_>>()
    }));
    findings
}

fn all_down(nameserver: &str, pool: &PoolStatus) -> Option<String> {
    let policy = pool.all_down.as_ref()?;
    Some(format!("{nameserver}: pool {}: no member is up and ready; answered by when_all_down: {policy}", pool.name))
}

fn addresses_down(pool: &PoolStatus) -> Vec<String> {
    let addresses =
        pool.members.iter().flat_map(|member| member.addresses.iter().map(move |address| (member, address)));
    let down = addresses.filter(|(_, address)| address.check == Verdict::Down);
    down.map(|(member, address)| {
        format!("{}/{} ({}) is down: {}", pool.name, member.name, address.address, address.check_reason)
    })
    .collect()
}
