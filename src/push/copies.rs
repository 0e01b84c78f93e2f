//! Copies of the hosts' ledgers on an admin machine: `FOLDER/HOST.jsonl`. What is there outlives the host.

use std::io;
use std::path::{Path, PathBuf};

use super::known_fleet;
use super::ledger::{Entry, Ledger};

/// The folder below an admin machine's state.
pub fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("ledgers")
}

/// The copy of one host's.
pub fn of_host(folder: &Path, host: &str) -> Ledger {
    Ledger::new(folder.join(format!("{host}.jsonl")))
}

/// Adds what is not there yet.
///
/// # Errors
///
/// The copy cannot be read or written.
pub fn keep(folder: &Path, host: &str, entries: &[Entry]) -> io::Result<()> {
    let ledger = of_host(folder, host);
    let mut all = ledger.entries()?;
    let new: Vec<Entry> = entries.iter().filter(|entry| !all.contains(entry)).cloned().collect();
    if new.is_empty() {
        return Ok(());
    }
    all.extend(new);
    all.sort_by_key(|entry| entry.at);
    let lines = all.iter().map(|entry| Ok(serde_json::to_string(entry)? + "\n")).collect::<io::Result<String>>()?;
    // Replaced and not added to: whoever wrote it first (an operator, or the gate) need not be who writes now.
    known_fleet::write(ledger.file(), &lines)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::push::ledger::Event;

    #[test]
    fn a_copy_has_each_entry_once_in_order_of_time() {
        let folder = tempfile::tempdir().unwrap();
        let entry = |at| {
            let event = Event::KeyPut { who: "a".to_owned(), name: "peers".to_owned(), fingerprints: Vec::new() };
            Entry { at, from: "admin-nl".to_owned(), event }
        };
        keep(folder.path(), "px-nl", &[entry(2), entry(3)]).unwrap();
        keep(folder.path(), "px-nl", &[entry(1), entry(2)]).unwrap();
        keep(folder.path(), "px-nl", &[]).unwrap();
        let kept: Vec<u64> = of_host(folder.path(), "px-nl").entries().unwrap().iter().map(|one| one.at).collect();
        assert_eq!(kept, [1, 2, 3]);
    }
}
