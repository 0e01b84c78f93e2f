//! What is known of the cluster of etcd by which the proxies agree: `agreement` in a proxy's status, and what `polder agreement members` gives.

use serde::{Deserialize, Serialize};

/// Further behind its leader, in entries, a member is slow, and not only asked a moment earlier than the leader was.
const MUCH: u64 = 1000;

/// The members of the cluster, as one machine sees them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cluster {
    /// Those that the document names, and those that the cluster names, by name.
    pub members: Vec<Member>,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Member {
    /// Its name; empty where that is not known.
    pub name: String,
    /// Its number in the cluster, in hexadecimal; none where that is not known.
    pub id: Option<String>,
    /// Where clients reach it; none of one that the document does not name and that has not said it.
    pub endpoint: Option<String>,
    /// The document names it: it is asked.
    pub is_asked: bool,
    /// The cluster counts it among its members; none where no member has told which these are.
    pub is_listed: Option<bool>,
    /// It has no vote yet.
    pub is_learner: bool,
    /// When it last answered, in milliseconds since the epoch.
    pub heard: Option<u64>,
    /// Since when it does not answer, in milliseconds since the epoch; none: it does, or it is not asked.
    pub silent_since: Option<u64>,
    /// Why it does not answer.
    pub error: Option<String>,
    /// Its alarms, as etcd calls them: `NOSPACE`, `CORRUPT`.
    pub alarms: Vec<String>,
    /// What it says of itself; none while it does not answer.
    pub report: Option<Report>,
}

/// What a member says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Report {
    /// The number of its cluster, in hexadecimal.
    pub cluster: String,
    /// It leads.
    pub leads: bool,
    /// It knows a leader.
    pub has_leader: bool,
    /// How many entries of the leader's it has not taken in yet; none without a leader that answers.
    pub behind: Option<u64>,
    /// The size of its database, in bytes.
    pub database: u64,
    /// How large that may become; none where etcd does not say it (before 3.6).
    pub quota: Option<u64>,
    /// The version of etcd.
    pub version: String,
}

impl Report {
    /// `20 KiB of 256 MiB`.
    pub fn in_database(&self) -> String {
        let size = in_units(self.database);
        self.quota.map_or_else(|| size.clone(), |quota| format!("{size} of {}", in_units(quota)))
    }
}

fn in_units(bytes: u64) -> String {
    let (kibibytes, mebibytes) = (bytes >> 10, bytes >> 20);
    if mebibytes < 10 { format!("{kibibytes} KiB") } else { format!("{mebibytes} MiB") }
}

impl Member {
    /// What it is called: its name, or where it is reached, or its number.
    pub fn label(&self) -> &str {
        let names = [Some(&self.name), self.endpoint.as_ref(), self.id.as_ref()];
        names.into_iter().flatten().find(|name| !name.is_empty()).map_or("?", String::as_str)
    }

    /// Whether it has a vote, as far as is known.
    pub fn is_voter(&self) -> bool {
        self.is_listed != Some(false) && !self.is_learner
    }

    /// Whether it is too far behind its leader.
    pub fn lags(&self) -> bool {
        self.report.as_ref().and_then(|report| report.behind).is_some_and(|behind| behind > MUCH)
    }

    /// Whether it answers, hears a leader, keeps up and has nothing to complain of.
    pub fn is_well(&self) -> bool {
        let is_led = self.report.as_ref().is_some_and(|report| report.has_leader);
        is_led && self.is_voter() && self.is_asked && self.alarms.is_empty() && !self.lags()
    }
}

impl Cluster {
    /// Those that have a vote.
    pub fn voters(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.is_voter())
    }

    /// How many votes there are.
    pub fn votes(&self) -> usize {
        self.voters().count()
    }

    /// How many of those that have a vote answer.
    pub fn answering(&self) -> usize {
        self.voters().filter(|member| member.report.is_some()).count()
    }

    /// How many of those that have a vote must hear each other.
    pub fn majority(&self) -> usize {
        self.votes() / 2 + 1
    }

    /// The member that leads, if one that answers does.
    pub fn leader(&self) -> Option<&Member> {
        self.members.iter().find(|member| member.report.as_ref().is_some_and(|report| report.leads))
    }
}
