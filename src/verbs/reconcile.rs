//! `reconcile`: commits what was deployed while the svn server did not answer, and proves that the two are the same.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::Exit;
use super::output::{Output, Tone, complain, printable};
use crate::push::deferred::{self, Reconciled, Refusal};
use crate::push::known_fleet;

/// What `reconcile` takes.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Exit codes: 0 nothing is deferred any more, 1 it is still deferred, 2 usage, 3 could not run.")]
pub struct ReconcileArgs {
    /// The working copy that was pushed [default: this folder if it has a flake.nix, else the working copy]
    #[arg(value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}

/// Reconciles and tells.
pub fn run(args: &ReconcileArgs, output: &Output) -> Exit {
    let admin = match known_fleet::this_admin() {
        Ok(admin) => admin,
        Err(why) => return output.could_not(&why),
    };
    let folder = args.folder.clone().unwrap_or_else(|| admin.fleet_folder());
    match deferred::reconcile(&admin, &folder) {
        Ok(None) => {
            output.answer(
                &json!({ "deferred": false }),
                "Nothing is deferred on this machine: what was pushed from another one is reconciled there.\n",
            );
            Exit::Done
        }
        Ok(Some(done)) => {
            output.answer(&json!({ "deferred": false, "reconciled": done }), &told(&done));
            Exit::Done
        }
        Err(Refusal::CouldNot(why)) => output.could_not(&why),
        Err(refusal) => {
            let why = refused(&refusal, &folder);
            output.answer(&json!({ "deferred": true, "why": why }), "");
            for line in &why {
                complain(line);
            }
            Exit::No
        }
    }
}

fn told(done: &Reconciled) -> String {
    let revision = done.revision.map_or_else(|| "the repository".to_owned(), |revision| format!("r{revision}"));
    let mut text = match done.committed {
        true => format!("committed as {revision}: what push {} deployed\n", printable(&done.pushes.join(", "))),
        false => format!("{revision} has it already: what push {} deployed\n", printable(&done.pushes.join(", "))),
    };
    if done.not_deployed.is_empty() {
        let proof = format!("what is committed is what is deployed ({})", short(&done.deployed));
        text.push_str(&format!("{}\n", Tone::Good.paint(&proof)));
    } else {
        let files: Vec<String> = done.not_deployed.iter().map(|file| file.display().to_string()).collect();
        let words = format!(
            "others have committed besides, and nobody has deployed: {}; `polder plan` shows what that would change",
            printable(&files.join(", "))
        );
        text.push_str(&format!("{}\n", Tone::Notable.paint(&words)));
    }
    text
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// Each reason as a line.
fn refused(refusal: &Refusal, folder: &Path) -> Vec<String> {
    let shown = |file: &PathBuf| folder.join(file).display().to_string();
    match refusal {
        Refusal::CouldNot(why) => vec![why.clone()],
        Refusal::Silent(why) => vec![format!("the svn server does not answer, so the commit stays deferred: {why}")],
        Refusal::Edited(files) => files
            .iter()
            .map(|file| {
                format!(
                    "{} is not as it was deployed: push it as it is (with --defer), or take the change back; nothing is committed",
                    shown(file)
                )
            })
            .collect(),
        Refusal::Merged(files) => files
            .iter()
            .map(|file| {
                format!(
                    "{}: svn update brought other changes into it, so that it is not as it was deployed: `polder plan`, then push it; nothing is committed",
                    shown(file)
                )
            })
            .collect(),
        Refusal::Unfit(unfit) => {
            unfit.iter().map(|one| format!("{} {}; nothing is committed", shown(&one.file), one.message)).collect()
        }
    }
}
