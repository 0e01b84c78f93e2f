//! Makes a plan from a folder, before any host is changed: stage, evaluate, check, ask the hosts, build, compare.
//!
//! [`prepare`](prepare()) stages the folder ([`stage`], refused unless [`trust`] allows it), evaluates it ([`evaluate`]) and checks the fleet:
//! `polder check` ends there. [`plan()`] goes on for `polder plan` and `polder push`: it asks the selected hosts how they are
//! ([`selection`], [`survey`](survey())), builds what changes ([`build`]) and makes the [`plan`](mod@plan), in an [`order`] that keeps the fleet
//! serving, with the risks ([`overtaken`] is one).

pub mod build;
pub mod changes;
pub mod evaluate;
pub mod order;
pub mod overtaken;
pub mod plan;
pub mod prepare;
pub mod selection;
pub mod stage;
pub mod survey;
pub mod trust;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::counted::counted;
use crate::fleet::check::Finding;
use crate::fleet::running::Running;
use crate::fleet::{Deployable, Fleet};
use crate::push::admin::{Admin, known_fleet};
use crate::push::error::Error;
use crate::push::host::paths::HostPaths;
use crate::push::host::system;
use crate::push::ledger::Entry;
use crate::push::remote::Remotes;
use evaluate::{Depth, Evaluated};
use plan::Plan;
use prepare::prepare;
use selection::{Selected, Selection};
use stage::{Revision, Staged};
use survey::{HostState, obstacles, survey};

/// A request for a plan.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The folder with the fleet's flake; `None`: this one if it has a flake.nix, else the admin machine's working copy.
    pub folder: Option<&'a Path>,
    /// An evaluated fleet document to use instead of evaluating the folder.
    pub fleet: Option<&'a Path>,
    /// Further arguments for `nix eval`.
    pub nix: &'a [String],
    /// The hosts that may change.
    pub selection: &'a Selection,
    /// How many hosts to switch at once, where the fleet allows it.
    pub parallel: usize,
}

/// A plan, and everything that it was made from.
pub struct Planned {
    /// This admin machine.
    pub admin: Admin,
    /// The hosts' gates.
    pub remotes: Arc<Remotes>,
    /// The fleet as it should become.
    pub fleet: Fleet,
    /// The copy of the folder that it was evaluated from.
    pub staged: Staged,
    /// The selected hosts.
    pub selected: Selected,
    /// The plan.
    pub plan: Plan,
    /// What runs now on every host that is not skipped.
    pub old: BTreeMap<String, Running>,
    /// What will run on the hosts that change.
    pub new: BTreeMap<String, Running>,
}

/// Why there is no plan.
#[derive(Debug)]
pub enum PlanError {
    /// Something is wrong with the fleet, or with its hosts.
    Findings(Vec<Finding>),
    /// A step failed.
    Failed(Error),
}

impl From<Error> for PlanError {
    fn from(error: Error) -> PlanError {
        PlanError::Failed(error)
    }
}

/// Makes a plan. `progress` is called before each step that takes a while.
///
/// # Errors
///
/// Something is wrong with the fleet or its hosts, or a step failed.
pub fn plan(request: &Request<'_>, progress: &dyn Fn(&str)) -> Result<Planned, PlanError> {
    let admin = known_fleet::this_admin()?;
    let folder = request.folder.map_or_else(|| admin.fleet_folder(), Path::to_owned);
    progress(&format!("staging and evaluating {}", folder.display()));
    let prepared = prepare(&prepare::Request {
        folder: &folder,
        fleet: request.fleet,
        served: &[],
        offline: false,
        nix: request.nix,
        depth: Depth::Deployable,
    })?;
    let (Some(Evaluated { fleet, text }), Some(staged), []) =
        (prepared.evaluated, prepared.staged, &prepared.findings[..])
    else {
        return Err(PlanError::Findings(prepared.findings));
    };
    known_fleet::remember(&fleet, &text, true)?;
    let selected = request.selection.of(&fleet)?;
    let hosts = selected.unskipped.len();
    progress(&format!("asking {} for {} state", counted(hosts, "host"), if hosts == 1 { "its" } else { "their" }));
    let remotes = Arc::new(Remotes::new(&fleet, &admin).map_err(Error::new)?);
    let (old, last) = without_obstacles(survey(&remotes, &selected.unskipped))?;
    let new = build_changes(&fleet, &selected, &old, progress)?;
    let mut plan = Plan::make(&fleet, &selected, &old, &new, &admin.name, request.parallel.max(1));
    if let Revision::Known { name, changed, .. } = &staged.revision {
        plan.revision = Some(name.clone());
        plan.local_changes.clone_from(changed);
    }
    plan.risks.extend(overtaken::overtaken(&plan, &last, &admin.name));
    Ok(Planned { admin, remotes, fleet, staged, selected, plan, old, new })
}

/// Builds the systems that change, and reads what they run with.
fn build_changes(
    fleet: &Fleet,
    selected: &Selected,
    old: &BTreeMap<String, Running>,
    progress: &dyn Fn(&str),
) -> Result<BTreeMap<String, Running>, Error> {
    let deployable = |name: &String| Some((name.clone(), fleet.systems.get(name)?.deployable()?));
    let is_change =
        |(name, deployable): &(String, &Deployable)| old.get(name).is_some_and(|old| old.system != deployable.path);
    let changes: Vec<_> = selected.chosen.iter().filter_map(deployable).filter(is_change).collect();
    if !changes.is_empty() {
        progress(&format!("building {}", counted(changes.len(), "system")));
        let derivations: Vec<PathBuf> = changes.iter().map(|(_, deployable)| deployable.derivation.clone()).collect();
        build::build(&derivations)?;
    }
    let store = HostPaths::of_this_machine().store;
    Ok(changes.into_iter().map(|(name, deployable)| (name, system::running(&store, &deployable.path))).collect())
}

/// The last confirmed activation of each host that has one.
type LastEntries = BTreeMap<String, Entry>;

/// What runs on every host, and its last confirmed activation; or the obstacles to a push.
fn without_obstacles(
    states: BTreeMap<String, Result<HostState, Error>>,
) -> Result<(BTreeMap<String, Running>, LastEntries), PlanError> {
    let findings: Vec<Finding> = states
        .iter()
        .flat_map(|(host, state)| {
            obstacles(host, state).into_iter().map(move |why| Finding::new(format!("host {host}"), why))
        })
        .collect();
    if !findings.is_empty() {
        return Err(PlanError::Findings(findings));
    }
    let (mut old, mut last) = (BTreeMap::new(), LastEntries::new());
    for (host, state) in states {
        let Ok(HostState { report, running }) = state else { continue };
        last.extend(report.last.map(|entry| (host.clone(), entry)));
        old.insert(host, running);
    }
    Ok((old, last))
}
