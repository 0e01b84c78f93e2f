//! The members of etcd by which the proxies agree, as this proxy sees them.

use maud::{Markup, html};

use crate::api::agreement::{Cluster, Member, Report};
use crate::counted::counted;
use crate::daemon::page::pieces::{moment, text};

/// The section of the page.
pub(super) fn section(cluster: &Cluster) -> Markup {
    html! {
        section {
            h2 { "Agreement (etcd) " (state(cluster)) }
            ul.rows { @for member in &cluster.members { (of_member(member)) } }
        }
    }
}

/// What is not as it should be, in a few words.
pub(super) fn unwell(cluster: &Cluster) -> Option<String> {
    let unwell = cluster.members.iter().filter(|member| is_known(member) && !member.is_well()).count();
    (unwell > 0).then(|| format!("{} of etcd not well", counted(unwell, "member")))
}

fn state(cluster: &Cluster) -> Markup {
    let (answering, votes) = (cluster.answering(), cluster.votes());
    html! {
        @if !cluster.members.iter().any(is_known) {
            span.off { "◌ not asked yet" }
        } @else if cluster.leader().is_none() && answering < cluster.majority() {
            span.bad { "✖ " (answering) " of " (votes) " answer: no majority is known here" }
        } @else if cluster.leader().is_none() {
            span.off { "▲ no leader is known here" }
        } @else if answering < votes {
            span.off { "▲ " (answering) " of " (votes) " answer" }
        } @else {
            span.good { "● " (answering) " of " (votes) " answer" }
        }
    }
}

/// Whether anything is known of it yet, or could be.
fn is_known(member: &Member) -> bool {
    member.report.is_some() || member.silent_since.is_some() || member.is_listed.is_some()
}

fn of_member(member: &Member) -> Markup {
    html! {
        li {
            b { (text(member.label())) }
            @match (&member.report, member.silent_since) {
                (Some(report), _) => (of_report(report)),
                (None, Some(since)) => span.bad {
                    "✖ no answer since " (moment(since))
                    @if let Some(error) = &member.error { ": " (text(error)) }
                },
                (None, None) if member.is_asked => span.off { "◌ not asked yet" },
                (None, None) => {},
            }
            @if member.is_learner { span.off { "▲ a learner: it has no vote" } }
            @if member.is_listed == Some(false) { span.bad { "✖ no member of the cluster" } }
            @if !member.is_asked { span.off { "▲ not in the document" } }
            @for alarm in &member.alarms { span.bad { "✖ alarm " (text(alarm)) } }
            @if let Some(endpoint) = &member.endpoint { span.dim { (text(endpoint)) } }
        }
    }
}

fn of_report(report: &Report) -> Markup {
    html! {
        @match (report.leads, report.has_leader) {
            (true, _) => span.good { "● leads" },
            (false, true) => span.good { "● follows" },
            (false, false) => span.bad { "✖ hears no leader" },
        }
        @match report.behind {
            Some(0) | None => {},
            Some(behind) => span { (counted(behind, "entry")) " behind" },
        }
        span.dim { (report.in_database()) }
        span.dim { "etcd " (text(&report.version)) }
    }
}
