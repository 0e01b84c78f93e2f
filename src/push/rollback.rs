//! A rollback: a rollout of systems that the hosts ran before a push, according to their ledgers.
//!
//! [`target`] says which system a host goes back to (pure); [`prepare`] asks the hosts and puts the steps in order. Called by
//! `polder rollback`.

pub mod target;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::fleet::running::Running;
use crate::fleet::{Fleet, System};
use crate::push::at_once::at_once;
use crate::push::error::Error;
use crate::push::host::paths::HostPaths;
use crate::push::ledger::{Entry, Kind, Record};
use crate::push::pipeline::order;
use crate::push::pipeline::selection::{Selected, Selection};
use crate::push::protocol::closure;
use crate::push::protocol::{Answer, Question, Report};
use crate::push::remote::Remotes;
use crate::push::remote::gates::{Gates, ask_all};
use crate::push::remote::no_answer::unexpected;
use crate::push::rollout::Step;
use target::{Goal, has, last_in_force};

/// How long a host may take to answer.
const PROMPT: Duration = Duration::from_secs(20);

/// How many hosts are switched at once, where the fleet allows it.
const PARALLEL: usize = 4;

/// A rollback that is ready to be carried out.
pub struct Rollback {
    /// What to go back to.
    pub goal: Goal,
    /// The selected hosts.
    pub selected: Selected,
    /// Each host's step, in rollout order; empty if nothing would change.
    pub batches: Vec<Vec<Step>>,
    /// The fleet by the documents that its hosts will have after the rollback. They are proved by this and not by the last evaluated
    /// fleet, which may have zones and services that are rolled back or not deployed yet.
    pub fleet: Fleet,
    /// The revision to go back to, if `to` names a push.
    revision: Option<String>,
}

/// A host's report and its ledger.
type ReportAndLedger = (Report, Vec<Entry>);

/// Prepares a rollback: to what ran after the push `to`, or to what ran before the last one.
///
/// # Errors
///
/// A host does not answer, or its ledger does not tell what to go back to.
pub fn prepare(
    fleet: &Fleet,
    remotes: &Arc<Remotes>,
    selection: &Selection,
    to: Option<&str>,
) -> Result<Rollback, Error> {
    let selected = selection.of(fleet)?;
    let known = ask(remotes, &selected)?;
    let goal = goal(to, &known)?;
    let mut steps = BTreeMap::new();
    for (host, (report, entries)) in &known {
        let system = target::target(entries, &report.system, &goal).map_err(|error| error.of(host))?;
        if let Some(system) = system {
            closure::in_store(&HostPaths::of_this_machine().store, &system)
                .map_err(|error| error.of(format!("{host}: its ledger")))?;
            let before = report.system.clone();
            steps.insert(host.clone(), Step { host: host.clone(), before, system, inhibitors: Vec::new() });
        }
    }
    let changed: Vec<String> = steps.keys().cloned().collect();
    let (skipped, ourselves) = (selected.skipped(fleet), Some(remotes.admin().name.as_str()));
    let old = running(remotes, &selected.unskipped, &|_| None)?;
    let new = running(remotes, &changed, &|host| steps.get(host).map(|step| step.system.clone()))?;
    for (host, step) in &mut steps {
        if let (Some(old), Some(new)) = (old.get(host), new.get(host)) {
            step.inhibitors = old.inhibitors_changed_by(new);
        }
    }
    let reboots: Vec<&str> = steps.values().filter(|step| step.reboots()).map(|step| step.host.as_str()).collect();
    let fleet = with_documents_of(fleet, old.iter().chain(&new));
    let order = order::batches(&fleet, &old, &changed, &skipped, &reboots, ourselves, PARALLEL);
    let batches = order.iter().map(|batch| batch.iter().map(|host| steps[host].clone()).collect()).collect();
    Ok(Rollback { revision: to.and_then(|push| revision_of(push, &known)), goal, selected, batches, fleet })
}

impl Rollback {
    /// Each host's step, in the order of their turns.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.batches.iter().flatten()
    }

    /// The record of this rollback, for the ledgers.
    pub fn record(&self, who: String) -> Record {
        let skipped = self.selected.skipped(&self.fleet);
        Record { revision: self.revision.clone(), skipped, ..Record::new(Kind::Rollback, who) }
    }
}

/// Asks every chosen host for its report and its ledger; all of them have to answer.
fn ask(remotes: &Remotes, selected: &Selected) -> Result<BTreeMap<String, ReportAndLedger>, Error> {
    let hosts = &selected.chosen;
    let reports = ask_all(remotes, hosts, &Question::Report, PROMPT);
    let ledgers = ask_all(remotes, hosts, &Question::Ledger { last: usize::MAX }, PROMPT);
    let mut known = BTreeMap::new();
    for (host, (report, ledger)) in hosts.iter().zip(reports.into_iter().zip(ledgers)) {
        match (report, ledger) {
            (Ok(Answer::Report(report)), Ok(Answer::Ledger { entries })) => {
                known.insert(host.clone(), (*report, entries));
            }
            (Err(no_answer), _) | (_, Err(no_answer)) => {
                return Err(Error::new(format!("{host} does not answer: {no_answer}"))
                    .remedy(format!("leave it out with --skip {host}")));
            }
            _ => return Err(Error::at(host, "its gate is of another release")),
        }
    }
    Ok(known)
}

fn goal(to: Option<&str>, known: &BTreeMap<String, ReportAndLedger>) -> Result<Goal, Error> {
    if let Some(push) = to {
        if !known.values().any(|(_, entries)| has(entries, push)) {
            return Err(Error::new(format!("no host's ledger has a confirmed push {push}: see `polder log`")));
        }
        return Ok(Goal::After(push.to_owned()));
    }
    let hosts = known.values().map(|(report, entries)| (report.system.as_path(), &entries[..]));
    let push = last_in_force(hosts).ok_or_else(|| {
        Error::new("no host runs what was pushed to it: it was rolled back already, or somebody switched it by hand")
            .remedy("name the push to go back to with --to (`polder log`)")
    })?;
    Ok(Goal::Before(push))
}

/// What hosts run with, or would run with on the systems that `system` names.
fn running(
    remotes: &Remotes,
    hosts: &[String],
    system: &(dyn Fn(&str) -> Option<PathBuf> + Sync),
) -> Result<BTreeMap<String, Running>, Error> {
    let answers = at_once(hosts, |host| remotes.ask(host, &Question::Running { system: system(host) }, PROMPT));
    let known = hosts.iter().zip(answers).map(|(host, answer)| match answer {
        Ok(Answer::Running(running)) => Ok((host.clone(), *running)),
        other => Err(unexpected(other).of(host).remedy(format!("leave it out with --skip {host} if it is dead"))),
    });
    known.collect()
}

fn with_documents_of<'a>(fleet: &Fleet, running: impl Iterator<Item = (&'a String, &'a Running)>) -> Fleet {
    let mut fleet = fleet.clone();
    for (host, running) in running {
        let document = |name: &str| running.documents.get(name).cloned();
        let (dns, proxy) = (document("dns.json"), document("proxy.json"));
        fleet.systems.insert(host.clone(), System::Rendered { dns, proxy, deployable: None });
    }
    fleet
}

/// The revision of a push, by any host's ledger.
fn revision_of(push: &str, known: &BTreeMap<String, ReportAndLedger>) -> Option<String> {
    let activations = known.values().flat_map(|(_, entries)| entries).filter_map(Entry::activation);
    activations.map(|activated| activated.record).find(|record| record.push == push)?.revision.clone()
}
