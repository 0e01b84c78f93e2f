//! The events on disk: a line of JSON each, in `events.jsonl` and, before that, `events.1.jsonl`.
//!
//! Two processes may write at a time (a takeover): each turn is made under flock(2) on the newer file, and begins with reading what the
//! other one has written since the last turn. A line that is not whole, from a crash or a full disk, is left out. Nothing is
//! synced: what a power failure takes of the last seconds, the journal has.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::api::events::Event;
use crate::files::{append_locked, ends_with_its_line, open_regular};

/// How large a file grows before it becomes the older one of two, in bytes.
pub(super) const LARGEST_FILE: u64 = 4 << 20;

/// Both files, and how far this process has read them.
#[derive(Debug)]
pub(super) struct EventFile {
    newest: PathBuf,
    older: PathBuf,
    /// The newer file at the last turn.
    inode: u64,
    /// Where it ended then.
    end: u64,
}

impl EventFile {
    /// The files of a state directory, and the events in them, oldest first. What cannot be read is left out: it must not keep
    /// a daemon from its start.
    pub(super) fn open(state_dir: &Path) -> (EventFile, Vec<Event>) {
        let [newest, older] = ["events.jsonl", "events.1.jsonl"].map(|name| state_dir.join(name));
        let mut file = EventFile { newest, older, inode: 0, end: 0 };
        let mut events = read_regular(&file.older).map(|older| read_from(&older, 0)).unwrap_or_default();
        if let Ok(newest) = read_regular(&file.newest) {
            events.extend(read_from(&newest, 0));
            file.remember(&newest);
        }
        (file, events)
    }

    /// What another process has written since the last turn; and writes this event behind it.
    pub(super) fn turn(&mut self, event: Option<&Event>) -> io::Result<Vec<Event>> {
        if event.is_none() && !self.has_changed() {
            return Ok(Vec::new());
        }
        let mut file = append_locked(&self.newest)?;
        let others = self.read_others(&file);
        if let Some(event) = event {
            let mut line = line_of(event)?;
            if file.metadata()?.len() + line.len() as u64 > LARGEST_FILE {
                std::fs::rename(&self.newest, &self.older)?;
                file = append_locked(&self.newest)?;
            }
            if !ends_with_its_line(&file)? {
                line.insert(0, b'\n');
            }
            file.write_all(&line)?;
        }
        self.remember(&file);
        Ok(others)
    }

    /// Whether another process has written.
    fn has_changed(&self) -> bool {
        std::fs::metadata(&self.newest).is_ok_and(|file| (file.ino(), file.len()) != (self.inode, self.end))
    }

    fn read_others(&self, newest: &File) -> Vec<Event> {
        if newest.metadata().is_ok_and(|newest| newest.ino() == self.inode) {
            return read_from(newest, self.end);
        }
        // The other one has begun a new file: what was left of the one before comes first.
        let before = read_regular(&self.older)
            .ok()
            .filter(|older| older.metadata().is_ok_and(|older| older.ino() == self.inode));
        let mut events = before.map(|before| read_from(&before, self.end)).unwrap_or_default();
        events.extend(read_from(newest, 0));
        events
    }

    fn remember(&mut self, newest: &File) {
        if let Ok(newest) = newest.metadata() {
            (self.inode, self.end) = (newest.ino(), newest.len());
        }
    }
}

fn line_of(event: &Event) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    Ok(line)
}

fn read_regular(path: &Path) -> io::Result<File> {
    open_regular(OpenOptions::new().read(true), path)
}

fn read_from(mut file: &File, from: u64) -> Vec<Event> {
    let mut text = Vec::new();
    // A file is never much larger than it may become.
    if file.seek(SeekFrom::Start(from)).and_then(|_| file.take(2 * LARGEST_FILE).read_to_end(&mut text)).is_err() {
        return Vec::new();
    }
    text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}
