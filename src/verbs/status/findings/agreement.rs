//! Members of etcd that do not answer, do not keep up or complain, and what is left of the agreement without them.

use std::collections::BTreeMap;

use super::super::agreement::{NAME, View, Views};
use super::finding::Finding;
use crate::api::agreement::{Member, Report};
use crate::counted::listed;
use crate::verbs::times::since;

/// First what stops the agreement, or is about to.
pub(super) fn findings(views: &Views<'_>) -> Vec<Finding> {
    let mut findings = of_all(views);
    let can_change = views.cluster.leader().is_some();
    findings.extend(views.members.iter().flat_map(|view| of_member(view, can_change)));
    findings
}

fn of_all(views: &Views<'_>) -> Vec<Finding> {
    let cluster = &views.cluster;
    let (votes, answering, majority) = (cluster.votes(), cluster.answering(), cluster.majority());
    let is_asked = cluster.members.iter().any(|member| member.report.is_some() || member.silent_since.is_some());
    let mut findings = Vec::new();
    let mut say = |words: String| findings.push(Finding::about([NAME], words));
    if is_asked && cluster.leader().is_none() {
        let hint =
            "start the members that do not answer; where the data of most of them are lost, `polder agreement restore`";
        match answering {
            0 => say(format!("agreement: no member of etcd answers: nothing can be agreed on; {hint}")),
            _ if answering < majority => say(format!(
                "agreement: etcd has no leader: {answering} of {votes} members answer, and {majority} are needed; {hint}"
            )),
            _ => say(format!(
                "agreement: {answering} of {votes} members of etcd answer, and none of them leads: they do not hear each other, or \
                 elect a leader at this moment; look at the ways between them (port 2380)"
            )),
        }
    } else if is_asked && answering < votes && answering == majority {
        say(format!(
            "agreement: {answering} of {votes} members of etcd answer: with the next one that is lost, nothing can be agreed on"
        ));
    }
    let reports = || cluster.members.iter().filter_map(|member| Some((member, member.report.as_ref()?)));
    let apart = |of: fn(&Report) -> &str| {
        let mut having: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        reports().for_each(|(member, report)| having.entry(of(report)).or_default().push(member.label()));
        let told = having.iter().map(|(what, members)| format!("{what} ({})", listed(members)));
        (having.len() > 1).then(|| listed(told))
    };
    if let Some(versions) = apart(|report| &report.version) {
        say(format!("agreement: members of etcd run different versions, {versions}: bring an upgrade to its end"));
    }
    if let Some(clusters) = apart(|report| &report.cluster) {
        say(format!(
            "agreement: the endpoints lead to different clusters of etcd, {clusters}: proxies may agree on different things; stop those that \
             do not belong to the fleet's, empty their data folders and have them join it"
        ));
    }
    findings
}

/// `can_change`: most of the members hear each other, so that one can be replaced.
fn of_member(view: &View<'_>, can_change: bool) -> Vec<Finding> {
    let View { member, reached_by, unreached_by } = view;
    let name = member.label();
    // The verb takes a name; where none is known nobody has told it yet.
    let replaced = || format!("; if its data are lost, `polder agreement replace {name}` on another member");
    let replaced = if can_change && !member.name.is_empty() { replaced() } else { String::new() };
    let mut findings = Vec::new();
    let mut say = |words: String| findings.push(Finding::about([NAME, name], words));
    if !unreached_by.is_empty() {
        let why = member.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        match reached_by[..] {
            [] => say(format!(
                "member {name} of etcd answers nobody{}{why}; see what `systemctl status etcd` says there{replaced}",
                member.silent_since.map(|at| format!(" since {}", since(at))).unwrap_or_default()
            )),
            _ => say(format!(
                "member {name} of etcd does not answer {}, and answers {}: look at the way between them",
                unreached_by.join(", "),
                reached_by.join(", ")
            )),
        }
    }
    if member.is_listed == Some(false) {
        say(format!(
            "{name} is named in `agreement.endpoints` and is no member of the cluster: `polder agreement join` on a member takes it in, or take it out of the documents"
        ));
    } else if !member.is_asked {
        say(format!(
            "member {name} of etcd is in no `agreement.endpoints`: nobody asks it; name it there, or `polder agreement remove {name}`"
        ));
    }
    if member.is_learner && member.is_listed != Some(false) {
        say(format!(
            "member {name} of etcd is a learner: it has no vote yet; `polder agreement join {name}` on a member gives it one when it has caught up"
        ));
    }
    if member.report.as_ref().is_some_and(|report| !report.has_leader) {
        say(format!(
            "member {name} of etcd answers and hears no leader: look at its way to the other members (port 2380)"
        ));
    }
    if member.lags() {
        let behind = member.report.as_ref().and_then(|report| report.behind).unwrap_or_default();
        say(format!(
            "member {name} of etcd is {behind} entries behind its leader: its disk or its processor is too slow"
        ));
    }
    findings.extend(member.alarms.iter().map(|alarm| Finding::about([NAME, name], of_alarm(member, alarm))));
    findings
}

fn of_alarm(member: &Member, alarm: &str) -> String {
    let name = member.label();
    match alarm {
        "NOSPACE" => format!(
            "member {name} of etcd has reached its quota (NOSPACE): nothing can be agreed on; give room back with `etcdctl defrag --cluster`, \
             then `etcdctl alarm disarm`"
        ),
        "CORRUPT" => format!(
            "member {name} of etcd has other data than the rest (CORRUPT): stop it, then `polder agreement replace {name}` on another member"
        ),
        other => format!("member {name} of etcd has the alarm {other}"),
    }
}
