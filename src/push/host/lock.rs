//! The fleet lock on one host: who may push now. Every host has its own copy, and a pusher needs all of them.
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
    /// The location of the holder's admin machine.
    pub location: String,
    /// Why it is held.
    pub reason: String,
    /// When it expires, in milliseconds since the epoch by the host's clock.
    #[serde(default)]
    pub expires: u64,
}

impl Lock {
    /// A lock to ask for: the holder gets a token, the hosts say when it expires.
    pub fn wanted(holder: String, location: &str, reason: String) -> Lock {
        Lock { token: String::new(), holder, location: location.to_owned(), reason, expires: 0 }
    }

    /// A copy without the token, which may be shown to others.
    pub fn shown(&self) -> Lock {
        Lock { token: String::new(), ..self.clone() }
    }

    /// `alice@admin-nl (nl): push of r41`.
    pub fn in_words(&self) -> String {
        format!("{} ({}): {}", self.holder, self.location, self.reason)
    }
}

/// The longest time for which a lock is granted without a renewal, in seconds.
const LONGEST: u64 = 30 * 24 * 3600;

/// The lock, if it is held at this time.
pub fn held(lock: Option<Lock>, now: u64) -> Option<Lock> {
    // A lock that would last longer than any that is granted was written when the clock was wrong.
    lock.filter(|lock| lock.expires > now && lock.expires <= now + LONGEST * 1000)
}

/// Grants a lock, unless somebody else holds one.
///
/// # Errors
///
/// The lock that is in the way, without its token.
pub fn grant(present: Option<Lock>, wanted: Lock, seconds: u64, now: u64) -> Result<Lock, Lock> {
    match held(present, now) {
        Some(other) if other.token != wanted.token => Err(other.shown()),
        // A renewal shortens nothing: the pusher may have asked for longer on a host that boots.
        present => {
            let expires = now + seconds.min(LONGEST) * 1000;
            Ok(Lock { expires: present.map_or(expires, |lock| lock.expires.max(expires)), ..wanted })
        }
    }
}

/// The lock that is held, if the token is its own.
///
/// # Errors
///
/// Somebody else's lock, without its token; or `None`, if the lock has expired or was broken.
pub fn presented(present: Option<Lock>, token: &str, now: u64) -> Result<Lock, Option<Lock>> {
    match held(present, now) {
        Some(lock) if !token.is_empty() && lock.token == token => Ok(lock),
        Some(other) => Err(Some(other.shown())),
        None => Err(None),
    }
}

/// A host's copy of the lock.
#[derive(Debug, Clone)]
pub struct LockFile {
    file: StateFile,
    /// Locked while the copy is read and written, so that two requests do not interleave.
    guard: PathBuf,
}

impl LockFile {
    /// `DIR/lock.json`.
    pub fn new(dir: &Path) -> LockFile {
        LockFile { file: StateFile::new(dir, "lock"), guard: dir.join("lock.guard") }
    }

    /// Keeps others from reading and writing the copy until the returned file is dropped.
    ///
    /// # Errors
    ///
    /// The guard file cannot be created.
    pub fn lock(&self) -> io::Result<File> {
        files::lock(&self.guard, 0o600)
    }

    /// The lock that was written last, expired or not. A damaged file counts as no lock.
    pub fn read(&self) -> Option<Lock> {
        match self.file.read() {
            Stored::Whole(value) => serde_json::from_value(value).ok()?,
            Stored::Missing | Stored::Broken(_) => None,
        }
    }

    /// Writes the lock, or `None` for a released one.
    ///
    /// # Errors
    ///
    /// The file cannot be written, so the lock is unchanged.
    pub fn write(&self, lock: Option<&Lock>) -> io::Result<()> {
        self.file.write(&json!(lock))
    }
}

#[cfg(test)]
mod tests;
