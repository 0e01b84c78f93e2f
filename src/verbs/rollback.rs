//! `rollback`: takes hosts back to what they ran before a push, according to their ledgers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::args::FleetArg;
use super::caller::who;
use super::exit::Exit;
use super::output::{Output, complain, printable};
use super::push::progress::Progress;
use super::push::{TrialArgs, may_reboot, report};
use super::reach::Reach;
use crate::push::admin::desired;
use crate::push::error::Error;
use crate::push::pipeline::selection::Selection;
use crate::push::rollback::target::Goal;
use crate::push::rollback::{Rollback, prepare};
use crate::push::rollout::{Observer, Rollout};

/// The arguments of `rollback`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "Exit codes: 0 every host runs the system to go back to, 1 at least one does not, 2 usage, 3 could not run."
)]
pub struct RollbackArgs {
    /// Roll back only this host, role or location [default: the whole fleet]. The other hosts are locked as well: leave out a dead
    /// one with --skip
    #[arg(value_name = "HOST|ROLE|LOCATION")]
    pub only: Vec<String>,
    /// Leave out a dead host (may be repeated)
    #[arg(long, value_name = "HOST")]
    pub skip: Vec<String>,
    /// Go back to what ran after this push (see `polder log`) [default: to what ran before the last push]
    #[arg(long, value_name = "PUSH")]
    pub to: Option<String>,
    /// Allow a system that trusts keys which the fleet no longer lists: only if they were never compromised
    #[arg(long)]
    pub old_keys: bool,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    /// How each host is tried.
    pub trial: TrialArgs,
    #[command(flatten)]
    /// Which fleet.
    pub fleet: FleetArg,
}

/// Runs `rollback`.
pub fn run(args: &RollbackArgs, output: &Output) -> Result<Exit, Error> {
    let reach = Reach::new(&args.fleet)?;
    let selection = Selection { only: args.only.clone(), skip: args.skip.clone() };
    let rollback = prepare(&reach.fleet, &reach.remotes, &selection, args.to.as_deref())?;
    let hosts: BTreeMap<&String, (&PathBuf, &PathBuf)> =
        rollback.steps().map(|step| (&step.host, (&step.before, &step.system))).collect();
    if args.dry_run || hosts.is_empty() {
        output.answer(&json!({ "hosts": hosts }), &text(&rollback));
        return Ok(Exit::Done);
    }
    let progress = Progress::new(rollback.steps().map(|step| step.host.clone()).collect(), output.is_json());
    text(&rollback).lines().for_each(|line| progress.message(line));
    may_reboot(rollback.steps(), &args.trial, &reach.admin.name)?;
    let record = rollback.record(who());
    desired::remember(&reach.admin, &record.push, rollback.steps().map(|step| (&step.host, &step.system)))?;
    let rollout = Rollout {
        remotes: Arc::clone(&reach.remotes),
        fleet: &rollback.fleet,
        record: record.clone(),
        batches: rollback.batches.clone(),
        derivations: Vec::new(),
        locked: rollback.selected.unskipped.clone(),
        confirm_within: args.trial.confirm_within,
        prove_within: args.trial.prove_within,
        old_keys: args.old_keys,
        observer: &progress,
        announce: complain,
    };
    let result = rollout.run();
    // Its rows are drawn a last time before anything is printed below them.
    drop(progress);
    Ok(report(&json!({ "hosts": hosts }), &record, result, output))
}

fn text(rollback: &Rollback) -> String {
    let mut text = match (&rollback.goal, rollback.batches.is_empty()) {
        (_, true) => return "nothing would change\n".to_owned(),
        (Goal::Before(push), false) => format!("reverts push {push}\n"),
        (Goal::After(_), false) => String::new(),
    };
    for step in rollback.steps() {
        text.push_str(&format!("{}: {} -> {}\n", step.host, step.before.display(), step.system.display()));
        for line in &step.inhibitors {
            text.push_str(&format!("  restarts, as a switch may not change {}\n", printable(line)));
        }
    }
    text
}
