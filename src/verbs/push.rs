//! `push`: from the working copy to every host, or to none.

pub(super) mod progress;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::args::parse_limit;
use super::caller::who;
use super::exit::Exit;
use super::fleet_args::{FleetArgs, no_plan};
use super::output::{Output, Table, cell, complain, toned};
use super::plan as show;
use crate::push::admin::desired;
use crate::push::deferred;
use crate::push::error::Error;
use crate::push::ledger::Record;
use crate::push::pipeline::plan::Plan;
use crate::push::pipeline::{PlanError, Planned};
use crate::push::rollout::{Ended, Observer, Rollout, Stage, Step};
use progress::Progress;

/// The arguments of `push`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "Exit codes: 0 every host runs its system of the plan, 1 at least one does not, 2 usage, 3 could not run."
)]
pub struct PushArgs {
    #[command(flatten)]
    /// What is pushed to which hosts.
    pub fleet: FleetArgs,
    /// Push this reviewed plan, written by `polder plan --save`, and refuse if anything differs from it
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Commit the local changes later, with this log message, because the svn server is down: see `polder reconcile`
    #[arg(long, value_name = "MESSAGE")]
    pub defer: Option<String>,
    /// Show the plan and change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    /// How each host is tried.
    pub trial: TrialArgs,
}

/// How each host is tried.
#[derive(Debug, Clone, clap::Args)]
pub struct TrialArgs {
    /// Restart hosts that cannot be switched to their new system while they run, one at a time
    #[arg(long)]
    pub reboot: bool,
    /// How long a host runs a new system on trial before it goes back on its own
    #[arg(long, value_name = "DURATION", default_value = "90s", value_parser = parse_limit, allow_hyphen_values = true)]
    pub confirm_within: Duration,
    /// How long a host may take after its switch to serve as before
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = parse_limit, allow_hyphen_values = true)]
    pub prove_within: Duration,
}

/// Runs `push`.
pub fn run(args: &PushArgs, output: &Output) -> Exit {
    push(args, output).unwrap_or_else(|why| no_plan(&why, output))
}

fn push(args: &PushArgs, output: &Output) -> Result<Exit, PlanError> {
    let progress = Progress::new(Vec::new(), output.is_json());
    let planned = args.fleet.plan(&|text| progress.message(text))?;
    let plan = &planned.plan;
    if let Some(file) = &args.plan {
        as_reviewed(plan, file)?;
    }
    let nothing_changes = plan.batches.is_empty();
    if args.dry_run || (nothing_changes && args.defer.is_none()) {
        output.answer(&json!({ "plan": plan, "hosts": {} }), &show::text(plan));
        return Ok(Exit::Done);
    }
    may_reboot(plan.steps().iter().flatten(), &args.trial, &planned.admin.name)?;
    if args.defer.is_some() {
        deferred::check(&planned.staged)?;
    }
    let record = plan.record(who(), args.defer.is_some());
    desired::remember(&planned.admin, &record.push, plan.hosts.iter().map(|(name, host)| (name, &host.system)))?;
    // Before any host is changed, so that the commit is not forgotten if the pusher is killed.
    if let Some(message) = &args.defer {
        deferred::record(&planned.admin, &planned.staged, message, &record.who, &record.push)?;
    }
    if nothing_changes {
        // The hosts already run this (only a comment has changed, say): the commit is all that is left to do.
        let text = format!("{}the commit is deferred: make it with `polder reconcile`\n", show::text(plan));
        output.answer(&json!({ "push": record.push, "plan": plan, "hosts": {} }), &text);
        return Ok(Exit::Done);
    }
    show::text(plan).lines().for_each(|line| progress.message(line));
    let ended = roll_out(args, &planned, record.clone(), output.is_json());
    if args.defer.is_some() {
        match ended.activated_nothing() {
            true => deferred::withdraw(&planned.admin, &record.push)?,
            false => {
                progress.message("the commit is deferred: make it with `polder reconcile` once the svn server is back")
            }
        }
    }
    Ok(report(&json!(plan), &record, ended, output))
}

/// Refuses a plan that differs from the one in the file.
fn as_reviewed(plan: &Plan, file: &std::path::Path) -> Result<(), Error> {
    let differences = plan.differences(&Plan::load(file)?);
    match differences.is_empty() {
        true => Ok(()),
        false => {
            Err(Error::new(format!("what would be pushed differs from {}: {}", file.display(), differences.join("; ")))
                .remedy("plan again"))
        }
    }
}

/// Refuses restarts that nobody asked for, and the restart of the machine that would have to watch it.
pub(super) fn may_reboot<'a>(
    steps: impl Iterator<Item = &'a Step>,
    args: &TrialArgs,
    ourselves: &str,
) -> Result<(), Error> {
    let reboots: Vec<&Step> = steps.filter(|step| step.reboots()).collect();
    if reboots.iter().any(|step| step.host == ourselves) {
        return Err(Error::new(format!("{ourselves} has to restart for this, and could not watch that"))
            .remedy(format!("push it from another admin machine; here leave it out with --skip {ourselves}")));
    }
    if reboots.is_empty() || args.reboot {
        return Ok(());
    }
    let lines = reboots.iter().map(|step| format!("{} ({})", step.host, step.inhibitors.join(", ")));
    let lines: Vec<String> = lines.collect();
    let which = "cannot be switched to their new systems while they run";
    Err(Error::new(format!("{which}: {}", lines.join("; ")))
        .remedy("use --reboot to restart them into those, one at a time, or --skip to leave them out"))
}

fn roll_out(args: &PushArgs, planned: &Planned, record: Record, silent: bool) -> Ended {
    let plan = &planned.plan;
    let order: Vec<&String> = plan.batches.iter().flatten().collect();
    let unchanged = plan.hosts.keys().filter(|name| !order.contains(name));
    let rows = order.iter().copied().chain(unchanged.clone()).chain(&plan.skipped).cloned().collect();
    let progress = Progress::new(rows, silent);
    unchanged.for_each(|name| progress.reached(name, &Stage::Unchanged));
    plan.skipped.iter().for_each(|name| progress.reached(name, &Stage::Skipped));
    let rollout = Rollout {
        remotes: Arc::clone(&planned.remotes),
        fleet: &planned.fleet,
        record,
        batches: plan.steps(),
        derivations: order.iter().map(|name| plan.hosts[*name].derivation.clone()).collect(),
        locked: planned.selected.unskipped.clone(),
        confirm_within: args.trial.confirm_within,
        prove_within: args.trial.prove_within,
        old_keys: false,
        observer: &progress,
        announce: complain,
    };
    rollout.run()
}

/// Prints how the rollout ended.
pub(super) fn report(plan: &Value, record: &Record, ended: Ended, output: &Output) -> Exit {
    let ends = match ended {
        Ended::NotBegun(why) => return output.could_not(&format!("{why}; nothing was activated")),
        Ended::Rolled(ends) => ends,
    };
    let hosts: BTreeMap<&String, Value> = ends
        .iter()
        .map(|(host, end)| (host, json!({ "end": progress::word(end).0, "why": progress::reason(end) })))
        .collect();
    output.answer(&json!({ "push": record.push, "plan": plan, "hosts": hosts }), &summary(record, &ends));
    match ends.values().all(|end| *end == Stage::Confirmed) {
        true => Exit::Done,
        false => Exit::No,
    }
}

fn summary(record: &Record, ends: &BTreeMap<String, Stage>) -> String {
    let mut table = Table::new(&["HOST", "END", "WHY"]);
    for (host, end) in ends {
        let (word, tone) = progress::word(end);
        let why = progress::reason(end).unwrap_or_default();
        let mut lines = why.lines();
        table.row(vec![cell(host), toned(word, tone), cell(lines.next().unwrap_or_default())]);
        lines.for_each(|line| table.row(vec![cell(""), cell(""), cell(line)]));
    }
    let confirmed = ends.values().filter(|end| **end == Stage::Confirmed).count();
    let mut text = format!("{}\npush {}: {confirmed} of {} hosts confirmed", table.render(), record.push, ends.len());
    if ends.values().any(Stage::is_bad) && confirmed > 0 {
        text.push_str("; `polder rollback` reverts those too");
    }
    text + "\n"
}

#[cfg(test)]
mod tests;
