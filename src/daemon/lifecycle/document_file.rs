//! Whether the document on disk is still the one that was read.
//!
//! A restart reads what is there then: a document that was changed and never taken in, or that is gone, would be found out in the night in
//! which the machine starts again.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;

/// How often is looked.
const EVERY: Duration = Duration::from_secs(5);

/// A document that has changed is taken in by a reload, which comes at once: only one that has waited for so long is an alarm.
const WAITS: Duration = Duration::from_secs(10);

/// What tells one content of a file from another, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(file: &Path) -> io::Result<Stamp> {
        let about = fs::metadata(file)?;
        let modified = (about.mtime(), about.mtime_nsec());
        Ok(Stamp { device: about.dev(), inode: about.ino(), length: about.size(), modified })
    }
}

/// The file of a daemon's document. Looks are taken beside the control thread: a disk may hang.
#[derive(Debug)]
pub struct DocumentFile {
    path: PathBuf,
    in_force: Option<Stamp>,
    /// As it was when it was read last, whatever came of that.
    read: Arc<ArcSwapOption<Stamp>>,
    seen: Arc<ArcSwapOption<io::Result<Stamp>>>,
    is_looking: Arc<AtomicBool>,
    looked: Option<Duration>,
    /// Since when it is not as it was read.
    differs: Option<Duration>,
}

impl DocumentFile {
    /// Of one that has just been read and put in force.
    pub fn just_read(path: PathBuf) -> DocumentFile {
        let in_force = Stamp::of(&path).ok();
        DocumentFile {
            path,
            in_force,
            read: Arc::default(),
            seen: Arc::default(),
            is_looking: Arc::default(),
            looked: None,
            differs: None,
        }
    }

    /// To be called where it has been read again.
    pub fn reader(&self) -> impl FnOnce() + Send + 'static {
        let (path, read) = (self.path.clone(), Arc::clone(&self.read));
        move || read.store(Stamp::of(&path).ok().map(Arc::new))
    }

    /// What was read last is in force.
    pub fn put_in_force(&mut self) {
        self.in_force = self.read.swap(None).as_deref().copied();
        self.seen.store(None);
        self.differs = None;
    }

    /// Looks, if it is time, and takes in what was seen.
    pub fn look(&mut self, running: Duration) {
        if let Some(seen) = self.seen.load_full() {
            let differs = seen.as_ref().as_ref().ok() != self.in_force.as_ref();
            self.differs = differs.then(|| self.differs.unwrap_or(running));
        }
        let is_due = self.looked.is_none_or(|looked| running.saturating_sub(looked) >= EVERY);
        if is_due && !self.is_looking.swap(true, Ordering::AcqRel) {
            self.looked = Some(running);
            let (path, seen, is_looking) = (self.path.clone(), Arc::clone(&self.seen), Arc::clone(&self.is_looking));
            tokio::task::spawn_blocking(move || {
                seen.store(Some(Arc::new(Stamp::of(&path))));
                is_looking.store(false, Ordering::Release);
            });
        }
    }

    /// What the operator should know, once it has been so for a while.
    pub fn alarm(&self, running: Duration) -> Option<String> {
        self.differs.filter(|since| running.saturating_sub(*since) >= WAITS)?;
        let path = self.path.display();
        match self.seen.load_full().as_deref()? {
            Ok(_) => Some(format!(
                "{path} has changed since it was read and is not in force: `polder reload` takes it in, or says what is wrong with it; a restart would read it"
            )),
            Err(error) => Some(format!(
                "{path} cannot be read: {error}; what was read before is in force, and a restart would fail"
            )),
        }
    }
}

#[cfg(test)]
mod tests;
