//! A look at one member: what it says of itself, and of the cluster.

use std::time::Duration;

use etcd_client::Client;

use super::connection::{Error, within};

/// What a member has said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The number of its cluster.
    pub cluster: u64,
    /// Its own.
    pub id: u64,
    /// That of its leader; 0: it has none.
    pub leader: u64,
    /// It has no vote.
    pub is_learner: bool,
    /// The last entry that it knows of.
    pub index: u64,
    /// The last one that it has taken in.
    pub applied: u64,
    /// The size of its database, in bytes.
    pub database: u64,
    /// How large that may become; 0: it does not say.
    pub quota: u64,
    /// The version of etcd.
    pub version: String,
    /// Alarms of the cluster: whose, and which.
    pub alarms: Vec<(u64, String)>,
    /// The members that it knows; none: it does not say, as one that has no vote yet.
    pub members: Option<Vec<Listed>>,
}

/// A member, as the cluster has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    /// Its number.
    pub id: u64,
    /// Its name; empty: it has not started yet.
    pub name: String,
    /// Where members reach it.
    pub peer_urls: Vec<String>,
    /// Where clients reach it, as it says.
    pub client_urls: Vec<String>,
    /// It has no vote yet.
    pub is_learner: bool,
}

/// Asks a member.
///
/// # Errors
///
/// It does not say how it is within the limit.
pub async fn look(client: &Client, limit: Duration) -> Result<Answer, Error> {
    let (mut of_itself, mut of_all) = (client.clone(), client.clone());
    let (status, members) = tokio::join!(within(limit, of_itself.status()), within(limit, of_all.member_list()));
    let status = status?;
    let members = members.ok().map(|listed| listed.members().iter().map(Listed::of).collect());
    let header = status.header();
    Ok(Answer {
        cluster: header.map_or(0, |header| header.cluster_id()),
        id: header.map_or(0, |header| header.member_id()),
        leader: status.leader(),
        is_learner: status.is_learner(),
        index: status.raft_index(),
        applied: status.raft_applied_index(),
        database: size(status.db_size()),
        quota: size(status.db_size_quota()),
        version: status.version().to_owned(),
        alarms: status.errors().iter().filter_map(|error| alarm(error)).collect(),
        members,
    })
}

impl Listed {
    /// As etcd's client has it.
    pub fn of(member: &etcd_client::Member) -> Listed {
        Listed {
            id: member.id(),
            name: member.name().to_owned(),
            peer_urls: member.peer_urls().to_vec(),
            client_urls: member.client_urls().to_vec(),
            is_learner: member.is_learner(),
        }
    }
}

fn size(bytes: i64) -> u64 {
    u64::try_from(bytes).unwrap_or_default()
}

/// `memberID:10501334649042878790 alarm:NOSPACE `: told with the status, so that nothing has to be written to the log to learn it.
fn alarm(error: &str) -> Option<(u64, String)> {
    let mut words = error.split_whitespace();
    let member = words.next()?.strip_prefix("memberID:")?.parse().ok()?;
    let alarm = words.next()?.strip_prefix("alarm:")?;
    Some((member, alarm.to_owned()))
}

#[cfg(test)]
mod tests;
