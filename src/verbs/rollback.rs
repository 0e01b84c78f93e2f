//! `rollback`: back to what ran before a push, by the hosts' ledgers: a push of systems that are there already.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::Exit;
use super::operator::who;
use super::output::Output;
use super::push::progress::Progress;
use super::push::rolling::{Rolling, remember};
use super::push::{TrialArgs, push_id, tell};
use super::reach::{FleetArg, Reach};
use crate::fleet::running::Running;
use crate::fleet::{Fleet, System};
use crate::push::fleet_lock::{ask_all, at_once, otherwise};
use crate::push::host::place::Place;
use crate::push::ledger::{Entry, Event, Kind, Record};
use crate::push::pipeline::order;
use crate::push::pipeline::selection::{Selected, Selection};
use crate::push::protocol::closure;
use crate::push::protocol::{Answer, Question, Report};
use crate::push::rollback::{Goal, has, last_in_force, target};
use crate::push::rollout::Move;

/// How long a host may take to answer.
const PROMPT: Duration = Duration::from_secs(20);

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

/// What a host says of itself.
type Known = (Report, Vec<Entry>);

/// Rolls back.
pub fn run(args: &RollbackArgs, output: &Output) -> Exit {
    match roll_back(args, output) {
        Ok(exit) => exit,
        Err(why) => output.could_not(&why),
    }
}

fn roll_back(args: &RollbackArgs, output: &Output) -> Result<Exit, String> {
    let reach = Reach::new(&args.fleet)?;
    let selection = Selection { only: args.only.clone(), skip: args.skip.clone() };
    let selected = selection.of(&reach.fleet)?;
    let known = ask(&reach, &selected)?;
    let goal = goal(args, &known)?;
    let mut moves = BTreeMap::new();
    for (host, (report, entries)) in &known {
        let system = target(entries, &report.system, &goal).map_err(|why| format!("{host}: {why}"))?;
        if let Some(system) = system {
            closure::in_store(&Place::of_this_machine().store, &system)
                .map_err(|why| format!("{host}: its ledger: {why}"))?;
            moves.insert(host.clone(), Move { host: host.clone(), before: report.system.clone(), system });
        }
    }
    let changed: Vec<String> = moves.keys().cloned().collect();
    let (skipped, ourselves) = (selected.skipped(&reach.fleet), Some(reach.admin.name.as_str()));
    let running = running(&reach, &selected.awake, &|_| None)?;
    let fleet = once_back(&reach, &running, &moves)?;
    let order = order::batches(&fleet, &running, &changed, &skipped, ourselves, 4);
    let progress = Progress::new(order.concat(), output.is_json());
    if args.dry_run || moves.is_empty() {
        output.answer(&json!({ "hosts": shown(&moves) }), &text(&goal, &order, &moves));
        return Ok(Exit::Done);
    }
    text(&goal, &order, &moves).lines().for_each(|line| progress.say(line));
    let record = record(revision(args, &known), &selected, &reach);
    remember(&reach.admin, &record, moves.iter().map(|(host, one)| (host, &one.system)))?;
    let batches = order.iter().map(|batch| batch.iter().map(|host| moves[host].clone()).collect()).collect();
    let rolling = Rolling {
        remotes: Arc::clone(&reach.remotes),
        fleet: &fleet,
        record: record.clone(),
        batches,
        derivations: Vec::new(),
        locked: selected.awake,
        confirm_within: args.trial.confirm_within.as_secs(),
        old_keys: args.old_keys,
        patience: args.trial.prove_within,
        progress: &progress,
    };
    Ok(tell(&json!({ "hosts": shown(&moves) }), &record, rolling.run(), output))
}

fn goal(args: &RollbackArgs, known: &BTreeMap<String, Known>) -> Result<Goal, String> {
    if let Some(push) = &args.to {
        if !known.values().any(|(_, entries)| has(entries, push)) {
            return Err(format!("no host's ledger has a confirmed push {push}: see `polder log`"));
        }
        return Ok(Goal::After(push.clone()));
    }
    let hosts = known.values().map(|(report, entries)| (report.system.as_path(), &entries[..]));
    let push = last_in_force(hosts).ok_or(
        "no host runs what was pushed to it: it was rolled back already, or somebody switched it by hand; name the push to go \
         back to with --to (`polder log`)",
    )?;
    Ok(Goal::Before(push))
}

/// The fleet as its hosts' own documents have it once they are back. By that they are proved, and not by what was evaluated
/// last: what is taken back may have brought zones and services, and what is being written may have more.
fn once_back(
    reach: &Reach,
    running: &BTreeMap<String, Running>,
    moves: &BTreeMap<String, Move>,
) -> Result<Fleet, String> {
    let moved: Vec<String> = moves.keys().cloned().collect();
    let targets = self::running(reach, &moved, &|host| moves.get(host).map(|one| one.system.clone()))?;
    let mut fleet = Fleet::clone(&reach.fleet);
    for (host, running) in running.iter().chain(&targets) {
        let document = |name: &str| running.documents.get(name).cloned();
        let (dns, proxy) = (document("dns.json"), document("proxy.json"));
        fleet.systems.insert(host.clone(), System::Rendered { dns, proxy, deployable: None });
    }
    Ok(fleet)
}

/// What hosts run with, or would with the systems that are named.
fn running(
    reach: &Reach,
    hosts: &[String],
    system: &(dyn Fn(&str) -> Option<PathBuf> + Sync),
) -> Result<BTreeMap<String, Running>, String> {
    let answers = at_once(hosts, |host| reach.remotes.ask(host, &Question::Running { system: system(host) }, PROMPT));
    let known = hosts.iter().zip(answers).map(|(host, answer)| match answer {
        Ok(Answer::Running(running)) => Ok((host.clone(), *running)),
        other => Err(format!("{host}: {}; leave it out with --skip {host} if it is dead", otherwise(other))),
    });
    known.collect()
}

/// Every chosen host: all of them have to answer, or be left out.
fn ask(reach: &Reach, selected: &Selected) -> Result<BTreeMap<String, Known>, String> {
    let hosts = &selected.chosen;
    let reports = ask_all(&*reach.remotes, hosts, &Question::Report, PROMPT);
    let ledgers = ask_all(&*reach.remotes, hosts, &Question::Ledger { last: usize::MAX }, PROMPT);
    let mut known = BTreeMap::new();
    for (host, (report, ledger)) in hosts.iter().zip(reports.into_iter().zip(ledgers)) {
        match (report, ledger) {
            (Ok(Answer::Report(report)), Ok(Answer::Ledger { entries })) => {
                known.insert(host.clone(), (*report, entries));
            }
            (Err(silence), _) | (_, Err(silence)) => {
                return Err(format!("{host} does not answer: {}; leave it out with --skip {host}", silence.in_words()));
            }
            _ => return Err(format!("{host}: its gate is of another release")),
        }
    }
    Ok(known)
}

/// Of the push that is gone back to. Before the last push each host may have had one of its own.
fn revision(args: &RollbackArgs, known: &BTreeMap<String, Known>) -> Option<String> {
    let push = args.to.as_ref()?;
    let recorded = known.values().flat_map(|(_, entries)| entries).find_map(|entry| match &entry.event {
        Event::Activation { record, .. } if record.push == *push => Some(record),
        _ => None,
    });
    recorded?.revision.clone()
}

fn record(revision: Option<String>, selected: &Selected, reach: &Reach) -> Record {
    Record {
        push: push_id(),
        kind: Kind::Rollback,
        who: who(),
        revision,
        local_changes: Vec::new(),
        deferred: false,
        plan: String::new(),
        skipped: selected.skipped(&reach.fleet),
    }
}

fn shown(moves: &BTreeMap<String, Move>) -> BTreeMap<&String, (&PathBuf, &PathBuf)> {
    moves.iter().map(|(host, one)| (host, (&one.before, &one.system))).collect()
}

fn text(goal: &Goal, order: &[Vec<String>], moves: &BTreeMap<String, Move>) -> String {
    if moves.is_empty() {
        return "nothing would change\n".to_owned();
    }
    let what = match goal {
        Goal::Before(push) => format!("takes back the push {push}\n"),
        Goal::After(_) => String::new(),
    };
    let line = |host: &String| {
        let Move { before, system, .. } = &moves[host];
        format!("{host}: {} -> {}\n", before.display(), system.display())
    };
    what + &order.iter().flatten().map(line).collect::<String>()
}
