//! What is wrong with a document: where, what was found, what was expected.

use std::fmt;
use std::path::PathBuf;

/// One thing wrong in a document or in a file it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file it stands in.
    pub file: PathBuf,
    /// The line, from 1; `None` where no line can be blamed (a file that cannot be read).
    pub line: Option<u32>,
    /// The path inside the document (`services.www.backends[2].address`); empty for the document itself.
    pub path: String,
    /// What was found and what was expected, in the operator's words.
    pub message: String,
}

impl fmt::Display for Finding {
    /// `FILE:LINE: PATH: MESSAGE`, each part left out where there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Every finding of one reading, in the order of the document. Never empty when it is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings(pub Vec<Finding>);

impl fmt::Display for Findings {
    /// One finding a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, finding) in self.0.iter().enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            write!(f, "{finding}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}
