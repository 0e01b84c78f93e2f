//! Copies of the hosts' ledgers on an admin machine: `FOLDER/HOST.jsonl`. They outlive the host.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::push::admin::state;
use crate::push::error::Error;
use crate::push::ledger::{Entry, Ledger};
use crate::push::protocol::{Answer, Instruction, REQUEST_BYTES};
use crate::push::remote::gates::{Gates, instruct_all};
use crate::push::remote::no_answer::unexpected;

/// The most bytes of entries in one instruction. JSON escapes make it longer, and a request has more in it than the entries.
const PIECE_BYTES: usize = REQUEST_BYTES / 3;

/// The folder of the copies in an admin machine's state folder.
pub fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("ledgers")
}

/// The copy of one host's ledger.
pub fn of_host(folder: &Path, host: &str) -> Ledger {
    Ledger::new(folder.join(format!("{host}.jsonl")))
}

/// Adds those entries that the copy does not have yet.
///
/// # Errors
///
/// The copy cannot be read or written.
pub fn keep(folder: &Path, host: &str, entries: &[Entry]) -> io::Result<()> {
    // Operators and the gate may add entries of one host at the same time.
    let _locked = state::lock(folder)?;
    let ledger = of_host(folder, host);
    // As JSON, so that entries of a later release are kept as they are.
    let mut all: Vec<Value> = ledger.lines()?;
    let new: Vec<Value> = entries.iter().map(|entry| json!(entry)).filter(|entry| !all.contains(entry)).collect();
    if new.is_empty() {
        return Ok(());
    }
    all.extend(new);
    all.sort_by_key(|entry| entry["at"].as_u64());
    let lines: String = all.iter().map(|entry| format!("{entry}\n")).collect();
    // The file is replaced and not appended to, because another user (an operator, or the gate) may own it.
    state::write(ledger.file(), &lines)
}

/// Sends hosts' entries to other admin machines, split into several instructions if they are long. Returns for each machine whether
/// it accepted all of them.
pub fn give<G: Gates + ?Sized>(
    gates: &G,
    admins: &[String],
    news: BTreeMap<String, Vec<Entry>>,
    limit: Duration,
) -> Vec<Result<(), Error>> {
    let mut given = vec![Ok(()); admins.len()];
    for ledgers in pieces(news) {
        let answers = instruct_all(gates, admins, &Instruction::Copies { ledgers }, limit);
        for (given, answer) in given.iter_mut().zip(answers) {
            if !matches!(answer, Ok(Answer::Done)) {
                *given = Err(unexpected(answer));
            }
        }
    }
    given
}

/// Splits entries into pieces that each fit into a request.
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
mod tests;
