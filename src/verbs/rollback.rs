//! `rollback`: back to what ran before a push, by the hosts' ledgers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::args::FleetArg;
use super::exit::Exit;
use super::operator::who;
use super::output::{Output, complain};
use super::push::progress::Progress;
use super::push::{TrialArgs, report};
use super::reach::Reach;
use crate::push::admin::desired;
use crate::push::error::Error;
use crate::push::pipeline::selection::Selection;
use crate::push::rollback::target::Goal;
use crate::push::rollback::{Rollback, prepare};
use crate::push::rollout::{Observer, Rollout};

/// What `rollback` takes.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Exit codes: 0 all hosts are where they should be, 1 they are not, 2 usage, 3 could not run.")]
pub struct RollbackArgs {
    /// Only these: a host, a role or a location [default: the whole fleet]. The others are locked all the same: leave a dead one
    /// out with --skip
    #[arg(value_name = "HOST|ROLE|LOCATION")]
    pub only: Vec<String>,
    /// Leave a host out that is dead (may be repeated)
    #[arg(long, value_name = "HOST")]
    pub skip: Vec<String>,
    /// To what ran when this push was over (`polder log` names them) [default: take the last push back]
    #[arg(long, value_name = "PUSH")]
    pub to: Option<String>,
    /// Also to a system that trusts keys which the fleet has stopped naming: only if they were never in foreign hands
    #[arg(long)]
    pub old_keys: bool,
    /// Show what would be done and do nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    /// How long hosts have.
    pub trial: TrialArgs,
    #[command(flatten)]
    /// Which fleet.
    pub fleet: FleetArg,
}

/// Rolls back.
pub fn run(args: &RollbackArgs, output: &Output) -> Exit {
    match roll_back(args, output) {
        Ok(exit) => exit,
        Err(error) => output.could_not(&error.to_string()),
    }
}

fn roll_back(args: &RollbackArgs, output: &Output) -> Result<Exit, Error> {
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
    let record = rollback.record(who());
    desired::remember(&reach.admin, &record.push, rollback.steps().map(|step| (&step.host, &step.system)))?;
    let rollout = Rollout {
        remotes: Arc::clone(&reach.remotes),
        fleet: &rollback.fleet,
        record: record.clone(),
        batches: rollback.batches.clone(),
        derivations: Vec::new(),
        locked: rollback.selected.awake.clone(),
        confirm_within: args.trial.confirm_within,
        prove_within: args.trial.prove_within,
        old_keys: args.old_keys,
        observer: &progress,
        announce: complain,
    };
    Ok(report(&json!({ "hosts": hosts }), &record, rollout.run(), output))
}

fn text(rollback: &Rollback) -> String {
    let mut text = match (&rollback.goal, rollback.batches.is_empty()) {
        (_, true) => return "nothing would change\n".to_owned(),
        (Goal::Before(push), false) => format!("takes back the push {push}\n"),
        (Goal::After(_), false) => String::new(),
    };
    for step in rollback.steps() {
        text.push_str(&format!("{}: {} -> {}\n", step.host, step.before.display(), step.system.display()));
    }
    text
}
