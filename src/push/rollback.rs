//! Which system a host goes back to (pure): by its ledger, to what ran before a push, or after an earlier one.

use std::path::{Path, PathBuf};

use super::ledger::{Entry, Event, Kind, Outcome};

/// What is gone back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// What ran before this push, where the host runs what that brought.
    Before(String),
    /// What ran once this push was over.
    After(String),
}

/// The last push that is in force on any of these hosts, each with what it runs. One that was rolled back is not any more: who
/// rolls back twice goes back two pushes.
pub fn last_in_force<'a>(hosts: impl IntoIterator<Item = (&'a Path, &'a [Entry])>) -> Option<String> {
    let in_force = |(current, entries): (&'a Path, &'a [Entry])| in_force(&steps(entries), current);
    hosts.into_iter().filter_map(in_force).map(|step| step.push).max().map(str::to_owned)
}

/// A host's system that is the goal; `None` where it stays as it is.
///
/// # Errors
///
/// The ledger does not tell; in words.
pub fn target(entries: &[Entry], current: &Path, goal: &Goal) -> Result<Option<PathBuf>, String> {
    let steps = steps(entries);
    let system = match goal {
        Goal::Before(push) => before(&steps, current, push)?,
        Goal::After(push) => after(&steps, push).unwrap_or(current),
    };
    Ok((system != current).then(|| system.to_owned()))
}

/// Whether a host's ledger has a push that was confirmed there.
pub fn has(entries: &[Entry], push: &str) -> bool {
    steps(entries).iter().any(|step| step.push == push)
}

/// A confirmed activation. The names of pushes begin with the time at which they were begun, and stand in its order: hosts'
/// clocks may differ.
#[derive(Clone, Copy)]
struct Step<'a> {
    push: &'a str,
    kind: Kind,
    before: &'a Path,
    system: &'a Path,
}

impl Step<'_> {
    fn of(entry: &Entry) -> Option<Step<'_>> {
        match &entry.event {
            Event::Activation { record, before, system, outcome: Outcome::Confirmed, .. } => {
                Some(Step { push: &record.push, kind: record.kind, before, system })
            }
            _ => None,
        }
    }
}

fn steps(entries: &[Entry]) -> Vec<Step<'_>> {
    entries.iter().filter_map(Step::of).collect()
}

/// The push that brought what a host runs.
fn in_force<'a>(steps: &[Step<'a>], current: &Path) -> Option<Step<'a>> {
    steps.iter().rfind(|step| step.kind == Kind::Push && step.system == current).copied()
}

fn before<'a>(steps: &[Step<'a>], current: &'a Path, push: &str) -> Result<&'a Path, String> {
    if let Some(step) = in_force(steps, current).filter(|step| step.push == push) {
        return Ok(step.before);
    }
    match steps.last() {
        Some(last) if last.push == push && last.system != current => Err(format!(
            "it runs {}, which is not what was pushed last ({}): somebody switched it by hand; name the push to go back to \
             with --to",
            current.display(),
            last.system.display()
        )),
        _ => Ok(current),
    }
}

/// The last step's system by then, or what the first one after it found.
fn after<'a>(steps: &[Step<'a>], push: &str) -> Option<&'a Path> {
    let last = steps.iter().rfind(|step| step.push <= push).map(|step| step.system);
    last.or_else(|| steps.first().map(|step| step.before))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::ledger::Record;
    use super::super::ledger::tests::record;
    use super::*;

    fn entry(at: u64, push: &str, before: &str, system: &str, outcome: Outcome) -> Entry {
        let kind = if push.starts_with('r') { Kind::Rollback } else { Kind::Push };
        let record = Record { kind, ..record(push) };
        let (before, system, words) = (before.into(), system.into(), String::new());
        Entry {
            at,
            from: "admin-nl".to_owned(),
            signed_by: None,
            event: Event::Activation { record, before, system, outcome, words },
        }
    }

    fn ledger() -> Vec<Entry> {
        vec![
            entry(10, "p1", "a", "b", Outcome::Confirmed),
            entry(20, "p2", "b", "x", Outcome::Reverted),
            entry(30, "p3", "b", "c", Outcome::Confirmed),
        ]
    }

    fn to(goal: Goal, current: &str) -> Result<Option<PathBuf>, String> {
        target(&ledger(), Path::new(current), &goal)
    }

    fn before(push: &str) -> Goal {
        Goal::Before(push.to_owned())
    }

    #[test]
    fn the_last_push_is_taken_back_where_it_is_in_force_and_other_hosts_stay() {
        let other = [entry(5, "p0", "q", "r", Outcome::Confirmed)];
        let own = ledger();
        let last = last_in_force([(Path::new("r"), &other[..]), (Path::new("c"), &own[..])]);
        assert_eq!(last.as_deref(), Some("p3"));
        assert_eq!(to(before("p3"), "c"), Ok(Some(PathBuf::from("b"))));
        assert_eq!(target(&other, Path::new("r"), &before("p3")), Ok(None));
    }

    #[test]
    fn who_rolls_back_twice_goes_back_two_pushes() {
        let mut rolled_back = ledger();
        rolled_back.push(entry(40, "r4", "c", "b", Outcome::Confirmed));
        let now = Path::new("b");
        assert_eq!(last_in_force([(now, &rolled_back[..])]).as_deref(), Some("p1"));
        assert_eq!(target(&rolled_back, now, &before("p1")), Ok(Some(PathBuf::from("a"))));
        rolled_back.push(entry(50, "r5", "b", "a", Outcome::Confirmed));
        assert_eq!(last_in_force([(Path::new("a"), &rolled_back[..])]), None);
    }

    #[test]
    fn a_host_that_was_switched_by_hand_is_not_guessed_at() {
        let why = to(before("p3"), "z").unwrap_err();
        assert!(why.contains("runs z") && why.contains("--to"), "{why}");
        assert_eq!(last_in_force([(Path::new("z"), &ledger()[..])]), None);
    }

    #[test]
    fn to_a_push_it_is_what_ran_when_that_was_over_whether_or_not_the_host_was_part_of_it() {
        let after = |push: &str| to(Goal::After(push.to_owned()), "c");
        assert_eq!(after("p1"), Ok(Some(PathBuf::from("b"))));
        assert_eq!(after("p2"), Ok(Some(PathBuf::from("b"))));
        assert_eq!(after("p0"), Ok(Some(PathBuf::from("a"))));
        assert_eq!(after("p3"), Ok(None));
        assert!(has(&ledger(), "p3") && !has(&ledger(), "p2"));
    }
}
