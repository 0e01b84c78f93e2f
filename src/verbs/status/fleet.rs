//! The fleet's hosts on the screen of `status`: what runs on each and how that stands to what was pushed; the working copy,
//! and what is still to be committed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::drift::{Drift, LastPush, judge};
use crate::counted::counted;
use crate::push::admin::copies;
use crate::push::admin::desired::{self, DesiredState};
use crate::push::deferred::svn::{self, ServerState};
use crate::push::deferred::{self, Deferred};
use crate::push::host::lock::Lock;
use crate::push::ledger::{Activated, Entry};
use crate::push::protocol::{Answer, Question, Report};
use crate::push::remote::gates::ask_all;
use crate::verbs::daemons::ReachedFleet;
use crate::verbs::ledger_text::{revision, short};
use crate::verbs::output::{Cell, Table, Tone, cell, printable, toned};
use crate::verbs::reach::{Reach, Reports};
use crate::verbs::times::{ago, span};

/// How many entries of a ledger are looked through for the last activation.
const ENTRIES: usize = 50;

/// All of it.
#[derive(Debug, Serialize)]
pub struct Fleet {
    hosts: Vec<Host>,
    working_copy: WorkingCopy,
    deferred: Vec<Pending>,
}

#[derive(Debug, Serialize)]
struct Host {
    host: String,
    roles: Vec<&'static str>,
    location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<Report>,
    /// Why there is no report.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drift: Option<Drift>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_push: Option<Pushed>,
}

#[derive(Debug, Serialize)]
struct Pushed {
    at: u64,
    push: String,
    who: String,
    revision: String,
}

#[derive(Debug, Default, Serialize)]
struct WorkingCopy {
    folder: PathBuf,
    revision: Option<String>,
    local_changes: usize,
    /// How many revisions the server has that this has not.
    behind: Option<usize>,
    /// What is not known, and why.
    note: Option<String>,
}

#[derive(Debug, Serialize)]
struct Pending {
    push: String,
    who: String,
    at: u64,
    message: String,
    files: usize,
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
    pub fn findings(&self) -> Vec<String> {
        self.hosts.iter().flat_map(findings).collect()
    }

    /// For people.
    pub fn screen(&self) -> String {
        format!("{}{}", table(&self.hosts), lines(self))
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

fn findings(host: &Host) -> Vec<String> {
    let name = &host.host;
    let mut findings = Vec::new();
    findings.extend(host.error.iter().map(|why| format!("{name} is not reached: {why}")));
    findings.extend(
        host.drift.iter().filter(|drift| !drift.is_well()).map(|drift| format!("{name}: {}", drift.in_words())),
    );
    let failed = host.report.iter().flat_map(|report| &report.failed_units);
    findings.extend(failed.map(|unit| format!("{name}: unit {unit} has failed")));
    findings
}

fn table(hosts: &[Host]) -> String {
    let mut table =
        Table::new(&["HOST", "ROLES", "LOCATION", "POLDER", "SYSTEM", "DRIFT", "LOCK", "LAST PUSH", "FAILED UNITS"]);
    for host in hosts {
        let mut row = vec![cell(&host.host), cell(host.roles.join(" ")), cell(&host.location)];
        match (&host.report, &host.error) {
            (Some(report), _) => row.extend([
                cell(&report.version),
                cell(short(&report.system)),
                drift(host.drift.as_ref()),
                lock(report.lock.as_ref(), report.clock_ms),
                pushed(host.last_push.as_ref()),
                units(&report.failed_units),
            ]),
            (None, why) => row.extend([
                cell("?"),
                cell("?"),
                toned(format!("not reached: {}", why.as_deref().unwrap_or_default()), Tone::Bad),
                cell("?"),
                pushed(host.last_push.as_ref()),
            ]),
        }
        table.row(row);
    }
    table.render()
}

fn drift(drift: Option<&Drift>) -> Cell {
    let Some(drift) = drift else { return cell("?") };
    let tone = match drift {
        Drift::AsPushed => Tone::Good,
        Drift::NeverPushed | Drift::Waits(_) => Tone::Notable,
        _ => Tone::Bad,
    };
    toned(drift.in_words(), tone)
}

fn lock(lock: Option<&Lock>, clock_ms: u64) -> Cell {
    match lock {
        None => cell("-"),
        Some(lock) => {
            let left = span(lock.expires.saturating_sub(clock_ms) / 1000);
            toned(format!("{}, {left} left", lock.in_words()), Tone::Notable)
        }
    }
}

fn pushed(pushed: Option<&Pushed>) -> Cell {
    match pushed {
        None => cell("-"),
        Some(pushed) => cell(format!("{} ago, {}, {}", ago(pushed.at), pushed.who, pushed.revision)),
    }
}

fn units(failed: &[String]) -> Cell {
    if failed.is_empty() { cell("-") } else { toned(failed.join(" "), Tone::Bad) }
}

/// The working copy, and what is still to be committed.
fn lines(fleet: &Fleet) -> String {
    let copy = &fleet.working_copy;
    let mut parts = Vec::new();
    parts.extend(copy.revision.clone());
    parts.extend((copy.local_changes > 0).then(|| counted(copy.local_changes, "local change")));
    parts.extend(copy.behind.map(|behind| match behind {
        0 => "nothing newer on the server".to_owned(),
        count => Tone::Notable.paint(&format!("{} behind the server: svn update", counted(count, "revision"))),
    }));
    parts.extend(copy.note.as_ref().map(|note| Tone::Notable.paint(&printable(note))));
    let mut text = format!("working copy {}: {}\n", copy.folder.display(), parts.join(", "));
    for one in &fleet.deferred {
        let words = format!(
            "deferred: {} of push {} by {}, {} ago ({}); `polder reconcile` commits them when svn is back",
            counted(one.files, "file"),
            one.push,
            one.who,
            ago(one.at),
            one.message
        );
        text.push_str(&format!("{}\n", Tone::Notable.paint(&printable(&words))));
    }
    text
}

#[cfg(test)]
mod tests;
