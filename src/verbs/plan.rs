//! `plan`: shows what a push would change, in terms of behaviour.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::json;
use similar::TextDiff;

use super::exit::Exit;
use super::fleet_args::{FleetArgs, no_plan};
use super::output::{Output, Tone, complain, printable};
use crate::fleet::diff::Effects;
use crate::fleet::running::Running;
use crate::push::error::Error;
use crate::push::pipeline::Planned;
use crate::push::pipeline::plan::Plan;

/// Lines of context in a diff.
const CONTEXT: usize = 3;

/// The arguments of `plan`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "Exit codes: 0 the plan is printed, 1 something is wrong with the fleet or its hosts, 2 usage, 3 could not run."
)]
pub struct PlanArgs {
    #[command(flatten)]
    /// What would be pushed to which hosts.
    pub fleet: FleetArgs,
    /// Also show the lines of documents and zones that change
    #[arg(long)]
    pub diff: bool,
    /// Save the plan, to be reviewed and then pushed with `polder push --plan FILE`
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
}

/// Makes and shows the plan.
pub fn run(args: &PlanArgs, output: &Output) -> Result<Exit, Error> {
    let progress = |text: &str| {
        if !output.is_json() {
            complain(text);
        }
    };
    match args.fleet.plan(&progress) {
        Ok(planned) => show(args, &planned, output),
        Err(why) => Ok(no_plan(&why, output)),
    }
}

fn show(args: &PlanArgs, planned: &Planned, output: &Output) -> Result<Exit, Error> {
    let plan = &planned.plan;
    if let Some(file) = &args.save {
        plan.save(file)?;
    }
    let diffs = if args.diff { diffs(&planned.old, &planned.new) } else { BTreeMap::new() };
    let lines: String = diffs.iter().map(|(what, diff)| format!("{what}\n{}", painted(diff))).collect();
    match args.diff {
        true => output.answer(&json!({ "plan": plan, "diffs": diffs }), &format!("{lines}{}", text(plan))),
        false => output.answer(plan, &text(plan)),
    }
    Ok(Exit::Done)
}

/// The lines that change, by host and file.
fn diffs(old: &BTreeMap<String, Running>, new: &BTreeMap<String, Running>) -> BTreeMap<String, String> {
    let mut diffs = BTreeMap::new();
    for (host, new) in new {
        let Some(old) = old.get(host) else { continue };
        for (old, new) in [(&old.documents, &new.documents), (&old.zones, &new.zones)] {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let side = |side: &BTreeMap<String, String>| side.get(name).cloned().unwrap_or_default();
                let (old, new) = (side(old), side(new));
                if old != new {
                    let diff = TextDiff::from_lines(&old, &new).unified_diff().context_radius(CONTEXT).to_string();
                    diffs.insert(format!("{host}: {name}"), diff);
                }
            }
        }
    }
    diffs
}

/// A coloured diff. The text comes from hosts, so control characters are made visible.
fn painted(diff: &str) -> String {
    let line = |line: &str| {
        let tone = match line.as_bytes().first() {
            Some(b'+') => Tone::Good,
            Some(b'-') => Tone::Bad,
            Some(b'@') => Tone::Faint,
            _ => Tone::Plain,
        };
        format!("{}\n", tone.paint(&printable(&line.replace('\t', "        "))))
    };
    diff.lines().map(line).collect()
}

/// A plan as text.
pub(super) fn text(plan: &Plan) -> String {
    if plan.batches.is_empty() {
        return format!("{}\n{}", Tone::Good.paint("nothing would change"), skipped(plan));
    }
    let mut text = String::new();
    for (name, host) in plan.hosts.iter().filter(|(_, host)| host.is_change()) {
        match host.inhibitors.is_empty() {
            true => text.push_str(&format!("{name}: {}\n", printable(&host.effects.in_words()))),
            false => {
                text.push_str(&format!("{name}: restarts (with --reboot), as a switch may not change what follows\n"))
            }
        }
        for line in &host.inhibitors {
            text.push_str(&format!("  {}\n", printable(line)));
        }
        for change in &host.changes {
            text.push_str(&format!("  {}\n", printable(change)));
        }
        if host.changes.is_empty() && host.effects == Effects::default() {
            text.push_str("  its documents, zones and units stay the same; something else in its system differs\n");
        }
    }
    let unchanged: Vec<&str> =
        plan.hosts.iter().filter(|(_, host)| !host.is_change()).map(|(name, _)| name.as_str()).collect();
    if !unchanged.is_empty() {
        text.push_str(&format!("unchanged: {}\n", unchanged.join(", ")));
    }
    text.push_str(&skipped(plan));
    for risk in &plan.risks {
        text.push_str(&format!("{} {}\n", Tone::Notable.paint("risk"), printable(risk)));
    }
    let batches: Vec<String> = plan.batches.iter().map(|batch| batch.join(" + ")).collect();
    text.push_str(&format!("order: {}\n", batches.join(", ")));
    text.push_str(&format!("plan: {}\n", short_hash(&plan.hash())));
    text
}

/// The start of a plan's hash, as `polder log` shows it too.
pub(super) fn short_hash(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

fn skipped(plan: &Plan) -> String {
    match plan.skipped.is_empty() {
        true => String::new(),
        false => format!("{} {}\n", Tone::Notable.paint("skipped:"), plan.skipped.join(", ")),
    }
}

#[cfg(test)]
mod tests;
