//! Finds the system that a host goes back to in its ledger (pure): what ran before a push, or after an earlier one.

use std::path::{Path, PathBuf};

use crate::push::error::Error;
use crate::push::ledger::{Activated, Entry, Kind, Outcome};

/// What to go back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// What ran before this push, on hosts that run what it deployed.
    Before(String),
    /// What ran after this push.
    After(String),
}

/// The last push that is in force on any of these hosts, given what each one runs. A push that was rolled back is not in force, so a
/// second rollback reverts the push before.
pub fn last_in_force<'a>(hosts: impl IntoIterator<Item = (&'a Path, &'a [Entry])>) -> Option<String> {
    let in_force = |(current, entries): (&'a Path, &'a [Entry])| in_force(&steps(entries), current);
    hosts.into_iter().filter_map(in_force).map(|step| step.record.push.clone()).max()
}

/// The system that a host goes back to; `None` if it stays as it is.
///
/// # Errors
///
/// The ledger does not show it.
pub fn target(entries: &[Entry], current: &Path, goal: &Goal) -> Result<Option<PathBuf>, Error> {
    let steps = steps(entries);
    let system = match goal {
        Goal::Before(push) => before(&steps, current, push)?,
        Goal::After(push) => after(&steps, push).unwrap_or(current),
    };
    Ok((system != current).then(|| system.to_owned()))
}

/// Whether a host's ledger has a push that was confirmed there.
pub fn has(entries: &[Entry], push: &str) -> bool {
    steps(entries).iter().any(|step| step.record.push == push)
}

/// The confirmed activations. Pushes are ordered by their names, which begin with their start times, because hosts' clocks may differ.
fn steps(entries: &[Entry]) -> Vec<Activated<'_>> {
    entries.iter().filter_map(Entry::activation).filter(|step| step.outcome == Outcome::Confirmed).collect()
}

/// The push that deployed what a host runs.
fn in_force<'a>(steps: &[Activated<'a>], current: &Path) -> Option<Activated<'a>> {
    steps.iter().rfind(|step| step.record.kind == Kind::Push && step.system == current).copied()
}

fn before<'a>(steps: &[Activated<'a>], current: &'a Path, push: &str) -> Result<&'a Path, Error> {
    if let Some(step) = in_force(steps, current).filter(|step| step.record.push == push) {
        return Ok(step.before);
    }
    match steps.last() {
        Some(last) if last.record.push == push && last.system != current => Err(Error::new(format!(
            "it runs {}, which is not what was pushed last ({}): somebody switched it by hand; name the push to go back to \
             with --to",
            current.display(),
            last.system.display()
        ))),
        _ => Ok(current),
    }
}

/// The system of the last step up to that push, or the one before the first step after it.
fn after<'a>(steps: &[Activated<'a>], push: &str) -> Option<&'a Path> {
    let last = steps.iter().rfind(|step| *step.record.push <= *push).map(|step| step.system);
    last.or_else(|| steps.first().map(|step| step.before))
}

#[cfg(test)]
mod tests;
