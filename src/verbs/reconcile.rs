//! `reconcile`: commits what was deployed while the svn server was down, and proves that the commit is what was deployed.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::exit::Exit;
use super::output::{Output, Tone, complain, printable};
use crate::push::admin::Admin;
use crate::push::admin::desired;
use crate::push::admin::known_fleet;
use crate::push::deferred::{self, ReconcileError, Reconciled};

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
pub fn run(args: &ReconcileArgs, output: &Output) -> Exit {
    let admin = match known_fleet::this_admin() {
        Ok(admin) => admin,
        Err(why) => return output.could_not(&why),
    };
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
            Exit::Done
        }
        Ok(Some(done)) => {
            let later = desired::load(&admin).map(|wanted| wanted.push).filter(|push| !done.pushes.contains(push));
            output.answer(
                &json!({ "deferred": false, "reconciled": done, "later": later }),
                &success_text(&done, later.as_deref()),
            );
            Exit::Done
        }
        Err(ReconcileError::Failed(why)) => output.could_not(&why),
        Err(refusal) => {
            let why = reasons(&refusal, &folder);
            output.answer(&json!({ "deferred": true, "why": why }), "");
            for line in &why {
                complain(line);
            }
            Exit::No
        }
    }
}

fn forget(admin: &Admin, push: &str, output: &Output) -> Exit {
    let known = match deferred::all(admin) {
        Ok(known) => known,
        Err(why) => return output.could_not(&why),
    };
    if !known.iter().any(|record| record.push == push) {
        let names: Vec<&str> = known.iter().map(|record| record.push.as_str()).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return output.could_not(&format!("no commit of push {push} is deferred on this machine; deferred: {names}"));
    }
    match deferred::withdraw(admin, push) {
        Ok(()) => {
            output.answer(&json!({ "forgotten": push }), &format!("forgot the deferred commit of push {push}\n"));
            Exit::Done
        }
        Err(why) => output.could_not(&why),
    }
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
        let proof = format!("what is committed is what is deployed ({})", short(&done.deployed));
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

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// Why nothing was committed, a line for each reason.
fn reasons(refusal: &ReconcileError, folder: &Path) -> Vec<String> {
    let shown = |file: &PathBuf| folder.join(file).display().to_string();
    match refusal {
        ReconcileError::Failed(why) => vec![why.to_string()],
        ReconcileError::Unreachable(why) => vec![format!("the svn server does not answer, so the commit stays deferred: {why}")],
        ReconcileError::Edited(files) => files
            .iter()
            .map(|file| {
                format!(
                    "{} is not as it was deployed: push it with --defer, or revert the change; nothing is committed",
                    shown(file)
                )
            })
            .collect(),
        ReconcileError::Merged(files) => files
            .iter()
            .map(|file| {
                format!(
                    "{}: svn update merged other changes into it, so it is not as it was deployed: check with `polder plan`, then push it; nothing is committed",
                    shown(file)
                )
            })
            .collect(),
        ReconcileError::Unfit(unfit) => {
            unfit.iter().map(|one| format!("{} {}; nothing is committed", shown(&one.file), one.message)).collect()
        }
    }
}
