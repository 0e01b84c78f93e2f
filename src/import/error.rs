//! Why a configuration could not be imported at all.

use std::fmt;

/// The line, if one is to blame; what was found, what was expected, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportError {
    /// The line of the configuration, from 1.
    pub line: Option<u32>,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl ImportError {
    /// A problem of the whole.
    pub fn new(problem: impl Into<String>) -> ImportError {
        ImportError { line: None, problem: problem.into() }
    }

    /// A problem of one line.
    pub fn at(line: u32, problem: impl Into<String>) -> ImportError {
        ImportError { line: Some(line), problem: problem.into() }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.problem)
    }
}

impl std::error::Error for ImportError {}
