//! The events on disk: a line of JSON each, in `events.jsonl` and, before that, `events.1.jsonl`.
//!
//! Two processes may write at a time (a takeover): each line is one write to a file that is opened for appending. A line that
//! is not whole, from a crash, is left out. Nothing is synced: what a power failure takes of the last seconds, the journal has.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;

use crate::api::events::Event;

/// How large a file grows before it becomes the older one of two, in bytes.
pub(super) const LARGEST_FILE: u64 = 4 << 20;

fn paths(state_dir: &Path) -> [PathBuf; 2] {
    ["events.1.jsonl", "events.jsonl"].map(|name| state_dir.join(name))
}

/// The newest events of both files, `most` of them, oldest first. What cannot be read is left out: it must not keep a daemon from its start.
pub(super) fn read(state_dir: &Path, most: usize) -> Vec<Event> {
    let lines = paths(state_dir).into_iter().filter_map(|path| File::open(path).ok()).flat_map(|file| {
        // Two files at most are read, each of which is not much larger than it may become.
        BufReader::new(io::Read::take(file, 2 * LARGEST_FILE)).split(b'\n').map_while(Result::ok)
    });
    let mut events: Vec<Event> = lines.filter_map(|line| serde_json::from_slice(&line).ok()).collect();
    events.drain(..events.len().saturating_sub(most));
    events
}

/// Writes each event as it comes, until nobody has any more.
pub(super) fn write_all(state_dir: &Path, events: &Receiver<Event>) {
    let mut failed = false;
    while let Ok(event) = events.recv() {
        let written = write(state_dir, &event);
        // Said once: the line about it is an event too.
        if let (Err(error), false) = (&written, failed) {
            tracing::warn!(
                "events cannot be written in {}: {error}; they are kept until the daemon ends",
                state_dir.display()
            );
        }
        failed = written.is_err();
    }
}

fn write(state_dir: &Path, event: &Event) -> io::Result<()> {
    let [older, newest] = paths(state_dir);
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    // Opened anew each time: the other process of a takeover may just have made it the older one.
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(&newest)?;
    if file.metadata()?.len() + line.len() as u64 > LARGEST_FILE {
        std::fs::rename(&newest, &older)?;
        file = OpenOptions::new().create(true).append(true).mode(0o600).open(&newest)?;
    }
    file.write_all(&line)
}
