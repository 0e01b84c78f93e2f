//! The findings of one zone, collected up to a bound.

use std::path::Path;

use super::name;
use super::rdata::types;
use crate::config::{Finding, Findings};

/// The most findings that are reported: a file that is no zone at all would fill the screen.
const MOST: usize = 100;

/// The findings so far.
#[derive(Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
    cut_short: bool,
}

impl Report {
    /// Takes one more finding. Beyond the bound only the fact that there are more is kept.
    pub fn add(&mut self, file: &Path, line: Option<u32>, path: String, message: String) {
        if self.is_full() {
            self.cut_short = true;
            return;
        }
        self.findings.push(Finding { file: file.to_owned(), line, path, message });
    }

    /// How many findings there are.
    pub fn len(&self) -> usize {
        self.findings.len()
    }

    /// Puts one finding without any text of the file in place of all that were added from `from` on; nothing if
    /// there are none.
    pub fn withhold(&mut self, from: usize, file: &Path, message: &str) {
        let Some(first) = self.findings.get(from) else { return };
        let line = first.line;
        self.findings.truncate(from);
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

    /// The findings as an error; `None` if there are none.
    pub fn into_findings(mut self) -> Option<Findings> {
        let last = self.findings.last()?;
        if self.cut_short {
            let message = format!("these are the first {MOST} findings, there may be more");
            let end = Finding { file: last.file.clone(), line: None, path: String::new(), message };
            self.findings.push(end);
        }
        Some(Findings(self.findings))
    }
}

/// The path of a finding about a record: `www.example.net. A`.
pub fn about(owner: &[u8], rtype: u16) -> String {
    format!("{} {}", name::to_absolute_text(owner), types::to_text(rtype))
}
