//! One daemon at a time keeps its state in a state directory: flock(2) on the directory itself.
//!
//! Such a lock belongs to the open file and not to a process, so that a takeover hands it over as a copy of the descriptor: at
//! no moment of it is the directory free. A process that ends in whatever way gives it up. Must never: keep a daemon from
//! starting because the directory is not there; that is the alarm of the first write. Called at the daemons' starts.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::files;

/// The lock; held until this and every copy of it are dropped.
#[derive(Debug)]
pub struct StateLock {
    /// None if the directory cannot be locked.
    folder: Option<File>,
}

/// Another process holds the lock.
#[derive(Debug)]
pub struct StateInUse {
    /// The directory.
    pub state_dir: PathBuf,
    /// Who has it open, as far as this process may know: `process 17 (polder-dns)`.
    pub by: Vec<String>,
}

impl fmt::Display for StateInUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "state_dir {}: another daemon keeps its state there", self.state_dir.display())?;
        if !self.by.is_empty() {
            write!(f, " ({})", self.by.join(", "))?;
        }
        f.write_str(
            "; stop that one and wait for its end, start with --takeover to replace it, or give this one a directory of its own",
        )
    }
}

impl std::error::Error for StateInUse {}

impl StateLock {
    /// Locks the directory; `handed` are the directories that the process taken over from has handed over, with its lock among
    /// them.
    ///
    /// # Errors
    ///
    /// Another process holds it.
    pub fn hold(state_dir: &Path, handed: Vec<File>) -> Result<StateLock, StateInUse> {
        let identity = |folder: &fs::Metadata| (folder.dev(), folder.ino());
        let wanted = fs::metadata(state_dir).ok().map(|folder| identity(&folder));
        let ours = |folder: &File| folder.metadata().ok().map(|folder| identity(&folder)) == wanted;
        if let Some(folder) = handed.into_iter().find(|folder| wanted.is_some() && ours(folder)) {
            return Ok(StateLock { folder: Some(folder) });
        }
        match files::try_lock_folder(state_dir) {
            Ok(Some(folder)) => Ok(StateLock { folder: Some(folder) }),
            Ok(None) => Err(StateInUse { state_dir: state_dir.to_owned(), by: holders(state_dir) }),
            Err(error) => {
                tracing::warn!("the state directory cannot be locked against a second daemon: {error}");
                Ok(StateLock { folder: None })
            }
        }
    }

    /// Whether no process holds it. False if the directory cannot be locked: nobody knows then.
    pub fn is_free(state_dir: &Path) -> bool {
        files::try_lock_folder(state_dir).is_ok_and(|free| free.is_some())
    }

    /// A copy, for a takeover.
    ///
    /// # Errors
    ///
    /// This process has no descriptors left.
    pub fn copy(&self) -> io::Result<Option<OwnedFd>> {
        self.folder.as_ref().map(|folder| folder.try_clone().map(OwnedFd::from)).transpose()
    }
}

/// The other processes that have a directory open, of those that this process may look at.
fn holders(folder: &Path) -> Vec<String> {
    let Ok(folder) = fs::canonicalize(folder) else { return Vec::new() };
    let entries = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    let has_it = |process: &Path| {
        entries(&process.join("fd")).any(|fd| fs::read_link(fd.path()).is_ok_and(|open| open == folder))
    };
    let others = entries(Path::new("/proc")).filter_map(|entry| {
        let process: u32 = entry.file_name().to_str()?.parse().ok()?;
        (process != std::process::id() && has_it(&entry.path())).then(|| {
            let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            format!("process {process} ({})", name.trim())
        })
    });
    others.collect()
}

#[cfg(test)]
mod tests;
