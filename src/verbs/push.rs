//! `push`: from the working copy to every host, or none (DESIGN 11).

mod interrupt;
pub(super) mod progress;
mod proving;
pub(super) mod rolling;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::Exit;
use super::fleet_args::{FleetArgs, Known, Refusal};
use super::operator::{parse_duration, who};
use super::output::{Output, Table, cell, toned};
use super::plan as show;
use crate::push::deferred;
use crate::push::ledger::{Kind, Record};
use crate::push::pipeline::plan::Plan;
use crate::push::pipeline::stage::Kind as Repository;
use crate::push::pipeline::stage::Revision;
use crate::push::rollout::{Move, Stage, Watch};
use progress::Progress;
use rolling::{Ended, Rolling, remember};

/// What `push` takes.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Exit codes: 0 all hosts have what they should, 1 they have not, 2 usage, 3 could not run.")]
pub struct PushArgs {
    #[command(flatten)]
    /// What is pushed where.
    pub fleet: FleetArgs,
    /// Push this plan, which `polder plan --save` wrote and somebody has reviewed: refuse whatever differs from it
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Local changes are to be committed later, with this log message (the svn server is down, say): see `polder reconcile`
    #[arg(long, value_name = "MESSAGE")]
    pub defer: Option<String>,
    /// Show the plan and do nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    /// How long hosts have.
    pub trial: TrialArgs,
}

/// How long hosts have.
#[derive(Debug, Clone, clap::Args)]
pub struct TrialArgs {
    /// How long a host runs a new system on trial before it goes back by itself
    #[arg(long, value_name = "DURATION", default_value = "90s", value_parser = parse_duration)]
    pub confirm_within: Duration,
    /// How long a host may take after its switch until it serves as before
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = parse_duration)]
    pub prove_within: Duration,
}

/// Pushes.
pub fn run(args: &PushArgs, output: &Output) -> Exit {
    match push(args, output) {
        Ok(exit) => exit,
        Err(refusal) => refusal.tell(output),
    }
}

fn push(args: &PushArgs, output: &Output) -> Result<Exit, Refusal> {
    let progress = Progress::new(Vec::new(), output.is_json());
    let known = args.fleet.know(&|text| progress.say(text))?;
    if let Some(file) = &args.plan {
        let differences = known.plan.differences(&Plan::load(file)?);
        if !differences.is_empty() {
            return Err(Refusal::CouldNot(format!(
                "what would be pushed differs from {}: {}; plan again",
                file.display(),
                differences.join("; ")
            )));
        }
    }
    if let (true, false, Some(message)) = (known.plan.batches.is_empty(), args.dry_run, &args.defer) {
        return defer_alone(args, &known, message, output);
    }
    if args.dry_run || known.plan.batches.is_empty() {
        output.answer(&json!({ "plan": known.plan, "hosts": {} }), &show::text(&known.plan));
        return Ok(Exit::Done);
    }
    show::text(&known.plan).lines().for_each(|line| progress.say(line));
    let record = record(args, &known)?;
    remember(&known.admin, &record, known.plan.hosts.iter().map(|(name, host)| (name, &host.system)))?;
    // Before any host has it: a pusher that is killed owes the commit all the same.
    if let Some(message) = &args.defer {
        deferred::record(&known.admin, &known.staged, message, &record.who, &record.push)?;
    }
    let ended = roll(args, &known, record.clone(), output.is_json());
    if args.defer.is_some() {
        match ended.activated_nothing() {
            true => deferred::withdraw(&known.admin, &record.push)?,
            false => progress.say("the commit is deferred: `polder reconcile` makes it once the svn server is back"),
        }
    }
    Ok(tell(&json!(known.plan), &record, ended, output))
}

/// What is deployed is what stands here already (a comment has changed, say): only the commit is owed.
fn defer_alone(args: &PushArgs, known: &Known, message: &str, output: &Output) -> Result<Exit, Refusal> {
    let record = record(args, known)?;
    remember(&known.admin, &record, known.plan.hosts.iter().map(|(name, host)| (name, &host.system)))?;
    deferred::record(&known.admin, &known.staged, message, &record.who, &record.push)?;
    let text = format!("{}the commit is deferred: `polder reconcile` makes it\n", show::text(&known.plan));
    output.answer(&json!({ "push": record.push, "plan": known.plan, "hosts": {} }), &text);
    Ok(Exit::Done)
}

/// What the ledgers will say.
fn record(args: &PushArgs, known: &Known) -> Result<Record, Refusal> {
    let plan = &known.plan;
    let is_svn = matches!(known.staged.revision, Revision::Known { kind: Repository::Svn, .. });
    if args.defer.is_some() && (!is_svn || plan.local_changes.is_empty()) {
        return Err(Refusal::CouldNot(
            "--defer: there is nothing to commit later: expected an svn working copy with local changes".to_owned(),
        ));
    }
    Ok(Record {
        push: push_id(),
        kind: Kind::Push,
        who: who(),
        revision: plan.revision.clone(),
        local_changes: plan.local_changes.clone(),
        deferred: args.defer.is_some(),
        plan: plan.hash(),
        skipped: plan.skipped.clone(),
    })
}

/// A name that no other push has: the time, and something random.
pub(super) fn push_id() -> String {
    let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    format!("{now}-{:04x}", fastrand::u16(..))
}

fn roll(args: &PushArgs, known: &Known, record: Record, silent: bool) -> Ended {
    let plan = &known.plan;
    let moves = |batch: &Vec<String>| {
        let one = |name: &String| Move {
            host: name.clone(),
            before: plan.hosts[name].before.clone(),
            system: plan.hosts[name].system.clone(),
        };
        batch.iter().map(one).collect()
    };
    let order: Vec<String> = plan.batches.concat();
    let unchanged = plan.hosts.keys().filter(|name| !order.contains(name));
    let progress = Progress::new(order.iter().chain(unchanged.clone()).chain(&plan.skipped).cloned().collect(), silent);
    unchanged.for_each(|name| progress.at(name, &Stage::Unchanged));
    plan.skipped.iter().for_each(|name| progress.at(name, &Stage::Skipped));
    let rolling = Rolling {
        remotes: known.remotes.clone(),
        fleet: &known.fleet,
        record,
        batches: plan.batches.iter().map(moves).collect(),
        derivations: order.iter().map(|name| plan.hosts[name].derivation.clone()).collect(),
        locked: known.selected.awake.clone(),
        confirm_within: args.trial.confirm_within.as_secs(),
        old_keys: false,
        patience: args.trial.prove_within,
        progress: &progress,
    };
    rolling.run()
}

/// Prints how it ended.
pub(super) fn tell(plan: &Value, record: &Record, ended: Ended, output: &Output) -> Exit {
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
        let mut lines = progress::reason(end).unwrap_or_default().lines();
        table.row(vec![cell(host), toned(word, tone), cell(lines.next().unwrap_or_default())]);
        lines.for_each(|line| table.row(vec![cell(""), cell(""), cell(line)]));
    }
    let confirmed = ends.values().filter(|end| **end == Stage::Confirmed).count();
    let mut text = format!("{}\npush {}: {confirmed} of {} hosts confirmed", table.render(), record.push, ends.len());
    if ends.values().any(Stage::is_bad) && confirmed > 0 {
        text.push_str("; `polder rollback` takes those back too");
    }
    text + "\n"
}
