//! The members of etcd as all proxies together see them (pure): one line a member, and who of the proxies does not reach it.

use serde_json::{Value, json};

use crate::api::agreement::{Cluster, Member};
use crate::counted::{counted, listed};
use crate::verbs::output::{Cell, Table, Tone, cell, toned};
use crate::verbs::replies::DaemonReply;

/// What `polder status` calls all of it.
pub(super) const NAME: &str = "agreement";

/// A member, as it is seen by the one who sees it best.
pub(super) struct View<'a> {
    pub(super) member: &'a Member,
    /// The proxies that it answers.
    pub(super) reached_by: Vec<&'a str>,
    /// Those that it does not.
    pub(super) unreached_by: Vec<&'a str>,
}

impl View<'_> {
    /// For machines.
    pub(super) fn json(&self) -> Value {
        let (reached_by, unreached_by) = (&self.reached_by, &self.unreached_by);
        json!({
            "kind": "member of etcd", "name": self.member.label(), "status": self.member, "reached_by": reached_by,
            "unreached_by": unreached_by,
        })
    }

    /// Answers somebody.
    pub(super) fn answers(&self) -> bool {
        !self.reached_by.is_empty()
    }
}

/// The cluster, put together from what each proxy knows.
pub(super) struct Views<'a> {
    pub(super) members: Vec<View<'a>>,
    /// As if one machine had seen it all.
    pub(super) cluster: Cluster,
}

/// What all proxies together know; none where no proxy that answers knows of a cluster.
pub(super) fn all<'a>(replies: impl IntoIterator<Item = &'a DaemonReply>) -> Option<Views<'a>> {
    let proxies = replies.into_iter().filter_map(DaemonReply::proxy);
    let clusters: Vec<(&str, &Cluster)> =
        proxies.filter_map(|proxy| Some((&*proxy.daemon.name, proxy.agreement.as_ref()?))).collect();
    (!clusters.is_empty()).then(|| Views::of(clusters))
}

impl<'a> Views<'a> {
    /// Of what each of these knows.
    pub(super) fn of(clusters: impl IntoIterator<Item = (&'a str, &'a Cluster)>) -> Views<'a> {
        let mut members: Vec<View<'_>> = Vec::new();
        let each = clusters.into_iter().flat_map(|(by, cluster)| cluster.members.iter().map(move |one| (by, one)));
        for (by, member) in each {
            let view = match members.iter_mut().find(|view| is_same(view.member, member)) {
                Some(view) => view,
                None => {
                    let place = members.len();
                    members.push(View { member, reached_by: Vec::new(), unreached_by: Vec::new() });
                    &mut members[place]
                }
            };
            if rank(member) > rank(view.member) {
                view.member = member;
            }
            match (&member.report, member.silent_since) {
                (Some(_), _) => view.reached_by.push(by),
                (None, Some(_)) => view.unreached_by.push(by),
                // Not asked yet, or not by this one.
                (None, None) => {}
            }
        }
        members.sort_by(|one, other| one.member.label().cmp(other.member.label()));
        let cluster = Cluster { members: members.iter().map(|view| view.member.clone()).collect() };
        Views { members, cluster }
    }
}

fn is_same(one: &Member, other: &Member) -> bool {
    match (&one.id, &other.id) {
        (Some(one), Some(other)) => one == other,
        _ => one.endpoint.is_some() && one.endpoint == other.endpoint,
    }
}

/// Who answered last is seen best; then whose name is known.
fn rank(member: &Member) -> (bool, bool, Option<u64>) {
    (member.report.is_some(), member.is_listed.is_some(), member.heard)
}

impl Views<'_> {
    /// Every member answers everybody, hears a leader, and keeps up.
    pub(super) fn is_well(&self) -> bool {
        self.members.iter().all(|view| view.member.is_well() && view.unreached_by.is_empty())
    }

    /// Whether it is called so, or one of its members is.
    pub(super) fn has(&self, is_named: impl Fn(&str) -> bool) -> bool {
        is_named(NAME) || self.members.iter().any(|view| is_named(view.member.label()))
    }

    /// `agreement: 3 members of etcd 3.5.21, all answer; etcd-1 leads`.
    pub(super) fn line(&self) -> String {
        format!("{NAME}: {}", self.in_short())
    }

    /// `3 members of etcd 3.5.21, all answer; etcd-1 leads`.
    pub(super) fn in_short(&self) -> String {
        let count = counted(self.members.len(), "member");
        let (votes, answering) = (self.cluster.votes(), self.cluster.answering());
        let answer = match self.members.iter().all(View::answers) {
            true => "all answer".to_owned(),
            false if votes == self.members.len() => format!("{answering} of them answer"),
            false => format!("{answering} of {votes} that have a vote answer"),
        };
        let versions =
            self.members.iter().filter_map(|view| view.member.report.as_ref()).map(|report| &*report.version);
        let version = versions.max().map(|version| format!(" {version}")).unwrap_or_default();
        let leader = self.cluster.leader().map(|leader| format!("; {} leads", leader.label())).unwrap_or_default();
        format!("{count} of etcd{version}, {answer}{leader}")
    }

    /// One row a member; columns that say nothing are left out. It holds no ages: what stays as it is reads as before.
    pub(super) fn table(&self, width: usize) -> String {
        let has_views = self.members.iter().any(|view| view.answers() && !view.unreached_by.is_empty());
        let mut heading = vec!["MEMBER", "PART", "BEHIND", "DATABASE", "ETCD", "ENDPOINT"];
        heading.extend(has_views.then_some("NOT REACHED BY"));
        let mut table = Table::new(&heading);
        for view in &self.members {
            let mut cells = row(view.member);
            cells.extend(has_views.then(|| toned(view.unreached_by.join(" "), Tone::Bad)));
            table.row(cells);
        }
        table.render_within(width)
    }
}

fn row(member: &Member) -> Vec<Cell> {
    let report = member.report.as_ref();
    let behind =
        report.and_then(|report| report.behind).map(|behind| behind.to_string()).unwrap_or_else(|| "-".to_owned());
    vec![
        cell(member.label()),
        part(member),
        toned(behind, if member.lags() { Tone::Bad } else { Tone::Plain }),
        cell(report.map_or_else(|| "-".to_owned(), |report| report.in_database())),
        cell(report.map_or("-", |report| &*report.version)),
        cell(member.endpoint.clone().unwrap_or_else(|| "-".to_owned())),
    ]
}

/// What it does in the cluster, and what is wrong with it.
fn part(member: &Member) -> Cell {
    let alarms = listed(&member.alarms);
    match (&member.report, member.silent_since) {
        _ if !member.alarms.is_empty() => toned(format!("alarm {alarms}"), Tone::Bad),
        // Since when and why is a finding: in the table it would leave no room for the heading on a terminal of 80 columns.
        (_, Some(_)) => toned("silent", Tone::Bad),
        _ if member.is_listed == Some(false) => toned("no member", Tone::Bad),
        (None, None) if !member.is_asked => toned("not in the documents", Tone::Notable),
        (None, None) => toned("not asked yet", Tone::Notable),
        (Some(report), _) if !report.has_leader => toned("hears no leader", Tone::Bad),
        (Some(_), _) if member.is_learner => toned("learner", Tone::Notable),
        (Some(report), _) if report.leads => toned("leads", Tone::Good),
        (Some(_), _) => cell("follows"),
    }
}

#[cfg(test)]
mod tests;
