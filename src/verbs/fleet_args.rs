//! What the verbs have in common that begin with a working copy and end at its hosts: `plan` and `push`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::output::{Output, Tone, complain, printable};
use crate::fleet::check::Finding;
use crate::fleet::running::Running;
use crate::fleet::{Deployable, Fleet, System};
use crate::push::admin::Admin;
use crate::push::admin::known_fleet;
use crate::push::host::place::Place;
use crate::push::host::system;
use crate::push::ledger::Entry;
use crate::push::pipeline::evaluate::{Depth, Evaluated};
use crate::push::pipeline::overtaken::overtaken;
use crate::push::pipeline::plan::Plan;
use crate::push::pipeline::prepare::{Wanted, prepare};
use crate::push::pipeline::selection::{Selected, Selection};
use crate::push::pipeline::stage::{Revision, Staged};
use crate::push::pipeline::survey::{Seen, survey, unfit};
use crate::push::remote::Remotes;
use crate::push::rollout::deliver;

/// The working copy and what of it is meant.
#[derive(Debug, Clone, clap::Args)]
pub struct FleetArgs {
    /// The folder with the fleet's flake [default: this one if it has a flake.nix, else the working copy]
    pub folder: Option<PathBuf>,
    /// Hosts.
    #[command(flatten)]
    pub selection: Selection,
    /// Take a fleet that was evaluated elsewhere (src/push/pipeline/deployable.nix), instead of evaluating the folder
    #[arg(long, value_name = "FILE", conflicts_with = "nix")]
    pub fleet: Option<PathBuf>,
    /// How many hosts may be switched at once, where the fleet allows it
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub parallel: usize,
    /// Further arguments for `nix eval`, behind `--`
    #[arg(last = true, value_name = "NIX")]
    pub nix: Vec<String>,
}

/// All that is known before anything is done.
pub(super) struct Known {
    pub(super) admin: Admin,
    pub(super) remotes: Arc<Remotes>,
    pub(super) fleet: Fleet,
    pub(super) staged: Staged,
    pub(super) selected: Selected,
    pub(super) plan: Plan,
    /// What runs, of every host that is awake.
    pub(super) old: BTreeMap<String, Running>,
    /// What is to run, of the hosts that change.
    pub(super) new: BTreeMap<String, Running>,
}

/// Why there is no plan.
pub(super) enum Refusal {
    /// These things are wrong with the fleet, or its hosts.
    Findings(Vec<Finding>),
    /// It could not be tried.
    CouldNot(String),
}

impl From<String> for Refusal {
    fn from(why: String) -> Refusal {
        Refusal::CouldNot(why)
    }
}

impl FleetArgs {
    /// Stage, evaluate, check, preflight, plan.
    pub(super) fn know(&self, say: &dyn Fn(&str)) -> Result<Known, Refusal> {
        let admin = known_fleet::this_admin()?;
        let folder = self.folder.clone().unwrap_or_else(|| admin.fleet_folder());
        say(&format!("staging and evaluating {}", folder.display()));
        let wanted = Wanted {
            folder: &folder,
            fleet: self.fleet.as_deref(),
            served: &[],
            offline: false,
            nix: &self.nix,
            depth: Depth::Deployable,
        };
        let prepared = prepare(&wanted)?;
        let (Some(Evaluated { fleet, text }), Some(staged), []) =
            (prepared.evaluated, prepared.staged, &prepared.findings[..])
        else {
            return Err(Refusal::Findings(prepared.findings));
        };
        known_fleet::remember(&fleet, &text, true)?;
        let selected = self.selection.of(&fleet)?;
        say(&format!("asking {} hosts how they are", selected.awake.len()));
        let remotes = Arc::new(Remotes::new(&fleet, &admin).map_err(|error| error.to_string())?);
        let (old, last) = fit(survey(&remotes, &selected.awake))?;
        let new = built(&fleet, &selected, &old, say)?;
        let mut plan = Plan::make(&fleet, &selected, &old, &new, &admin.name, self.parallel.max(1));
        if let Revision::Known { name, changed, .. } = &staged.revision {
            plan.revision = Some(name.clone());
            plan.local_changes.clone_from(changed);
        }
        plan.risks.extend(overtaken(&plan, &last, &admin.name));
        Ok(Known { admin, remotes, fleet, staged, selected, plan, old, new })
    }
}

/// Builds what changes, and reads what it will run with.
fn built(
    fleet: &Fleet,
    selected: &Selected,
    old: &BTreeMap<String, Running>,
    say: &dyn Fn(&str),
) -> Result<BTreeMap<String, Running>, Refusal> {
    let deployable = |name: &String| match fleet.systems.get(name)? {
        System::Rendered { deployable: Some(deployable), .. } => Some((name.clone(), deployable)),
        _ => None,
    };
    let is_change =
        |(name, deployable): &(String, &Deployable)| old.get(name).is_some_and(|old| old.system != deployable.path);
    let changes: Vec<_> = selected.chosen.iter().filter_map(deployable).filter(is_change).collect();
    if !changes.is_empty() {
        say(&format!("building {} systems", changes.len()));
        let derivations: Vec<PathBuf> = changes.iter().map(|(_, deployable)| deployable.derivation.clone()).collect();
        deliver::build(&derivations)?;
    }
    let store = Place::of_this_machine().store;
    Ok(changes.into_iter().map(|(name, deployable)| (name, system::running(&store, &deployable.path))).collect())
}

/// What runs everywhere and what the ledgers say of it, or what stands in the way.
fn fit(seen: BTreeMap<String, Result<Seen, String>>) -> Result<(BTreeMap<String, Running>, Last), Refusal> {
    let findings: Vec<Finding> = seen
        .iter()
        .flat_map(|(host, seen)| {
            unfit(host, seen).into_iter().map(move |why| Finding::new(format!("host {host}"), why))
        })
        .collect();
    if !findings.is_empty() {
        return Err(Refusal::Findings(findings));
    }
    let (mut old, mut last) = (BTreeMap::new(), Last::new());
    for (host, seen) in seen {
        let Ok(Seen { report, running }) = seen else { continue };
        last.extend(report.last.map(|entry| (host.clone(), entry)));
        old.insert(host, running);
    }
    Ok((old, last))
}

/// By host.
type Last = BTreeMap<String, Entry>;

impl Refusal {
    /// Tells it.
    pub(super) fn tell(&self, output: &Output) -> super::Exit {
        match self {
            Refusal::CouldNot(why) => output.could_not(why),
            Refusal::Findings(findings) => {
                for finding in findings {
                    complain(&format!("{}: {}", finding.place, finding.message));
                }
                let lines = findings.iter().map(|finding| {
                    format!(
                        "{} {}: {}\n",
                        Tone::Bad.paint("wrong"),
                        printable(&finding.place),
                        printable(&finding.message)
                    )
                });
                output.answer(&serde_json::json!({ "findings": findings }), &lines.collect::<String>());
                super::Exit::No
            }
        }
    }
}
