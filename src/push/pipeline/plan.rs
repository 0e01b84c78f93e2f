//! A plan: what a push does to each host, and in which order. It can be saved, reviewed, and compared with what is pushed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::fleet::diff::{self, Effects};
use crate::fleet::running::Running;
use crate::fleet::{Fleet, System};
use crate::push::error::Error;
use crate::push::hex::hex;
use crate::push::ledger::{Kind, Record};
use crate::push::pipeline::order;
use crate::push::pipeline::selection::Selected;
use crate::push::rollout::Step;

/// The version of the file format.
const VERSION: u32 = 1;

/// What a push does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of the file format: 1.
    pub version: u32,
    /// The revision that was staged, without its local changes.
    pub revision: Option<String>,
    /// Files that differ from it.
    pub local_changes: Vec<PathBuf>,
    /// The selected hosts, by name.
    pub hosts: BTreeMap<String, HostPlan>,
    /// The hosts that change, in rollout order.
    pub batches: Vec<Vec<String>>,
    /// The hosts that are left out with `--skip`.
    pub skipped: Vec<String>,
    /// The risks, a line for each.
    pub risks: Vec<String>,
}

/// What a push does to a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostPlan {
    /// The system that runs there.
    pub before: PathBuf,
    /// The system that will run there.
    pub system: PathBuf,
    /// Its derivation.
    pub derivation: PathBuf,
    /// The changes in behaviour, a sentence for each. Empty for a host that does not change.
    pub changes: Vec<String>,
    /// What happens to its units.
    pub effects: Effects,
    /// What a switch may not change, a line for each: with any, the host boots into the new system.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inhibitors: Vec<String>,
}

impl HostPlan {
    /// Whether the host changes.
    pub fn is_change(&self) -> bool {
        self.before != self.system
    }
}

impl Plan {
    /// The hosts that change, in order of their names.
    pub fn changed(&self) -> Vec<String> {
        self.hosts.iter().filter(|(_, host)| host.is_change()).map(|(name, _)| name.clone()).collect()
    }

    /// Each host's step, in rollout order.
    pub fn steps(&self) -> Vec<Vec<Step>> {
        let step = |host: &String| {
            let HostPlan { before, system, inhibitors, .. } = &self.hosts[host];
            let (before, system, inhibitors) = (before.clone(), system.clone(), inhibitors.clone());
            Step { host: host.clone(), before, system, inhibitors }
        };
        self.batches.iter().map(|batch| batch.iter().map(step).collect()).collect()
    }

    /// The record of a push of this plan, for the ledgers. `deferred`: its local changes are to be committed later.
    pub fn record(&self, who: String, deferred: bool) -> Record {
        Record {
            revision: self.revision.clone(),
            local_changes: self.local_changes.clone(),
            deferred,
            plan: self.hash(),
            skipped: self.skipped.clone(),
            ..Record::new(Kind::Push, who)
        }
    }

    /// The SHA-256 of what is done to which host. It does not cover the revision and the texts, so a commit does not change it.
    pub fn hash(&self) -> String {
        let steps: BTreeMap<&String, (&PathBuf, &PathBuf)> =
            self.hosts.iter().map(|(name, host)| (name, (&host.before, &host.system))).collect();
        let text = json!({ "hosts": steps, "skipped": self.skipped }).to_string();
        hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
    }

    /// How this plan differs from a reviewed one; empty if both do the same.
    pub fn differences(&self, reviewed: &Plan) -> Vec<String> {
        let mut differences = Vec::new();
        let names: std::collections::BTreeSet<&String> = self.hosts.keys().chain(reviewed.hosts.keys()).collect();
        for name in names {
            let (Some(now), Some(then)) = (self.hosts.get(name), reviewed.hosts.get(name)) else {
                let where_ = if self.hosts.contains_key(name) {
                    "is not in the plan"
                } else {
                    "is in the plan, but not in what would be pushed now"
                };
                differences.push(format!("{name} {where_}"));
                continue;
            };
            if now.before != then.before {
                let (now, then) = (now.before.display(), then.before.display());
                differences.push(format!("the plan is stale: {name} ran {then} when it was made, but runs {now} now"));
            }
            if now.system != then.system {
                let (now, then) = (now.system.display(), then.system.display());
                differences.push(format!("{name}: the plan leads to {then}, but this working copy leads to {now}"));
            }
        }
        if self.skipped != reviewed.skipped {
            differences.push("the skipped hosts are not those of the plan".to_owned());
        }
        differences
    }

    /// Makes a plan from what runs (`old`) and what was built for the hosts that change (`new`). Hosts without a system that can be
    /// built are left out: the checks have reported them.
    pub fn make(
        fleet: &Fleet,
        selected: &Selected,
        old: &BTreeMap<String, Running>,
        new: &BTreeMap<String, Running>,
        ourselves: &str,
        parallel: usize,
    ) -> Plan {
        let mut hosts = BTreeMap::new();
        for name in &selected.chosen {
            let Some(deployable) = fleet.systems.get(name).and_then(System::deployable) else { continue };
            let Some(old) = old.get(name) else { continue };
            let new = new.get(name).filter(|_| old.system != deployable.path);
            let host = HostPlan {
                before: old.system.clone(),
                system: deployable.path.clone(),
                derivation: deployable.derivation.clone(),
                changes: new.map(|new| diff::sentences(old, new)).unwrap_or_default(),
                effects: new.map(|new| diff::effects(&old.units, &new.units)).unwrap_or_default(),
                inhibitors: new.map(|new| old.inhibitors_changed_by(new)).unwrap_or_default(),
            };
            hosts.insert(name.clone(), host);
        }
        let mut plan = Plan {
            version: VERSION,
            revision: None,
            local_changes: Vec::new(),
            hosts,
            batches: Vec::new(),
            skipped: selected.skipped(fleet),
            risks: Vec::new(),
        };
        let reboots: Vec<&str> =
            plan.hosts.iter().filter(|(_, host)| !host.inhibitors.is_empty()).map(|(name, _)| name.as_str()).collect();
        let changed = plan.changed();
        plan.batches = order::batches(fleet, old, &changed, &plan.skipped, &reboots, Some(ourselves), parallel);
        plan.risks = diff::risks(fleet, old, &plan.batches, &plan.skipped);
        if !plan.batches.is_empty() {
            plan.risks.extend(left_behind(fleet, selected, old));
        }
        plan
    }

    /// Saves it to a file.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn save(&self, file: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self).map_err(Error::new)?;
        fs::write(file, text + "\n").map_err(|error| Error::at(file.display(), error))
    }

    /// Reads a saved plan.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not a plan of this release.
    pub fn load(file: &Path) -> Result<Plan, Error> {
        let text = fs::read_to_string(file).map_err(|error| Error::at(file.display(), error))?;
        let is_none = |error| {
            Error::at(file.display(), format!("expected what `polder plan --save` writes: {error}"))
                .remedy("plan again")
        };
        // Read first, because a plan of another version may have other keys.
        let Versioned { version } = serde_json::from_str(&text).map_err(is_none)?;
        if version != VERSION {
            return Err(Error::at(
                file.display(),
                format!("this is a plan of version {version}, and this polder reads {VERSION}"),
            )
            .remedy("use the release that wrote it, or plan again"));
        }
        serde_json::from_str(&text).map_err(is_none)
    }
}

/// The version of a plan of any version.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// A risk for hosts that should run another system but are not part of the push, so that the fleet stays inconsistent.
fn left_behind(fleet: &Fleet, selected: &Selected, old: &BTreeMap<String, Running>) -> Option<String> {
    let differs = |name: &&String| match (fleet.systems.get(*name).and_then(System::deployable), old.get(*name)) {
        (Some(deployable), Some(old)) => old.system != deployable.path,
        _ => false,
    };
    let hosts: Vec<&str> = selected
        .unskipped
        .iter()
        .filter(|name| !selected.chosen.contains(name))
        .filter(differs)
        .map(String::as_str)
        .collect();
    (!hosts.is_empty()).then(|| format!("{}: would change too, but are not part of this push", hosts.join(", ")))
}
