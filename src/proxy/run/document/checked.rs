//! What `--check-config` finds in the files that a document names.

use std::io;
use std::path::Path;

use crate::config::Finding;

/// What is said of the files of a document.
pub struct Checked<'d> {
    document: &'d Path,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What cannot be read here, and may be where the document is for.
    pub warnings: Vec<Finding>,
}

impl<'d> Checked<'d> {
    /// Nothing, of this document.
    pub fn of(document: &'d Path) -> Checked<'d> {
        Checked { document, findings: Vec::new(), warnings: Vec::new() }
    }

    /// Takes what is wrong with a file that the document names under `key`. `is_unread`: it cannot be read here.
    pub fn add(&mut self, key: String, message: String, is_unread: bool) {
        let told = if is_unread { &mut self.warnings } else { &mut self.findings };
        told.push(Finding { file: self.document.to_owned(), line: None, path: key, message });
    }
}

/// It is not there, or may not be read by whoever checks.
pub fn is_unread(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
}
