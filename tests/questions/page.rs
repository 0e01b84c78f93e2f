//! The page: its made part between two headings, and what was written by hand around it.

use std::fmt::Write;
use std::path::PathBuf;

use super::normal::key;

/// Where the made part begins, and where it ends.
const BEGIN: &str = "\n## At a glance\n";
const END: &str = "\n## On an admin machine\n";

/// A question, and what was printed.
pub struct Answer {
    /// A heading, where a chapter of the night begins.
    pub chapter: Option<&'static str>,
    pub question: &'static str,
    /// As it stands on the page.
    pub command: String,
    /// As it stands on the page.
    pub printed: String,
    /// How that is no answer.
    pub unanswered: Option<String>,
    /// How that is not what the page has.
    pub difference: Option<String>,
}

pub struct Page {
    before: String,
    made: String,
    after: String,
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/questions.md")
}

impl Page {
    pub fn read() -> Page {
        let text = std::fs::read_to_string(path()).unwrap();
        let begin = text.find(BEGIN).unwrap_or_else(|| panic!("docs/questions.md has no {BEGIN:?}"));
        let end = text.find(END).unwrap_or_else(|| panic!("docs/questions.md has no {END:?}"));
        Page { before: text[..begin].to_owned(), made: text[begin..end].to_owned(), after: text[end..].to_owned() }
    }

    pub fn write(&self) {
        std::fs::write(path(), format!("{}{}{}", self.before, self.made, self.after)).unwrap();
    }

    /// The same page with these answers.
    pub fn with(&self, answers: &[Answer]) -> Page {
        let mut made = format!("{BEGIN}\n| question | command |\n| --- | --- |\n");
        for Answer { question, command, .. } in answers {
            writeln!(made, "| [{question}](#{}) | `{command}` |", anchor(question)).unwrap();
        }
        for Answer { chapter, question, command, printed, .. } in answers {
            if let Some(chapter) = chapter {
                write!(made, "\n## {chapter}\n").unwrap();
            }
            let fence = "console not-run: tests/questions types it, on the demo's fleet";
            write!(made, "\n### {question}\n\n```{fence}\n$ {command}\n{printed}```\n").unwrap();
        }
        Page { before: self.before.clone(), made, after: self.after.clone() }
    }

    /// What the page has of a question: the command, and what it prints.
    pub fn answer(&self, question: &str) -> Option<(&str, &str)> {
        let heading = format!("\n### {question}\n");
        let (_, rest) = self.made.split_once(&heading)?;
        let (_, rest) = rest.split_once("\n$ ")?;
        let (block, _) = rest.split_once("```")?;
        block.split_once('\n')
    }

    pub fn headings(&self) -> Vec<&str> {
        self.made.lines().filter(|line| line.starts_with(['#', '|'])).collect()
    }

    /// How what is printed differs from what the page has.
    pub fn difference(&self, question: &str, command: &str, printed: &str) -> Option<String> {
        let Some((known, expected)) = self.answer(question) else {
            return Some(format!("{question}\n  is not on the page; it is answered by `{command}`:\n{printed}"));
        };
        let is_same = known == command && key(expected) == key(printed);
        (!is_same)
            .then(|| format!("{question}\n--- the page has\n$ {known}\n{expected}+++ it is\n$ {command}\n{printed}"))
    }

    /// How the page has another command, or not the answer.
    pub fn lacks(&self, question: &str, command: &str, answer: &str) -> Option<String> {
        let has_it = self.answer(question).is_some_and(|(known, printed)| known == command && printed.contains(answer));
        (!has_it).then(|| format!("{question}\n  the page does not have `{command}`, with {answer:?}\n"))
    }

    /// The commands in the tables behind the made part, which are not typed.
    pub fn untyped(&self) -> Vec<String> {
        let rows = self.after.lines().filter(|line| line.starts_with("| "));
        let commands = rows.filter_map(|row| row.split('`').nth(1));
        commands.filter(|command| command.starts_with("polder ")).map(str::to_owned).collect()
    }
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.map(|letter| if letter == ' ' { '-' } else { letter.to_ascii_lowercase() }).collect()
}
