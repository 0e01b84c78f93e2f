//! `reconcile`: commits what was deployed while the svn server was down, and proves that the commit is what was deployed.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::exit::Exit;
use super::output::{Output, Tone, complain, printable};
use super::plan::short_hash;
use crate::push::admin::Admin;
use crate::push::admin::desired;
use crate::push::admin::known_fleet;
use crate::push::deferred::{self, ReconcileError, Reconciled};
use crate::push::error::Error;

/// The arguments of `reconcile`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Exit codes: 0 no commit is deferred, 1 a commit is still deferred, 2 usage, 3 could not run.")]
pub struct ReconcileArgs {
    /// The working copy that was pushed [default: this folder if it has a flake.nix, else the working copy]
    #[arg(value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// Commit nothing and forget the deferred commit of this push, because it was rolled back (`polder status` lists them)
    #[arg(long, value_name = "PUSH", conflicts_with = "folder")]
    pub forget: Option<String>,
}

/// Runs `reconcile`.
pub fn run(args: &ReconcileArgs, output: &Output) -> Result<Exit, Error> {
    let admin = known_fleet::this_admin()?;
    if let Some(push) = &args.forget {
        return forget(&admin, push, output);
    }
    let folder = args.folder.clone().unwrap_or_else(|| admin.fleet_folder());
    match deferred::reconcile(&admin, &folder) {
        Ok(None) => {
            output.answer(
                &json!({ "deferred": false }),
                "no commit is deferred on this machine; a push from another one is reconciled there\n",
            );
            Ok(Exit::Done)
        }
        Ok(Some(done)) => {
            let later = desired::load(&admin).map(|desired| desired.push).filter(|push| !done.pushes.contains(push));
            output.answer(
                &json!({ "deferred": false, "reconciled": done, "later": later }),
                &success_text(&done, later.as_deref()),
            );
            Ok(Exit::Done)
        }
        Err(ReconcileError::Failed(why)) => Err(why),
        Err(refusal) => {
            let why = reasons(&refusal, &folder);
            output.answer(&json!({ "deferred": true, "why": why }), "");
            why.iter().for_each(|line| complain(line));
            Ok(Exit::No)
        }
    }
}

fn forget(admin: &Admin, push: &str, output: &Output) -> Result<Exit, Error> {
    let known = deferred::all(admin)?;
    if !known.iter().any(|record| record.push == push) {
        let names: Vec<&str> = known.iter().map(|record| record.push.as_str()).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(Error::new(format!("no commit of push {push} is deferred on this machine; deferred: {names}")));
    }
    deferred::withdraw(admin, push)?;
    output.answer(&json!({ "forgotten": push }), &format!("forgot the deferred commit of push {push}\n"));
    Ok(Exit::Done)
}

fn success_text(done: &Reconciled, later: Option<&str>) -> String {
    let revision = done.revision.map_or_else(|| "the repository".to_owned(), |revision| format!("r{revision}"));
    let mut text = match done.committed {
        true => format!("committed as {revision}: what push {} deployed\n", printable(&done.pushes.join(", "))),
        false => format!("{revision} already has what push {} deployed\n", printable(&done.pushes.join(", "))),
    };
    if let Some(later) = later {
        let words = format!("{later} was pushed or rolled back from here since: `polder plan` shows the differences");
        text.push_str(&format!("{}\n", Tone::Notable.paint(&words)));
    } else if done.not_deployed.is_empty() {
        let proof = format!("what is committed is what is deployed ({})", short_hash(&done.deployed));
        text.push_str(&format!("{}\n", Tone::Good.paint(&proof)));
    } else {
        let files: Vec<String> = done.not_deployed.iter().map(|file| file.display().to_string()).collect();
        let words = format!(
            "others have committed changes that are not deployed: {}; `polder plan` shows their effect",
            printable(&files.join(", "))
        );
        text.push_str(&format!("{}\n", Tone::Notable.paint(&words)));
    }
    text
}

/// Why nothing was committed, a line for each reason.
fn reasons(refusal: &ReconcileError, folder: &Path) -> Vec<String> {
    let shown = |file: &PathBuf| folder.join(file).display().to_string();
    match refusal {
        ReconcileError::Failed(why) => vec![why.to_string()],
        ReconcileError::Unreachable(why) => {
            vec![format!("the svn server does not answer, so the commit stays deferred: {why}")]
        }
        ReconcileError::Edited(files) => {
            let why = "is not as it was deployed: push it with --defer, or revert the change; nothing is committed";
            files.iter().map(|file| format!("{} {why}", shown(file))).collect()
        }
        ReconcileError::Merged(files) => {
            let why = "svn update merged other changes into it, so it is not as it was deployed: check with `polder plan`, \
                       then push it; nothing is committed";
            files.iter().map(|file| format!("{}: {why}", shown(file))).collect()
        }
        ReconcileError::Unfit(unfit) => {
            unfit.iter().map(|one| format!("{} {}; nothing is committed", shown(&one.file), one.message)).collect()
        }
    }
}
