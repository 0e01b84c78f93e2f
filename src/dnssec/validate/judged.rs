//! What is wrong with the signatures of a zone's file, as findings with file and line.

use super::flaw::{Flaw, Flaws, Severity};
use crate::config::Finding;
use crate::zone::ZoneFile;

/// The flaws of a zone's file, told apart by what is made of them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The file is refused for them.
    pub errors: Vec<Finding>,
    /// They are told.
    pub warnings: Vec<Finding>,
}

impl Judged {
    /// The flaws of a file; those of which `is_error` says so are errors.
    pub fn of(file: &ZoneFile, flaws: &Flaws, is_error: impl Fn(Severity) -> bool) -> Judged {
        let mut judged = Judged::default();
        for flaw in flaws.iter() {
            let list = if is_error(flaw.severity) { &mut judged.errors } else { &mut judged.warnings };
            list.push(finding(file, flaw));
        }
        if flaws.more() > 0 {
            let message = format!("its signatures have {} more flaws like these", flaws.more());
            let list = if judged.errors.is_empty() { &mut judged.warnings } else { &mut judged.errors };
            list.push(Finding { file: main(file), line: None, path: String::new(), message });
        }
        judged
    }
}

fn finding(file: &ZoneFile, flaw: &Flaw) -> Finding {
    let record = flaw.record.map(|record| file.records.get(record));
    let named = record.and_then(|record| file.files.get(usize::from(record.file)).cloned());
    let (line, message) = (record.map(|record| record.line), flaw.message.clone());
    Finding { file: named.unwrap_or_else(|| main(file)), line, path: flaw.about(), message }
}

fn main(file: &ZoneFile) -> std::path::PathBuf {
    file.files.first().cloned().unwrap_or_default()
}
