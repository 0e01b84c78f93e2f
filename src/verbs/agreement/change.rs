//! `agreement join`, `replace` and `remove`: step by step, each decided by what the members say then. Whoever runs it again goes on where
//! it stands.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cluster::{look_at_all, make};
use super::document::FileArg;
use crate::config::duration;
use crate::config::membership::MembershipConfig;
use crate::counted::listed;
use crate::etcd::membership::{Goal, Picture, Step, Wanted, next};
use crate::push::error::Error;
use crate::verbs::args::parse_limit;
use crate::verbs::exit::Exit;
use crate::verbs::output::{Output, complain};

pub(super) const AFTER_HELP: &str = "\
It looks before each step, and goes on where it stands when it is run again.
Exit codes: 0 done, 1 refused, or a step on another machine is still to come (it
says which), 3 could not run, 4 --wait ran out of time.";

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// For how long etcd may refuse what it will do in a moment.
const PATIENCE: Duration = Duration::from_secs(15);

/// What it says then: members have to hear each other for five seconds; the leader has to see that one has caught up; and one that is taken in
/// within the second in which one of the same address was taken out would get the same number.
const NOT_YET: [&str; 3] = ["unhealthy cluster", "in sync with leader", "member not found"];

/// How it is done.
#[derive(Debug, Clone, clap::Args)]
pub struct How {
    /// Show the steps, and change nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    /// Wait until the member has been started and has its vote
    #[arg(long)]
    pub wait: bool,
    /// How long to wait at most
    #[arg(long, value_name = "DURATION", requires = "wait", default_value = "10m", value_parser = parse_limit, allow_hyphen_values = true)]
    pub wait_limit: Duration,
    #[command(flatten)]
    /// Where the members are named.
    pub file: FileArg,
}

/// What `agreement join` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct JoinArgs {
    /// The member, as the document names it
    pub name: String,
    #[command(flatten)]
    /// How it is done.
    pub how: How,
}

/// What `agreement replace` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct ReplaceArgs {
    /// The member that has lost its data
    pub name: String,
    /// The member that gets its place, where it is another one
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    #[command(flatten)]
    /// How it is done.
    pub how: How,
}

/// What `agreement remove` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct RemoveArgs {
    /// The member, by its name; one that has never been started by its URL
    pub name: String,
    /// Show the steps, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    /// Where the members are named.
    pub file: FileArg,
}

pub(super) async fn join(args: &JoinArgs, output: &Output) -> Result<Exit, Error> {
    let config = args.how.file.read()?;
    match wanted(&config, &args.name) {
        Ok(wanted) => reach(&Goal::Join(wanted), &config, &args.how, output).await,
        Err(why) => Ok(output.refuse(&why, Exit::No)),
    }
}

pub(super) async fn replace(args: &ReplaceArgs, output: &Output) -> Result<Exit, Error> {
    let config = args.how.file.read()?;
    match wanted(&config, args.by.as_ref().unwrap_or(&args.name)) {
        Ok(by) => reach(&Goal::Replace { name: args.name.clone(), by }, &config, &args.how, output).await,
        Err(why) => Ok(output.refuse(&why, Exit::No)),
    }
}

pub(super) async fn remove(args: &RemoveArgs, output: &Output) -> Result<Exit, Error> {
    let config = args.file.read()?;
    let how = How { dry_run: args.dry_run, wait: false, wait_limit: Duration::ZERO, file: args.file.clone() };
    reach(&Goal::Remove(args.name.clone()), &config, &how, output).await
}

/// The member of this name, as the document has it.
fn wanted(config: &MembershipConfig, name: &str) -> Result<Wanted, Error> {
    let member = config.members.get(name).ok_or_else(|| {
        Error::new(format!(
            "{name:?} is not among the members of the document: these are {}",
            listed(config.members.keys())
        ))
        .remedy("name its host in polder.fleet.agreement.hosts and push, or write it into the document")
    })?;
    Ok(Wanted { name: name.to_owned(), peer: member.peer.clone() })
}

/// What has been done on the way.
struct Progress<'o> {
    steps: Vec<String>,
    output: &'o Output,
}

impl Progress<'_> {
    fn note(&mut self, words: String) {
        // What is said for machines comes once, at the end.
        if !self.output.is_json() {
            self.output.answer(&Value::Null, &format!("{words}\n"));
        }
        self.steps.push(words);
    }

    fn end(&self, how: Exit, words: &str) -> Exit {
        let output = self.output;
        let answer = json!({ "steps": self.steps, "done": how == Exit::Done, "words": words });
        match how {
            Exit::Done => output.answer(&answer, &format!("{words}\n")),
            _ => {
                if output.is_json() {
                    output.answer(&answer, "");
                }
                complain(words);
            }
        }
        how
    }
}

/// Goes step by step.
async fn reach(goal: &Goal, config: &MembershipConfig, how: &How, output: &Output) -> Result<Exit, Error> {
    let (mut progress, began) = (Progress { steps: Vec::new(), output }, Instant::now());
    let mut in_vain: Option<Instant> = None;
    let mut waited_for = None;
    loop {
        let asked = look_at_all(config).await;
        let picture = Picture::of(&asked);
        let step = next(&picture, goal);
        if how.dry_run {
            return Ok(tell_all(picture, goal, output));
        }
        match &step {
            Step::Done(words) => return Ok(progress.end(Exit::Done, words)),
            Step::Refuse { why, remedy } => {
                return Ok(progress.end(Exit::No, &format!("{why}; {remedy}")));
            }
            Step::AwaitStart(name) if !how.wait => {
                return Ok(progress.end(Exit::No, &to_be_started(config, name)));
            }
            Step::AwaitStart(_) | Step::AwaitCatchUp { .. } => {
                let is_new = waited_for
                    .as_ref()
                    .is_none_or(|before| std::mem::discriminant(before) != std::mem::discriminant(&step));
                if is_new {
                    progress.note(match &step {
                        Step::AwaitStart(name) => {
                            let limit = duration::format(how.wait_limit);
                            format!(
                                "{}; waiting for that, for {limit} at most (--wait-limit)",
                                start_there(config, name)
                            )
                        }
                        other => other.in_words(),
                    });
                }
                let limit = if how.wait { how.wait_limit } else { PATIENCE };
                if began.elapsed() > limit {
                    let exit = if how.wait { Exit::TimeUp } else { Exit::No };
                    return Ok(progress.end(exit, &format!("{}; run this again to go on", step.in_words())));
                }
                waited_for = Some(step);
                tokio::time::sleep(PAUSE).await;
            }
            Step::Remove { .. } | Step::Add(_) | Step::Promote { .. } => {
                match make(config, &picture, &asked, &step).await {
                    Ok(()) => {
                        progress.note(format!("done: {}", step.in_words()));
                        in_vain = None;
                    }
                    Err(why) if is_early(&why.to_string(), &mut in_vain) => tokio::time::sleep(PAUSE).await,
                    Err(why) => {
                        let words = format!(
                            "could not {}: {why}; run this again: it looks first what has been done",
                            step.in_words()
                        );
                        return Ok(progress.end(Exit::CouldNot, &words));
                    }
                }
            }
        }
    }
}

/// Whether etcd refuses it for the moment only: nothing has been done then.
fn is_early(why: &str, since: &mut Option<Instant>) -> bool {
    NOT_YET.iter().any(|words| why.contains(words)) && since.get_or_insert_with(Instant::now).elapsed() < PATIENCE
}

/// What is to be done on the member's machine, and then here.
fn to_be_started(config: &MembershipConfig, name: &str) -> String {
    format!("{}; then run this again, for its vote", start_there(config, name))
}

/// What is to be done on the member's machine.
fn start_there(config: &MembershipConfig, name: &str) -> String {
    let folder =
        config.here.as_ref().map_or_else(|| "its data folder".to_owned(), |here| here.data_dir.display().to_string());
    format!(
        "{name} has been taken in, and has to start without old data: there, as root, `systemctl stop etcd; rm -rf {folder}/member; \
         systemctl start etcd`"
    )
}

/// All steps from here on, as far as they can be known.
fn tell_all(mut picture: Picture, goal: &Goal, output: &Output) -> Exit {
    let mut steps: Vec<String> = Vec::new();
    loop {
        let step = next(&picture, goal);
        if let Step::Refuse { why, remedy } = &step {
            return output.refuse(&format!("{why}; {remedy}"), Exit::No);
        }
        let is_end = !step.is_change();
        steps.push(step.in_words());
        if let Step::AwaitStart(name) = &step {
            steps.push(format!("{name} has to catch up"));
            steps.push(format!("give {name} its vote"));
        }
        if is_end {
            break;
        }
        picture = picture.after(&step);
    }
    let text: String = steps.iter().map(|step| format!("would come: {step}\n")).collect();
    output.answer(
        &json!({ "steps": steps, "done": false }),
        &format!("{text}Nothing has changed: this was a question.\n"),
    );
    Exit::Done
}
