//! What daemons say would come of a command, before it is given (pure).

use crate::api::operator::OperatorState;
use crate::verbs::command::{CommandResult, Outcome, without_subject};
use crate::verbs::exit::Exit;

/// The answers of all daemons.
#[derive(Debug)]
pub struct Outlook {
    /// Each.
    pub answers: Vec<CommandResult>,
}

/// What several daemons say alike of one subject.
struct Alike<'a> {
    subject: &'a str,
    outcome: Outcome,
    words: &'a str,
    daemons: Vec<&'a str>,
}

impl Outlook {
    /// Of these answers. What a daemon of an earlier version refuses because it knows no such question counts for nothing.
    pub fn of(mut answers: Vec<CommandResult>) -> Outlook {
        answers.retain(|one| !(one.outcome == Outcome::Refused && one.words.contains("dry_run")));
        Outlook { answers }
    }

    /// Whether a daemon refuses any of it.
    pub fn is_refused(&self) -> bool {
        self.answers.iter().any(|one| one.outcome == Outcome::Refused)
    }

    /// What a question ends with: as the command itself would, if nothing changes meanwhile.
    pub fn verdict(&self) -> Exit {
        let is_well = |one: &CommandResult| !matches!(one.outcome, Outcome::Refused | Outcome::Missed);
        if self.answers.iter().all(is_well) { Exit::Done } else { Exit::No }
    }

    /// A line for each subject and what daemons say of it alike; refusals last, where the eye ends. `is_question`: nothing of it will be
    /// done.
    pub fn in_words(&self, is_question: bool) -> String {
        let mut alike = self.alike();
        alike.sort_by_key(|one| one.outcome == Outcome::Refused);
        let line = |Alike { subject, outcome, words, daemons }: &Alike<'_>| {
            let daemons = daemons.join(", ");
            let words = without_subject(words, subject);
            match outcome {
                Outcome::Refused => format!("{subject}: refused by {daemons}: {words}\n"),
                Outcome::Missed => format!("{subject}: {daemons} does not answer: {words}\n"),
                _ if is_question => format!("{subject}: would be done: {words} ({daemons})\n"),
                _ => format!("{subject}: {words} ({daemons})\n"),
            }
        };
        alike.iter().map(line).collect()
    }

    /// That nothing was done, and why.
    pub fn closing(&self) -> &'static str {
        match self.is_refused() {
            true => "Nothing has changed: what one daemon refuses is done nowhere.\n",
            false => "Nothing has changed: this was a question.\n",
        }
    }

    fn alike(&self) -> Vec<Alike<'_>> {
        let mut alike: Vec<Alike<'_>> = Vec::new();
        for CommandResult { daemon, subject, outcome, words, .. } in &self.answers {
            let same = alike
                .iter_mut()
                .find(|one| (one.subject, one.outcome, one.words) == (subject.as_str(), *outcome, words.as_str()));
            match same {
                Some(same) => same.daemons.push(daemon),
                None => alike.push(Alike { subject, outcome: *outcome, words, daemons: vec![daemon] }),
            }
        }
        alike.iter_mut().for_each(|one| one.daemons.sort_unstable());
        alike
    }

    /// The results of the command itself. A daemon that says that nothing changed, though it would have when it was asked, has heard of
    /// the same command from a peer first.
    pub fn explain_repeats(&self, mut results: Vec<CommandResult>, state: OperatorState) -> Vec<CommandResult> {
        let was_so = |told: &CommandResult| {
            let mut asked = self.answers.iter();
            asked.any(|one| (&one.daemon, &one.subject) == (&told.daemon, &told.subject) && one.unchanged)
        };
        for told in results.iter_mut().filter(|told| told.unchanged && !was_so(told)) {
            told.unchanged = false;
            told.words = format!("{} is set to {state}", told.subject);
        }
        results
    }
}

#[cfg(test)]
mod tests;
