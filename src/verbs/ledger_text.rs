//! How `log` and `status` show a push from a ledger.

use std::path::Path;

use crate::push::ledger::Record;

/// `r41`, `r41 +2`, `r41 +2, deferred`.
pub fn revision(record: &Record) -> String {
    let name = record.revision.as_deref().unwrap_or("no revision");
    let changes = match record.local_changes.len() {
        0 => String::new(),
        count => format!(" +{count}"),
    };
    format!("{name}{changes}{}", if record.deferred { ", deferred" } else { "" })
}

/// The start of a store path's hash, which is enough to tell two systems apart.
pub fn short(system: &Path) -> String {
    let name = system.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.chars().take(8).collect()
}
