//! Which system a host goes back to (pure): by its ledger, to what ran before its last push, or after an earlier one.

use std::path::{Path, PathBuf};

use super::ledger::{Entry, Event, Outcome};

/// What is gone back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// What ran before the last push that was confirmed.
    BeforeLast,
    /// What ran once the push was over that ended at this time (milliseconds since the epoch, of the latest of its entries).
    AfterPush(u64),
}

/// A host's system that is the goal; `None` where it runs that already.
///
/// # Errors
///
/// The ledger does not tell; in words.
pub fn target(entries: &[Entry], current: &Path, goal: &Goal) -> Result<Option<PathBuf>, String> {
    let steps: Vec<Step<'_>> = entries.iter().filter_map(Step::of).collect();
    let system = match goal {
        Goal::BeforeLast => before_last(&steps, current)?,
        Goal::AfterPush(at) => at_time(&steps, *at).unwrap_or(current),
    };
    Ok((system != current).then(|| system.to_owned()))
}

/// When a push was over: the latest of its confirmed entries, of all hosts.
pub fn end_of<'a>(push: &str, ledgers: impl IntoIterator<Item = &'a [Entry]>) -> Option<u64> {
    let of_push = |entry: &&Entry| matches!(&entry.event, Event::Activation { record, .. } if record.push == push);
    ledgers.into_iter().flatten().filter(of_push).filter(|entry| Step::of(entry).is_some()).map(|entry| entry.at).max()
}

/// A confirmed activation.
struct Step<'a> {
    at: u64,
    before: &'a Path,
    system: &'a Path,
}

impl Step<'_> {
    fn of(entry: &Entry) -> Option<Step<'_>> {
        match &entry.event {
            Event::Activation { before, system, outcome: Outcome::Confirmed, .. } => {
                Some(Step { at: entry.at, before, system })
            }
            _ => None,
        }
    }
}

fn before_last<'a>(steps: &[Step<'a>], current: &Path) -> Result<&'a Path, String> {
    let last = steps.last().ok_or("its ledger has no confirmed push: there is nothing to go back to")?;
    match last.system == current {
        true => Ok(last.before),
        false => Err(format!(
            "it runs {}, which is not what was pushed last ({}): somebody switched it by hand; name the push to go back to \
             with --to",
            current.display(),
            last.system.display()
        )),
    }
}

/// What ran at a time: the last step's system by then, or what the first one after it found.
fn at_time<'a>(steps: &[Step<'a>], at: u64) -> Option<&'a Path> {
    let after = steps.partition_point(|step| step.at <= at);
    match after.checked_sub(1) {
        Some(last) => Some(steps[last].system),
        None => steps.first().map(|step| step.before),
    }
}

#[cfg(test)]
mod tests {
    use super::super::ledger::{Kind, Record};
    use super::*;

    fn entry(at: u64, push: &str, before: &str, system: &str, outcome: Outcome) -> Entry {
        let record = Record {
            push: push.to_owned(),
            kind: Kind::Push,
            who: "alice@admin-nl".to_owned(),
            revision: None,
            local_changes: Vec::new(),
            deferred: false,
            plan: String::new(),
            skipped: Vec::new(),
        };
        let (before, system, words) = (before.into(), system.into(), String::new());
        Entry { at, from: "admin-nl".to_owned(), event: Event::Activation { record, before, system, outcome, words } }
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

    #[test]
    fn without_a_push_it_is_what_ran_before_the_last_confirmed_one() {
        assert_eq!(to(Goal::BeforeLast, "c"), Ok(Some(PathBuf::from("b"))));
    }

    #[test]
    fn a_host_that_was_switched_by_hand_is_not_guessed_at() {
        let why = to(Goal::BeforeLast, "z").unwrap_err();
        assert!(why.contains("runs z") && why.contains("--to"), "{why}");
    }

    #[test]
    fn to_a_push_it_is_what_ran_when_that_was_over_whether_or_not_the_host_was_part_of_it() {
        assert_eq!(to(Goal::AfterPush(10), "c"), Ok(Some(PathBuf::from("b"))));
        assert_eq!(to(Goal::AfterPush(25), "c"), Ok(Some(PathBuf::from("b"))));
        assert_eq!(to(Goal::AfterPush(5), "c"), Ok(Some(PathBuf::from("a"))));
        assert_eq!(to(Goal::AfterPush(30), "c"), Ok(None));
    }

    #[test]
    fn a_push_is_over_when_its_last_host_was_confirmed() {
        let other = [entry(35, "p3", "q", "r", Outcome::Confirmed)];
        let own = ledger();
        assert_eq!(end_of("p3", [&own[..], &other[..]]), Some(35));
        assert_eq!(end_of("p2", [&own[..]]), None);
    }
}
