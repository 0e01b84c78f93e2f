//! The requests that failed, on disk: `requests.jsonl` in the state directory and, before that, `requests.1.jsonl`.
//!
//! A line of JSON each, as in the access log. Two processes may write at a time (a takeover): each appends whole batches, and looks
//! which file has the name before it does.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::kept::Kept;
use crate::files::open_regular;

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

    /// Gives up what is old. A file system that does not know when a file was made lets it grow by its size alone.
    fn forget_old(&self) {
        let is_old = |time: io::Result<SystemTime>| {
            time.ok().and_then(|time| time.elapsed().ok()).is_some_and(|age| age >= OLDEST)
        };
        if std::fs::metadata(&self.older).is_ok_and(|older| is_old(older.modified())) {
            let _ = std::fs::remove_file(&self.older);
        }
        if std::fs::metadata(&self.newest).is_ok_and(|newest| is_old(newest.created())) {
            let _ = std::fs::rename(&self.newest, &self.older);
        }
    }

    /// Appends lines.
    pub(super) fn append(&self, lines: &[u8]) -> io::Result<()> {
        self.forget_old();
        let open = || open_regular(OpenOptions::new().create(true).append(true).mode(0o600), &self.newest);
        let mut file = open()?;
        if file.metadata()?.len() + lines.len() as u64 > LARGEST {
            std::fs::rename(&self.newest, &self.older)?;
            file = open()?;
        }
        file.write_all(lines)
    }
}

#[cfg(test)]
mod tests;
