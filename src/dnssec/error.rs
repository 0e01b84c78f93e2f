//! Why a key cannot be used, made or kept.

use std::fmt;
use std::path::{Path, PathBuf};

/// What is wrong with a file or a folder of keys. Never holds what stands in a `.private`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyError {
    /// The file, or the folder where no file can be blamed.
    pub file: PathBuf,
    /// The line from 1, if one can be blamed.
    pub line: Option<usize>,
    /// What was found, what was expected, and what to do.
    pub why: String,
}

impl KeyError {
    pub(super) fn new(file: &Path, why: impl Into<String>) -> KeyError {
        KeyError { file: file.to_owned(), line: None, why: why.into() }
    }
}

/// `FILE:LINE: WHY`, without the line where there is none.
impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.why)
    }
}

impl std::error::Error for KeyError {}

/// What is wrong with the text of a file, or with a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    line: Option<usize>,
    why: String,
}

impl Fault {
    /// Of the text as a whole.
    pub(super) fn new(why: impl Into<String>) -> Fault {
        Fault { line: None, why: why.into() }
    }

    /// Of a line, counted from 1.
    pub(super) fn at(line: usize, why: impl Into<String>) -> Fault {
        Fault { line: Some(line), why: why.into() }
    }

    /// As that of the file that the text stands in.
    pub(super) fn of(self, file: &Path) -> KeyError {
        KeyError { file: file.to_owned(), line: self.line, why: self.why }
    }
}
