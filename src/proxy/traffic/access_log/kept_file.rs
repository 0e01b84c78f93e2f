//! The requests that failed, on disk: `requests.jsonl` in the state directory and, before that, `requests.1.jsonl`.
//!
//! A line of JSON each, as in the access log. Two processes may write at a time (a takeover): each appends whole batches under flock(2)
//! on the newer file, so that only one of them makes it the older one when it is full.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::kept::Kept;
use crate::files::{append_locked, ends_with_its_line, open_regular};

/// How large a file grows before it becomes the older one of two, in bytes.
const LARGEST: u64 = 4 << 20;

/// How old a file grows before it becomes the older one, and how long that one is kept.
const OLDEST: Duration = Duration::from_secs(30 * 86_400);

#[derive(Debug, Clone)]
pub(super) struct KeptFile {
    newest: PathBuf,
    older: PathBuf,
}

impl KeptFile {
    pub(super) fn new(state_dir: &Path) -> KeptFile {
        let [newest, older] = ["requests.jsonl", "requests.1.jsonl"].map(|name| state_dir.join(name));
        KeptFile { newest, older }
    }

    /// What the processes before this one have left. What cannot be read is left out: it must not keep a daemon from its start.
    pub(super) fn read_into(&self, kept: &mut Kept) {
        self.forget_old();
        for path in [&self.older, &self.newest] {
            let mut text = Vec::new();
            let read = open_regular(OpenOptions::new().read(true), path);
            // A file is never much larger than it may become.
            if read.and_then(|file| file.take(2 * LARGEST).read_to_end(&mut text)).is_err() {
                continue;
            }
            // A line that is not whole, from a crash or a full disk, is left out.
            let whole = text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"}\n"));
            whole.for_each(|line| kept.add(line, true));
        }
    }

    /// Removes what there is: nothing of visitors is to be on disk. What cannot be removed is left: the operator finds it in the folder.
    pub(super) fn remove(&self) {
        for path in [&self.newest, &self.older] {
            let _ = std::fs::remove_file(path);
        }
    }

    /// Gives up what is old, unless another process is writing, which does it then.
    fn forget_old(&self) {
        let newest = open_regular(OpenOptions::new().read(true), &self.newest);
        if let Ok(newest) = newest
            && newest.try_lock().is_ok()
            && std::fs::metadata(&self.newest)
                .is_ok_and(|named| newest.metadata().is_ok_and(|ours| ours.ino() == named.ino()))
        {
            self.forget_older();
            if newest.metadata().is_ok_and(|newest| is_old(newest.created())) {
                let _ = std::fs::rename(&self.newest, &self.older);
            }
        }
    }

    fn forget_older(&self) {
        if std::fs::metadata(&self.older).is_ok_and(|older| is_old(older.modified())) {
            let _ = std::fs::remove_file(&self.older);
        }
    }

    /// Appends lines.
    pub(super) fn append(&self, lines: &[u8]) -> io::Result<()> {
        let mut file = append_locked(&self.newest)?;
        self.forget_older();
        let newest = file.metadata()?;
        if newest.len() + lines.len() as u64 > LARGEST || is_old(newest.created()) {
            std::fs::rename(&self.newest, &self.older)?;
            file = append_locked(&self.newest)?;
        }
        if !ends_with_its_line(&file)? {
            file.write_all(b"\n")?;
        }
        file.write_all(lines)
    }
}

/// A file system that does not know when a file was made lets it grow by its size alone.
fn is_old(time: io::Result<SystemTime>) -> bool {
    time.ok().and_then(|time| time.elapsed().ok()).is_some_and(|age| age >= OLDEST)
}

#[cfg(test)]
mod tests;
