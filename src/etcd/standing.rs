//! What several members have said, as one picture of the cluster (pure).

use super::look::{Answer, Listed};
use crate::api::agreement::{Cluster, Member, Report};

/// A member that is asked, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// What the document calls it; empty where it gives it no name.
    pub name: String,
    /// Where.
    pub endpoint: String,
    /// When it last answered, in milliseconds since the epoch.
    pub heard: Option<u64>,
    /// Since when it does not, and why; none: it does, or has not been asked yet.
    pub silent: Option<(u64, String)>,
    /// Its last answer.
    pub answer: Option<Answer>,
}

impl Asked {
    /// Not yet.
    pub fn not_yet(endpoint: &str) -> Asked {
        Asked { endpoint: endpoint.to_owned(), ..Asked::default() }
    }

    /// Takes in what it said, or why it said nothing, at this time.
    pub fn take_in(&mut self, said: Result<Answer, String>, now: u64) {
        match said {
            Ok(answer) => {
                (self.heard, self.silent) = (Some(now), None);
                self.answer = Some(answer);
            }
            Err(why) => {
                let since = self.silent.take().map_or(now, |(since, _)| since);
                self.silent = Some((since, why));
            }
        }
    }

    /// What it says, if it does now.
    pub(super) fn says(&self) -> Option<&Answer> {
        self.answer.as_ref().filter(|_| self.silent.is_none())
    }

    fn is_at(&self, listed: &Listed) -> bool {
        match &self.answer {
            Some(answer) => answer.id == listed.id,
            None => {
                listed.client_urls.iter().any(|url| url.trim_end_matches('/') == self.endpoint.trim_end_matches('/'))
            }
        }
    }
}

/// The cluster, as those say it who answer.
pub fn cluster(asked: &[Asked]) -> Cluster {
    let listed = listed(asked);
    let leader = asked.iter().filter_map(Asked::says).find(|answer| answer.leader == answer.id && answer.id != 0);
    let alarms: Vec<&(u64, String)> = asked.iter().filter_map(Asked::says).flat_map(|answer| &answer.alarms).collect();
    let of_asked = asked.iter().map(|one| {
        let known = listed.and_then(|listed| listed.iter().find(|listed| one.is_at(listed)));
        let id = known.map(|known| known.id).or(one.answer.as_ref().map(|answer| answer.id));
        Member {
            name: known
                .map(|known| known.name.clone())
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| one.name.clone()),
            id: id.map(hex),
            endpoint: Some(one.endpoint.clone()),
            is_asked: true,
            is_listed: listed.map(|_| known.is_some()),
            is_learner: known.map_or_else(|| one.says().is_some_and(|said| said.is_learner), |known| known.is_learner),
            heard: one.heard,
            silent_since: one.silent.as_ref().map(|(since, _)| *since),
            error: one.silent.as_ref().map(|(_, why)| why.clone()),
            alarms: id.map(|id| alarms_of(id, &alarms)).unwrap_or_default(),
            report: one.says().map(|answer| report(answer, leader)),
        }
    });
    let is_asked = |listed: &&Listed| asked.iter().any(|one| one.is_at(listed));
    let others = listed.into_iter().flatten().filter(|listed| !is_asked(listed)).map(|listed| Member {
        name: listed.name.clone(),
        id: Some(hex(listed.id)),
        endpoint: listed.client_urls.first().cloned(),
        is_listed: Some(true),
        is_learner: listed.is_learner,
        alarms: alarms_of(listed.id, &alarms),
        ..Member::default()
    });
    let mut members: Vec<Member> = of_asked.chain(others).collect();
    members.sort_by(|one, other| one.label().cmp(other.label()));
    // Two addresses of one member: once.
    members.dedup_by(|next, kept| {
        next.id.is_some() && next.id == kept.id && next.report.is_some() == kept.report.is_some()
    });
    Cluster { members }
}

/// The members that the one knows who knows most: of those that answer, else of those that did.
pub(super) fn listed(asked: &[Asked]) -> Option<&Vec<Listed>> {
    let latest = |answers: &mut dyn Iterator<Item = &'_ Answer>| -> Option<u64> {
        answers.filter(|answer| answer.members.is_some()).map(|answer| answer.index).max()
    };
    let of = |index: u64, answer: &&Answer| answer.members.is_some() && answer.index == index;
    match latest(&mut asked.iter().filter_map(Asked::says)) {
        Some(index) => asked.iter().filter_map(Asked::says).find(|answer| of(index, answer)),
        None => {
            let index = latest(&mut asked.iter().filter_map(|one| one.answer.as_ref()))?;
            asked.iter().filter_map(|one| one.answer.as_ref()).find(|answer| of(index, answer))
        }
    }
    .and_then(|answer| answer.members.as_ref())
}

fn report(answer: &Answer, leader: Option<&Answer>) -> Report {
    Report {
        cluster: hex(answer.cluster),
        leads: answer.leader == answer.id,
        has_leader: answer.leader != 0,
        behind: leader
            .filter(|leader| leader.cluster == answer.cluster)
            .map(|leader| leader.index.saturating_sub(answer.applied)),
        database: answer.database,
        quota: (answer.quota > 0).then_some(answer.quota),
        version: answer.version.clone(),
    }
}

fn alarms_of(id: u64, alarms: &[&(u64, String)]) -> Vec<String> {
    let mut own: Vec<String> =
        alarms.iter().filter(|(member, _)| *member == id).map(|(_, alarm)| alarm.clone()).collect();
    own.sort();
    own.dedup();
    own
}

/// As etcd writes numbers of members.
pub fn hex(id: u64) -> String {
    format!("{id:x}")
}

#[cfg(test)]
mod tests;
