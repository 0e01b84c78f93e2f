//! How the members of etcd stand, as this proxy sees them.

use super::families::{
    AGREEMENT_MEMBER_ALARM, AGREEMENT_MEMBER_BEHIND, AGREEMENT_MEMBER_DATABASE, AGREEMENT_MEMBER_LEADS,
    AGREEMENT_MEMBER_QUOTA, AGREEMENT_MEMBER_UP, AGREEMENT_VOTERS, AGREEMENT_VOTERS_ANSWERING,
};
use crate::api::agreement::{Cluster, Member, Report};
use crate::daemon::metrics::exposition::Page;

/// Those of a proxy whose document names members.
pub(super) fn write(page: &mut Page, cluster: &Cluster) {
    page.metric(AGREEMENT_VOTERS).sample(&[], cluster.votes() as u64);
    page.metric(AGREEMENT_VOTERS_ANSWERING).sample(&[], cluster.answering() as u64);
    let mut metric = page.metric(AGREEMENT_MEMBER_UP);
    for member in cluster.members.iter().filter(|member| member.report.is_some() || member.silent_since.is_some()) {
        metric.flag(&[("member", member.label())], member.report.is_some());
    }
    let reports = || cluster.members.iter().filter_map(|member| Some((member, member.report.as_ref()?)));
    let mut metric = page.metric(AGREEMENT_MEMBER_LEADS);
    for (member, report) in reports() {
        metric.flag(&[("member", member.label())], report.leads);
    }
    let mut metric = page.metric(AGREEMENT_MEMBER_BEHIND);
    for (member, behind) in reports().filter_map(|(member, report)| Some((member, report.behind?))) {
        metric.sample(&[("member", member.label())], behind);
    }
    let mut metric = page.metric(AGREEMENT_MEMBER_DATABASE);
    for (member, Report { database, .. }) in reports() {
        metric.sample(&[("member", member.label())], *database);
    }
    let mut metric = page.metric(AGREEMENT_MEMBER_QUOTA);
    for (member, quota) in reports().filter_map(|(member, report)| Some((member, report.quota?))) {
        metric.sample(&[("member", member.label())], quota);
    }
    let mut metric = page.metric(AGREEMENT_MEMBER_ALARM);
    for (member, alarm) in cluster.members.iter().flat_map(alarms) {
        metric.flag(&[("member", member.label()), ("alarm", alarm)], true);
    }
}

fn alarms(member: &Member) -> impl Iterator<Item = (&Member, &String)> {
    member.alarms.iter().map(move |alarm| (member, alarm))
}
