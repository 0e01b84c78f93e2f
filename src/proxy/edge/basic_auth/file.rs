//! The file of a service's users: read again when it changes.
//!
//! A file that cannot be used changes nothing: the users before go on, and it is an alarm. Where there never were any that could be used,
//! nobody is one.

#![allow(clippy::disallowed_types, reason = "held for a moment when the file is looked at, every few seconds")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;

use super::users::Users;
use crate::daemon::key_file::KeyError;
use crate::tls::pem::FileStamp;

/// A file of users, and what it held when it could be used last.
#[derive(Debug)]
pub struct UsersFile {
    path: PathBuf,
    in_force: ArcSwapOption<Users>,
    last_read: Mutex<LastRead>,
}

#[derive(Debug)]
struct LastRead {
    stamp: FileStamp,
    error: Option<KeyError>,
}

impl UsersFile {
    /// Reads it.
    pub fn open(path: &Path) -> UsersFile {
        let stamp = FileStamp::of(path);
        let (users, error) = match Users::read(path) {
            Ok(users) => (Some(Arc::new(users)), None),
            Err(error) => (None, Some(error)),
        };
        let last_read = Mutex::new(LastRead { stamp, error });
        UsersFile { path: path.to_owned(), in_force: ArcSwapOption::new(users), last_read }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The users; none where the file has never held any that could be used.
    pub fn users(&self) -> Option<Arc<Users>> {
        self.in_force.load_full()
    }

    /// Why what the file holds now is not used.
    pub fn error(&self) -> Option<KeyError> {
        self.lock().error.clone()
    }

    /// Reads it again if it has changed, or could not be read, and gives what became of it, if that is news.
    pub fn refresh(&self) -> Option<Result<(), KeyError>> {
        // Not under the lock: a disk that does not answer must not hold up who only asks how things are.
        let stamp = FileStamp::of(&self.path);
        let last_error = {
            let last = self.lock();
            if last.stamp == stamp && last.error.is_none() {
                return None;
            }
            last.error.clone()
        };
        let error = match Users::read(&self.path) {
            Ok(users) => {
                self.in_force.store(Some(Arc::new(users)));
                None
            }
            Err(error) => Some(error),
        };
        *self.lock() = LastRead { stamp, error: error.clone() };
        (error.is_none() || error != last_error).then(|| error.map_or(Ok(()), Err))
    }

    /// What the operator should know of it.
    pub fn alarm(&self) -> Option<String> {
        let error = self.error()?;
        Some(match self.in_force.load().is_some() {
            true => format!("a file of users has changed and is not used: {error}; the users before go on"),
            false => format!("a file of users cannot be used, and nobody is let in by it: {error}"),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LastRead> {
        self.last_read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
