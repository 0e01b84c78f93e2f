//! The fleet lock: who may push now. Every host keeps its own copy; a pusher needs all of them.
//!
//! [`grant`] and [`presented`] decide (pure, `now` is passed in); [`LockFile`] keeps the lock on the host. Called by
//! [`crate::push::gate`].

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::daemon::state_file::{StateFile, Stored};
use crate::files;

/// A lock that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// The secret that its holder presents. Empty where the lock is shown to others.
    #[serde(default)]
    pub token: String,
    /// `USER@HOST`.
    pub holder: String,
    /// Where the holder is.
    pub location: String,
    /// What for.
    pub reason: String,
    /// When it ends by itself, in milliseconds since the epoch, by the host's clock.
    #[serde(default)]
    pub expires: u64,
}

impl Lock {
    /// As it may be shown: without the token.
    pub fn shown(&self) -> Lock {
        Lock { token: String::new(), ..self.clone() }
    }

    /// `alice@admin-nl (nl): push of r41`.
    pub fn in_words(&self) -> String {
        format!("{} ({}): {}", self.holder, self.location, self.reason)
    }
}

/// The longest that a lock is granted for without being renewed, in seconds.
const LONGEST: u64 = 30 * 24 * 3600;

/// The lock that holds at a time.
pub fn held(lock: Option<Lock>, now: u64) -> Option<Lock> {
    // One that would last longer than any is granted for was written by a clock that was wrong.
    lock.filter(|lock| lock.expires > now && lock.expires <= now + LONGEST * 1000)
}

/// Grants a wanted lock, unless somebody else holds one: then that one.
///
/// # Errors
///
/// The lock that is in the way, without its token.
pub fn grant(present: Option<Lock>, wanted: Lock, seconds: u64, now: u64) -> Result<Lock, Lock> {
    match held(present, now) {
        Some(other) if other.token != wanted.token => Err(other.shown()),
        _ => Ok(Lock { expires: now + seconds.min(LONGEST) * 1000, ..wanted }),
    }
}

/// Whether a token is that of the lock that is held, and if not, who is in the way (if anybody is).
///
/// # Errors
///
/// The holder, or nobody: the lock has expired or was broken.
pub fn presented(present: Option<Lock>, token: &str, now: u64) -> Result<Lock, Option<Lock>> {
    match held(present, now) {
        Some(lock) if !token.is_empty() && lock.token == token => Ok(lock),
        Some(other) => Err(Some(other.shown())),
        None => Err(None),
    }
}

/// A host's copy.
#[derive(Debug, Clone)]
pub struct LockFile {
    file: StateFile,
    /// Held while it is read and written: of two who ask at once, one is first.
    guard: PathBuf,
}

impl LockFile {
    /// `DIR/lock.json`.
    pub fn new(dir: &Path) -> LockFile {
        LockFile { file: StateFile::new(dir, "lock"), guard: dir.join("lock.guard") }
    }

    /// Until what is returned is dropped, nobody else reads and writes it.
    ///
    /// # Errors
    ///
    /// The guard's file cannot be made.
    pub fn lock(&self) -> io::Result<File> {
        files::lock(&self.guard, 0o600)
    }

    /// The lock that was written last, expired or not. A file that cannot be believed holds nobody up.
    pub fn read(&self) -> Option<Lock> {
        match self.file.read() {
            Stored::Whole(value) => serde_json::from_value(value).ok()?,
            Stored::Missing | Stored::Broken(_) => None,
        }
    }

    /// Writes it, or that nobody has it.
    ///
    /// # Errors
    ///
    /// The file cannot be written: then the lock is not held.
    pub fn write(&self, lock: Option<&Lock>) -> io::Result<()> {
        self.file.write(&json!(lock))
    }
}

#[cfg(test)]
mod tests;
