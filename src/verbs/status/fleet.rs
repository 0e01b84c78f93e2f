//! The fleet's hosts on the screen of `status`: what runs on each and how that stands to what was pushed; the working copy,
//! and what is still to be committed.

mod parts;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::drift::{LastPush, judge};
use super::findings::Finding;
use crate::push::admin::copies;
use crate::push::admin::desired::{self, DesiredState};
use crate::push::deferred::svn::{self, ServerState};
use crate::push::deferred::{self, Deferred};
use crate::push::ledger::{Activated, Entry};
use crate::push::protocol::{Answer, Question, Report};
use crate::push::remote::gates::ask_all;
use crate::verbs::daemons::ReachedFleet;
use crate::verbs::layout::wrapped;
use crate::verbs::ledger_text::revision;
use crate::verbs::output::{Tone, printable};
use crate::verbs::reach::{Reach, Reports};
use parts::{Host, Pending, Pushed, WorkingCopy};

/// How many entries of a ledger are looked through for the last activation.
const ENTRIES: usize = 50;

/// All of it.
#[derive(Debug, Serialize)]
pub struct Fleet {
    hosts: Vec<Host>,
    working_copy: WorkingCopy,
    deferred: Vec<Pending>,
}

impl Fleet {
    /// Asks for what the reports do not say.
    pub fn gather(fleet: &ReachedFleet) -> Fleet {
        let ReachedFleet { reach, reports } = fleet;
        let ledgers = ledgers(reach, reports);
        let desired = desired::load(&reach.admin);
        let hosts = reach.fleet.hosts.iter().map(|(name, host)| {
            let (report, error) = match reports.get(name) {
                Some(Ok(report)) => (Some(report.clone()), None),
                Some(Err(error)) => (None, Some(error.to_string())),
                None => (None, Some("it was not asked".to_owned())),
            };
            let last = ledgers.get(name).and_then(|entries| last_activation(entries));
            let push = last_push(&ledgers, desired.as_ref(), name);
            Host {
                host: name.clone(),
                roles: host.roles.iter().map(|role| role.name()).collect(),
                location: host.location.clone(),
                drift: report.as_ref().map(|report| judge(report, last, push)),
                report,
                error,
                last_push: last.map(|last| Pushed {
                    at: last.at,
                    push: last.record.push.clone(),
                    who: last.record.who.clone(),
                    revision: revision(last.record),
                }),
            }
        });
        let (deferred, note) = match deferred::all(&reach.admin) {
            Ok(records) => (records.iter().map(pending).collect(), None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let mut working_copy = working_copy(&reach.admin.working_copy);
        working_copy.note = working_copy.note.or(note);
        Fleet { hosts: hosts.collect(), working_copy, deferred }
    }

    /// What an operator should look at.
    pub fn findings(&self) -> Vec<Finding> {
        self.hosts.iter().flat_map(findings).collect()
    }

    /// For people: all hosts in a few lines of at most `width` columns, the working copy, and what is still to be committed.
    pub fn screen(&self, width: usize) -> String {
        let lines = words::hosts(&self.hosts).into_iter().chain(words::working_copy(&self.working_copy));
        let mut text: String = lines.map(|line| wrapped("", &printable(&line), 2, width)).collect();
        for one in &self.deferred {
            text += &wrapped("", &Tone::Notable.paint(&words::pending(one)), 2, width);
        }
        text
    }

    /// The names of its hosts.
    pub fn host_names(&self) -> impl Iterator<Item = &str> {
        self.hosts.iter().map(|host| &*host.host)
    }

    /// All of one host, a line each.
    pub fn host_lines(&self, name: &str) -> Option<Vec<String>> {
        self.host(name).map(words::of_host)
    }

    /// The same for machines.
    pub fn host_json(&self, name: &str) -> Option<serde_json::Value> {
        self.host(name).map(|host| serde_json::json!(host))
    }

    fn host(&self, name: &str) -> Option<&Host> {
        self.hosts.iter().find(|host| host.host == name)
    }
}

/// What is known of each host's ledger: what it says itself, or our copy.
fn ledgers(reach: &Reach, reports: &Reports) -> BTreeMap<String, Vec<Entry>> {
    let folder = copies::folder(&reach.admin.state_dir);
    let is_enough = |entry: &Entry| entry.activation().is_some();
    let mut ledgers = BTreeMap::new();
    let mut to_ask = Vec::new();
    for (host, report) in reports {
        match report {
            Ok(Report { last: Some(entry), .. }) if is_enough(entry) => {
                ledgers.insert(host.clone(), vec![entry.clone()]);
            }
            Ok(Report { last: None, .. }) => {}
            Ok(_) => to_ask.push(host.clone()),
            Err(_) => {
                ledgers.insert(host.clone(), copies::of_host(&folder, host).last(ENTRIES).unwrap_or_default());
            }
        }
    }
    let answers = ask_all(&*reach.remotes, &to_ask, &Question::Ledger { last: ENTRIES }, Duration::from_secs(6));
    for (host, answer) in to_ask.into_iter().zip(answers) {
        if let Ok(Answer::Ledger { entries }) = answer {
            ledgers.insert(host, entries);
        }
    }
    ledgers
}

/// The last activation among the entries.
fn last_activation(entries: &[Entry]) -> Option<Activated<'_>> {
    entries.iter().rev().find_map(Entry::activation)
}

/// The newest push that any host has, or the one begun here, if that is newer; what it says of this host.
fn last_push<'a>(
    ledgers: &'a BTreeMap<String, Vec<Entry>>,
    wanted: Option<&'a DesiredState>,
    host: &str,
) -> Option<LastPush<'a>> {
    let newest = ledgers.values().filter_map(|entries| last_activation(entries)).max_by_key(|last| last.at);
    let wanted =
        wanted.filter(|wanted| newest.is_none_or(|newest| newest.record.push == wanted.push || newest.at < wanted.at));
    let push = wanted.map(|wanted| wanted.push.as_str()).or(newest.map(|newest| newest.record.push.as_str()))?;
    let of_this = newest.filter(|newest| newest.record.push == push);
    Some(LastPush {
        push,
        left_out: of_this.is_some_and(|newest| newest.record.skipped.iter().any(|skipped| skipped == host)),
        wanted: wanted.and_then(|wanted| wanted.systems.get(host)).map(PathBuf::as_path),
    })
}

fn pending(record: &Deferred) -> Pending {
    Pending {
        push: record.push.clone(),
        who: record.who.clone(),
        at: record.at,
        message: record.message.lines().next().unwrap_or_default().to_owned(),
        files: record.files.len(),
    }
}

fn working_copy(folder: &Path) -> WorkingCopy {
    let mut copy = WorkingCopy { folder: folder.to_owned(), ..WorkingCopy::default() };
    match svn::here(folder) {
        Ok((revision, changes)) => (copy.revision, copy.local_changes) = (Some(revision), changes),
        Err(error) => {
            copy.note = Some(error.to_string());
            return copy;
        }
    }
    match svn::server_state(folder, svn::GLANCE) {
        Ok(ServerState { behind, .. }) => copy.behind = Some(behind),
        Err(why) => copy.note = Some(format!("the svn server does not answer: {why}")),
    }
    copy
}

fn findings(host: &Host) -> Vec<Finding> {
    let name = &host.host;
    let unreached = host.error.iter().map(|why| format!("{name} is not reached: {why}"));
    let drifted = host.drift.iter().filter(|drift| !drift.is_well());
    let drifted = drifted.map(|drift| format!("{name}: {}", drift.in_words()));
    let failed = host.report.iter().flat_map(|report| &report.failed_units);
    let failed = failed.map(|unit| format!("{name}: unit {unit} has failed"));
    unreached.chain(drifted).chain(failed).map(|words| Finding::about([name], words)).collect()
}

#[cfg(test)]
mod tests;
