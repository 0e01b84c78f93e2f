//! The next step on the way to the members that an operator wants (pure): one at a time, and never one by which the majority could be lost.
//!
//! A member joins without a vote (as a learner), and gets one when it has caught up: until then it counts for nothing, so one that never
//! starts does no harm. Must never: remove a member that answers to put another one in its place, or give a vote to one that lags.

use std::collections::BTreeMap;

use super::look::{Answer, Listed};
use super::standing::{Asked, hex, listed};
use crate::counted::counted;

/// Entries of the leader's log that a learner may lack when it gets its vote: a moment's worth.
const CAUGHT_UP: u64 = 100;

/// What an operator wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// This one is a member that has a vote.
    Join(Wanted),
    /// This one has lost its data, and gets its place back; or `by` gets it.
    Replace {
        /// The one that is lost.
        name: String,
        /// Who is to be in its place.
        by: Wanted,
    },
    /// This one is no member any more.
    Remove(String),
}

/// A member that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// Where the other members reach it.
    pub peer: String,
}

/// The next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Take this one out.
    Remove {
        /// Its number.
        id: u64,
        /// What it is called.
        name: String,
    },
    /// Take this one in, without a vote.
    Add(Wanted),
    /// It has to be started, with an empty data folder.
    AwaitStart(String),
    /// It has to catch up.
    AwaitCatchUp {
        /// What it is called.
        name: String,
        /// How many entries it lacks.
        behind: u64,
    },
    /// Give it a vote.
    Promote {
        /// Its number.
        id: u64,
        /// What it is called.
        name: String,
    },
    /// It is so.
    Done(String),
    /// It must not be done now.
    Refuse {
        /// Why.
        why: String,
        /// What to do.
        remedy: String,
    },
}

/// What is known of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    /// The members, as the one lists them who knows most.
    pub members: Vec<Listed>,
    /// What members say that answer now, by number.
    pub answers: BTreeMap<u64, Answer>,
}

impl Picture {
    /// From what was asked.
    pub fn of(asked: &[Asked]) -> Picture {
        let answers = asked.iter().filter_map(Asked::says).map(|answer| (answer.id, answer.clone()));
        Picture { members: listed(asked).cloned().unwrap_or_default(), answers: answers.collect() }
    }

    fn find(&self, name: &str, peer: Option<&str>) -> Option<&Listed> {
        let has_peer = |one: &&Listed| peer.is_some_and(|peer| one.peer_urls.iter().any(|url| url == peer));
        self.members.iter().find(|one| one.name == name).or_else(|| self.members.iter().find(has_peer))
    }

    fn answers(&self, one: &Listed) -> bool {
        self.answers.contains_key(&one.id)
    }

    fn voters(&self) -> impl Iterator<Item = &Listed> {
        self.members.iter().filter(|one| !one.is_learner)
    }

    /// Those that have a vote, answer and hear a leader.
    fn working(&self) -> usize {
        self.voters().filter(|one| self.hears_a_leader(one)).count()
    }

    fn hears_a_leader(&self, one: &Listed) -> bool {
        self.answers.get(&one.id).is_some_and(|answer| answer.leader != 0)
    }

    fn behind(&self, one: &Listed) -> Option<u64> {
        let leader = self.answers.values().find(|answer| answer.leader == answer.id)?;
        Some(leader.index.saturating_sub(self.answers.get(&one.id)?.applied))
    }

    /// One that was taken in and has no vote yet, or was not started yet.
    fn joining(&self) -> Option<&Listed> {
        self.members.iter().find(|one| one.is_learner || one.name.is_empty())
    }

    fn silent(&self) -> Option<&Listed> {
        self.voters().find(|one| !self.answers(one))
    }
}

fn majority(votes: usize) -> usize {
    votes / 2 + 1
}

fn label(one: &Listed) -> String {
    match one.name.is_empty() {
        true => one.peer_urls.first().cloned().unwrap_or_else(|| hex(one.id)),
        false => one.name.clone(),
    }
}

fn refuse(why: String, remedy: String) -> Step {
    Step::Refuse { why, remedy }
}

/// The next step towards the goal.
pub fn next(picture: &Picture, goal: &Goal) -> Step {
    let (votes, working) = (picture.voters().count(), picture.working());
    if votes == 0 || working < majority(votes) {
        let why = match votes {
            0 if picture.answers.is_empty() => {
                "no member of etcd answers, so it is not known which there are".to_owned()
            }
            0 => {
                format!("{} of etcd answer, and none of them hears a leader", counted(picture.answers.len(), "member"))
            }
            _ => format!(
                "{working} of {votes} members of etcd answer and hear a leader, and {} are needed to change anything",
                majority(votes)
            ),
        };
        return refuse(
            why,
            "start those that have their data; where most of them are lost, `polder agreement restore`".to_owned(),
        );
    }
    match goal {
        Goal::Join(wanted) => join(picture, wanted),
        Goal::Replace { name, by } => replace(picture, name, by),
        Goal::Remove(name) => remove(picture, name),
    }
}

fn join(picture: &Picture, wanted: &Wanted) -> Step {
    let Some(one) = picture.find(&wanted.name, Some(&wanted.peer)) else {
        if let Some(other) = picture.joining() {
            let other = label(other);
            return refuse(
                format!("{other} has been taken in and has no vote yet: members join one after the other"),
                format!(
                    "go on with `polder agreement join {other}`, or take it out with `polder agreement remove {other}`"
                ),
            );
        }
        if let Some(dead) = picture.silent() {
            let dead = label(dead);
            return refuse(
                format!("{dead} does not answer: with another member, more would be needed of those that are left"),
                format!("start {dead}, or `polder agreement replace {dead}`; then run this again"),
            );
        }
        return Step::Add(wanted.clone());
    };
    let is_elsewhere = !one.peer_urls.contains(&wanted.peer);
    match (picture.answers(one), one.is_learner) {
        _ if is_elsewhere => refuse(
            format!(
                "{} is a member at {}, and the document has it at {}",
                wanted.name,
                one.peer_urls.join(", "),
                wanted.peer
            ),
            format!("`polder agreement remove {}`, then run this again", wanted.name),
        ),
        (true, false) => Step::Done(format!("{} is a member, has a vote and answers", wanted.name)),
        (false, true) => Step::AwaitStart(wanted.name.clone()),
        (false, false) if one.name.is_empty() => Step::AwaitStart(wanted.name.clone()),
        (false, false) => refuse(
            format!("{} is a member and does not answer", wanted.name),
            format!(
                "start it there (`systemctl start etcd`); if its data are lost, `polder agreement replace {}`",
                wanted.name
            ),
        ),
        (true, true) => match picture.behind(one) {
            Some(behind) if behind <= CAUGHT_UP && picture.hears_a_leader(one) => {
                Step::Promote { id: one.id, name: wanted.name.clone() }
            }
            behind => Step::AwaitCatchUp { name: wanted.name.clone(), behind: behind.unwrap_or_default() },
        },
    }
}

fn replace(picture: &Picture, name: &str, by: &Wanted) -> Step {
    let is_other = *name != by.name;
    let Some(old) = picture.find(name, (!is_other).then_some(by.peer.as_str())) else { return join(picture, by) };
    match (picture.answers(old), old.is_learner || old.name.is_empty()) {
        (true, _) if is_other => refuse(
            format!("{name} answers: one that lives is not replaced"),
            format!(
                "let the new one join first: `polder agreement join {}`, then `polder agreement remove {name}`",
                by.name
            ),
        ),
        // It has been taken in anew, or has come back.
        (true, false) | (_, true) if !is_other => join(picture, by),
        _ => match picture.joining().filter(|one| one.id != old.id) {
            Some(other) => {
                let other = label(other);
                refuse(
                    format!("{other} has been taken in and has no vote yet: members change one after the other"),
                    format!(
                        "go on with `polder agreement join {other}`, or take it out with `polder agreement remove {other}`"
                    ),
                )
            }
            None => remove(picture, name),
        },
    }
}

fn remove(picture: &Picture, name: &str) -> Step {
    let Some(one) = picture.find(name, None).or_else(|| picture.members.iter().find(|one| label(one) == name)) else {
        return Step::Done(format!("{name} is no member"));
    };
    if !one.is_learner {
        let left = picture.voters().count() - 1;
        let working = picture.working() - usize::from(picture.hears_a_leader(one));
        if left == 0 {
            return refuse(
                format!("{name} is the last member that has a vote: what the proxies agree upon would be gone"),
                "let another one join first".to_owned(),
            );
        }
        if working < majority(left) {
            return refuse(
                format!("without {name}, {working} of {left} members would answer, and {} are needed", majority(left)),
                "start the members that do not answer first".to_owned(),
            );
        }
    }
    Step::Remove { id: one.id, name: name.to_owned() }
}

impl Picture {
    /// What follows from a step, as far as etcd does it by itself: for whoever wants to know all steps beforehand.
    pub fn after(&self, step: &Step) -> Picture {
        let mut next = self.clone();
        match step {
            Step::Remove { id, .. } => {
                next.members.retain(|one| one.id != *id);
                next.answers.remove(id);
            }
            Step::Add(Wanted { peer, .. }) => next.members.push(Listed {
                id: u64::MAX,
                peer_urls: vec![peer.clone()],
                is_learner: true,
                ..Listed::default()
            }),
            Step::Promote { id, .. } => {
                next.members.iter_mut().filter(|one| one.id == *id).for_each(|one| one.is_learner = false);
            }
            Step::AwaitStart(_) | Step::AwaitCatchUp { .. } | Step::Done(_) | Step::Refuse { .. } => {}
        }
        next
    }
}

impl Step {
    /// Whether etcd does it when it is asked.
    pub fn is_change(&self) -> bool {
        matches!(self, Step::Remove { .. } | Step::Add(_) | Step::Promote { .. })
    }

    /// What is done, as a line.
    pub fn in_words(&self) -> String {
        match self {
            Step::Remove { id, name } => format!("take {name} ({}) out of the cluster", hex(*id)),
            Step::Add(Wanted { name, peer }) => format!("take {name} ({peer}) in, without a vote"),
            Step::AwaitStart(name) => format!("{name} has to be started, with an empty data folder"),
            Step::AwaitCatchUp { name, behind } => format!("{name} has to catch up: it lacks {behind} entries"),
            Step::Promote { name, .. } => format!("give {name} its vote"),
            Step::Done(words) => words.clone(),
            Step::Refuse { why, remedy } => format!("{why}; {remedy}"),
        }
    }
}

#[cfg(test)]
mod tests;
