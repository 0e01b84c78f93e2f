//! The findings of one zone, collected up to a bound.

use std::path::Path;

use super::name;
use super::rdata::types;
use crate::config::dns::Checks;
use crate::config::{Finding, Findings};

/// The most findings that are reported: a file that is no zone at all would fill the screen.
const MOST: usize = 100;

/// The findings and warnings so far.
#[derive(Debug, Default)]
pub struct Report {
    checks: Checks,
    findings: Vec<Finding>,
    warnings: Vec<Finding>,
    cut_short: bool,
}

/// How many findings and warnings there were at one moment.
#[derive(Clone, Copy)]
pub struct Mark {
    findings: usize,
    warnings: usize,
}

impl Report {
    /// An empty one.
    pub fn new(checks: Checks) -> Report {
        Report { checks, ..Report::default() }
    }

    /// Takes one more warning, which is a finding where checks are strict. Beyond the bound it is dropped.
    pub fn warn(&mut self, file: &Path, line: Option<u32>, path: String, message: String) {
        match self.checks {
            Checks::Strict => self.add(file, line, path, message),
            Checks::Lenient if self.warnings.len() < MOST => {
                self.warnings.push(Finding { file: file.to_owned(), line, path, message });
            }
            Checks::Lenient => {}
        }
    }

    /// Takes one more finding. Beyond the bound only the fact that there are more is kept.
    pub fn add(&mut self, file: &Path, line: Option<u32>, path: String, message: String) {
        if self.is_full() {
            self.cut_short = true;
            return;
        }
        self.findings.push(Finding { file: file.to_owned(), line, path, message });
    }

    /// This moment.
    pub fn mark(&self) -> Mark {
        Mark { findings: self.findings.len(), warnings: self.warnings.len() }
    }

    /// Puts one finding without any text of the file in place of all findings and warnings that were added since; nothing
    /// if no finding was.
    pub fn withhold(&mut self, since: Mark, file: &Path, message: &str) {
        let Some(first) = self.findings.get(since.findings) else { return };
        let line = first.line;
        self.findings.truncate(since.findings);
        self.warnings.truncate(since.warnings);
        self.cut_short = false;
        self.add(file, line, String::new(), message.to_owned());
    }

    /// Whether further findings would be dropped.
    pub fn is_full(&self) -> bool {
        self.findings.len() >= MOST
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// Says that work ended early, so that the reader of the report knows there may be more.
    pub fn stop(&mut self) {
        self.cut_short = true;
    }

    /// The warnings, or every finding as an error.
    pub fn into_warnings(mut self) -> Result<Vec<Finding>, Findings> {
        let Some(last) = self.findings.last() else { return Ok(self.warnings) };
        if self.cut_short {
            let message = format!("these are the first {MOST} findings, there may be more");
            let end = Finding { file: last.file.clone(), line: None, path: String::new(), message };
            self.findings.push(end);
        }
        Err(Findings(self.findings))
    }
}

/// The path of a finding about a record: `www.example.net. A`.
pub fn about(owner: &[u8], rtype: u16) -> String {
    format!("{} {}", name::to_absolute_text(owner), types::to_text(rtype))
}
