//! What an import tells beside its result: what was left out, and what means something else here.

use std::collections::BTreeSet;

use serde::Serialize;

/// What became of a statement that was not taken as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// Nothing of it is in the result.
    LeftOut,
    /// The result has something near to it.
    Changed,
}

impl Became {
    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Became::LeftOut => "left out",
            Became::Changed => "changed",
        }
    }
}

/// One statement that was not taken as it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Note {
    /// The line of the configuration, from 1.
    pub line: u32,
    /// What became of it.
    pub became: Became,
    /// The statement, shortened.
    pub statement: String,
    /// Why, and what to do.
    pub why: String,
}

/// All of them, each once: a statement of `defaults` is read for every section behind it.
#[derive(Debug, Default)]
pub struct Notes(BTreeSet<Note>);

/// A statement is quoted so far, in characters.
const LONGEST_STATEMENT: usize = 80;

impl Notes {
    /// A statement that is not in the result.
    pub fn left_out(&mut self, line: u32, statement: &str, why: impl Into<String>) {
        self.add(line, Became::LeftOut, statement, why.into());
    }

    /// A statement that means something else here.
    pub fn changed(&mut self, line: u32, statement: &str, why: impl Into<String>) {
        self.add(line, Became::Changed, statement, why.into());
    }

    fn add(&mut self, line: u32, became: Became, statement: &str, why: String) {
        let statement = match statement.char_indices().nth(LONGEST_STATEMENT) {
            Some((end, _)) => format!("{} ...", statement[..end].trim_end()),
            None => statement.to_owned(),
        };
        self.0.insert(Note { line, became, statement, why });
    }

    /// Tells what others have told, too.
    pub fn take_over(&mut self, others: Notes) {
        self.0.extend(others.0);
    }

    /// In the order of the lines.
    pub fn into_vec(self) -> Vec<Note> {
        self.0.into_iter().collect()
    }
}
