//! The arguments that `plan` and `push` share: a folder, and which of its hosts.

use std::path::PathBuf;

use serde_json::json;

use super::args::parse_number;
use super::exit::Exit;
use super::output::{Output, Tone, complain, printable};
use crate::push::pipeline::selection::Selection;
use crate::push::pipeline::{self, PlanError, Planned};

/// The folder with the fleet, and which of its hosts are meant.
#[derive(Debug, Clone, clap::Args)]
pub struct FleetArgs {
    /// The folder with the fleet's flake [default: this one if it has a flake.nix, else the working copy]
    pub folder: Option<PathBuf>,
    /// Change only this host, role or location (may be repeated). The other hosts are still asked and locked: leave out a dead one
    /// with --skip
    #[arg(long, value_name = "HOST|ROLE|LOCATION")]
    pub only: Vec<String>,
    /// Leave out a dead host: it is not asked, locked or changed, and the ledgers record that (may be repeated)
    #[arg(long, value_name = "HOST")]
    pub skip: Vec<String>,
    /// Use this evaluated fleet (see src/push/pipeline/deployable.nix) instead of evaluating the folder
    #[arg(long, value_name = "FILE", conflicts_with = "nix")]
    pub fleet: Option<PathBuf>,
    /// How many hosts to switch at once, where the fleet allows it
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = |text: &str| parse_number(text, 1..=1000_usize), allow_hyphen_values = true)]
    pub parallel: usize,
    /// Further arguments for `nix eval`, after `--`
    #[arg(last = true, value_name = "NIX")]
    pub nix: Vec<String>,
}

impl FleetArgs {
    /// Makes the plan; `progress` is called before each step that takes a while.
    pub(super) fn plan(&self, progress: &dyn Fn(&str)) -> Result<Planned, PlanError> {
        let selection = Selection { only: self.only.clone(), skip: self.skip.clone() };
        let request = pipeline::Request {
            folder: self.folder.as_deref(),
            fleet: self.fleet.as_deref(),
            nix: &self.nix,
            selection: &selection,
            parallel: self.parallel,
        };
        pipeline::plan(&request, progress)
    }
}

/// Prints why there is no plan.
pub(super) fn no_plan(why: &PlanError, output: &Output) -> Exit {
    let findings = match why {
        PlanError::Failed(error) => return output.could_not(error),
        PlanError::Findings(findings) => findings,
    };
    for finding in findings {
        complain(&format!("{}: {}", finding.place, finding.message));
    }
    let lines = findings.iter().map(|finding| {
        let wrong = Tone::Bad.paint("wrong");
        format!("{wrong} {}: {}\n", printable(&finding.place), printable(&finding.message))
    });
    output.answer(&json!({ "findings": findings }), &lines.collect::<String>());
    Exit::No
}
