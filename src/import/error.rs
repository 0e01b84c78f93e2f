//! Why a configuration could not be imported at all.

use std::fmt;

use super::note::Note;
use crate::config::Invalid;

/// The line, if one is to blame; what was found, what was expected, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportError {
    /// The line of the configuration, from 1.
    pub line: Option<u32>,
    /// What is wrong, and what to do.
    pub problem: String,
    /// What was left out until nothing was left.
    pub notes: Vec<Note>,
}

impl ImportError {
    /// A problem of the whole.
    pub fn new(problem: impl Into<String>) -> ImportError {
        ImportError { line: None, problem: problem.into(), notes: Vec::new() }
    }

    /// A problem of one line.
    pub fn at(line: u32, problem: impl Into<String>) -> ImportError {
        ImportError { line: Some(line), problem: problem.into(), notes: Vec::new() }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.problem)?;
        let mut notes = self.notes.iter();
        notes.try_for_each(|note| write!(f, "; line {}: {}: {}", note.line, note.statement, note.why))
    }
}

impl std::error::Error for ImportError {}

/// Why a statement has no place in a document, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inexpressible(pub String);

impl fmt::Display for Inexpressible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Inexpressible {}

impl From<String> for Inexpressible {
    fn from(why: String) -> Inexpressible {
        Inexpressible(why)
    }
}

impl From<&str> for Inexpressible {
    fn from(why: &str) -> Inexpressible {
        Inexpressible(why.to_owned())
    }
}

impl From<Invalid> for Inexpressible {
    fn from(invalid: Invalid) -> Inexpressible {
        Inexpressible(invalid.to_string())
    }
}

impl From<Inexpressible> for String {
    fn from(Inexpressible(why): Inexpressible) -> String {
        why
    }
}
