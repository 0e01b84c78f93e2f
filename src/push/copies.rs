//! Copies of the hosts' ledgers on an admin machine: `FOLDER/HOST.jsonl`. What is there outlives the host.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

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
    // Operators and the gate may bring news of one host at once.
    let _alone = known_fleet::alone(folder)?;
    let ledger = of_host(folder, host);
    // Lines of a later release too: what cannot be read here is not ours to drop.
    let mut all: Vec<Value> = ledger.lines()?;
    let new: Vec<Value> = entries.iter().map(|entry| json!(entry)).filter(|entry| !all.contains(entry)).collect();
    if new.is_empty() {
        return Ok(());
    }
    all.extend(new);
    all.sort_by_key(|entry| entry["at"].as_u64());
    let lines: String = all.iter().map(|entry| format!("{entry}\n")).collect();
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

    #[test]
    fn a_line_of_a_later_release_stays_and_one_that_was_cut_short_goes() {
        let folder = tempfile::tempdir().unwrap();
        let later = r#"{"at":5,"event":"of-a-later-release"}"#;
        std::fs::write(folder.path().join("px-nl.jsonl"), format!("{later}\n{{\"at\":")).unwrap();
        let event = Event::KeyPut { who: "a".to_owned(), name: "peers".to_owned(), fingerprints: Vec::new() };
        keep(folder.path(), "px-nl", &[Entry { at: 4, from: "admin-nl".to_owned(), event }]).unwrap();
        let text = std::fs::read_to_string(folder.path().join("px-nl.jsonl")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[1]), (2, later), "{text}");
    }
}
