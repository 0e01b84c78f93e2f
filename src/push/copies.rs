//! Copies of the hosts' ledgers on an admin machine: `FOLDER/HOST.jsonl`. What is there outlives the host.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::known_fleet;
use super::ledger::{Entry, Ledger};
use super::locking::{Gates, instruct_all, otherwise};
use super::protocol::{Answer, Instruction, REQUEST_BYTES};

/// Bytes of entries in one instruction: quoting makes a text longer, and there is more in a request.
const PIECE_BYTES: usize = REQUEST_BYTES / 3;

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

/// Gives other hosts' entries to admin machines, in as many instructions as their length wants; for each machine whether it has all.
pub fn give<G: Gates + ?Sized>(
    gates: &G,
    admins: &[String],
    news: BTreeMap<String, Vec<Entry>>,
    limit: Duration,
) -> Vec<Result<(), String>> {
    let mut given = vec![Ok(()); admins.len()];
    for ledgers in pieces(news) {
        let answers = instruct_all(gates, admins, &Instruction::Copies { ledgers }, limit);
        for (given, answer) in given.iter_mut().zip(answers) {
            if !matches!(answer, Ok(Answer::Done)) {
                *given = Err(otherwise(answer));
            }
        }
    }
    given
}

/// Entries in pieces that fit into a request each.
fn pieces(news: BTreeMap<String, Vec<Entry>>) -> Vec<BTreeMap<String, Vec<Entry>>> {
    let (mut pieces, mut length) = (vec![BTreeMap::<String, Vec<Entry>>::new()], 0);
    for (host, entries) in news {
        for entry in entries {
            let its = json!(entry).to_string().len() + host.len();
            if length + its > PIECE_BYTES {
                pieces.push(BTreeMap::new());
                length = 0;
            }
            length += its;
            if let Some(piece) = pieces.last_mut() {
                piece.entry(host.clone()).or_default().push(entry);
            }
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
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
            Entry { at, from: "admin-nl".to_owned(), signed_by: None, event }
        };
        keep(folder.path(), "px-nl", &[entry(2), entry(3)]).unwrap();
        keep(folder.path(), "px-nl", &[entry(1), entry(2)]).unwrap();
        keep(folder.path(), "px-nl", &[]).unwrap();
        let kept: Vec<u64> = of_host(folder.path(), "px-nl").entries().unwrap().iter().map(|one| one.at).collect();
        assert_eq!(kept, [1, 2, 3]);
    }

    #[test]
    fn many_entries_travel_in_requests_that_the_gate_takes() {
        let entry = |at| {
            let event = Event::LockBroken {
                who: "a".to_owned(),
                why: "\"".repeat(1000),
                holder: String::new(),
                reason: String::new(),
            };
            Entry { at, from: "admin-nl".to_owned(), signed_by: None, event }
        };
        let news = BTreeMap::from([("px-nl".to_owned(), (0..1000).map(entry).collect::<Vec<_>>())]);
        let pieces = pieces(news);
        assert!(pieces.len() > 1);
        assert_eq!(pieces.iter().flat_map(BTreeMap::values).map(Vec::len).sum::<usize>(), 1000);
        for ledgers in pieces {
            // As it stands in a manifest.
            assert!(json!(Instruction::Copies { ledgers }).to_string().len() < REQUEST_BYTES - 1024);
        }
        assert!(super::pieces(BTreeMap::new()).is_empty());
    }

    #[test]
    fn a_line_of_a_later_release_stays_and_one_that_was_cut_short_goes() {
        let folder = tempfile::tempdir().unwrap();
        let later = r#"{"at":5,"event":"of-a-later-release"}"#;
        std::fs::write(folder.path().join("px-nl.jsonl"), format!("{later}\n{{\"at\":")).unwrap();
        let event = Event::KeyPut { who: "a".to_owned(), name: "peers".to_owned(), fingerprints: Vec::new() };
        keep(folder.path(), "px-nl", &[Entry { at: 4, from: "admin-nl".to_owned(), signed_by: None, event }]).unwrap();
        let text = std::fs::read_to_string(folder.path().join("px-nl.jsonl")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[1]), (2, later), "{text}");
    }
}
