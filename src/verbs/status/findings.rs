//! What is not as the documents want it, in words, one line a cause (pure). Nothing found: all is well.

mod daemons;
mod differences;
mod operator;
mod pools;
mod services;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::verbs::replies::DaemonReply;

/// One thing that is not as the documents want it. Machines read it as its words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub struct Finding {
    words: String,
    /// Services and pools (`www`), backends and members (`www/web1`), daemons, hosts and zones.
    about: Vec<String>,
    /// The words are a daemon's own: what else they are about stands in them alone.
    is_alarm: bool,
}

impl Finding {
    /// About these.
    pub fn about<N: Into<String>>(about: impl IntoIterator<Item = N>, words: String) -> Finding {
        Finding { words, about: about.into_iter().map(Into::into).collect(), is_alarm: false }
    }

    /// What these daemons say themselves.
    pub fn alarm<'d>(daemons: impl IntoIterator<Item = &'d str>, words: String) -> Finding {
        Finding { is_alarm: true, ..Finding::about(daemons, words) }
    }

    /// The same in other words.
    pub fn in_words(self, say: impl FnOnce(&str) -> String) -> Finding {
        Finding { words: say(&self.words), ..self }
    }

    /// Names of what it is about.
    pub fn subjects(&self) -> &[String] {
        &self.about
    }

    /// Its words, where what they are about stands in them alone.
    pub fn alarm_words(&self) -> Option<&str> {
        self.is_alarm.then_some(self.words.as_str())
    }
}

impl AsRef<str> for Finding {
    fn as_ref(&self) -> &str {
        &self.words
    }
}

impl From<Finding> for String {
    fn from(finding: Finding) -> String {
        finding.words
    }
}

/// Every finding over all daemons, each once: first what visitors do not get.
pub fn all<'a>(replies: impl IntoIterator<Item = &'a DaemonReply>) -> Vec<Finding> {
    let replies: Vec<&DaemonReply> = replies.into_iter().collect();
    let proxies: Vec<_> = replies.iter().filter_map(|reply| reply.proxy()).collect();
    let nameservers: Vec<_> = replies.iter().filter_map(|reply| reply.nameserver()).collect();
    let services = services::all(replies.iter().copied());
    let mut findings = services::unusable(&services);
    findings.extend(daemons::findings(&replies));
    findings.extend(services::impaired(&services));
    findings.extend(differences::of_proxies(&proxies));
    findings.extend(pools::findings(&nameservers));
    findings.extend(differences::of_nameservers(&nameservers));
    let mut seen = BTreeSet::new();
    findings.retain(|finding| seen.insert(finding.clone()));
    findings
}

#[cfg(test)]
mod tests;
