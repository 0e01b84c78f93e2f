//! A file that a rule of a service stands in, users or networks: read again when it changes.
//!
//! A file that cannot be used changes nothing: what was read before goes on, and it is an alarm. Where there never was anything that could
//! be used, nobody is let in.

#![allow(clippy::disallowed_types, reason = "held for a moment when the file is looked at, every few seconds")]

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;

use crate::daemon::key_file::KeyError;
use crate::tls::pem::FileStamp;

/// What such a file holds.
pub trait Content: Debug + Sized {
    /// What operators call it: `users`.
    const NAME: &'static str;

    /// Reads it.
    ///
    /// # Errors
    ///
    /// The file cannot be used. Names file and line.
    fn read(path: &Path) -> Result<Self, KeyError>;
}

/// Such a file, and what it held when it could be used last.
#[derive(Debug)]
pub struct WatchedFile<T> {
    key: String,
    path: PathBuf,
    in_force: ArcSwapOption<T>,
    last_read: Mutex<LastRead>,
}

#[derive(Debug)]
struct LastRead {
    stamp: FileStamp,
    error: Option<KeyError>,
}

/// Such a file, whatever it holds.
pub trait Watched {
    /// Where the service names it.
    fn key(&self) -> &str;

    /// The file.
    fn path(&self) -> &Path;

    /// What operators call what it holds.
    fn name(&self) -> &'static str;

    /// Why what it holds now is not used.
    fn error(&self) -> Option<KeyError>;

    /// Reads it again if it has changed, or could not be read, and gives what became of it, if that is news.
    fn refresh(&self) -> Option<Result<(), KeyError>>;

    /// What the operator should know of it.
    fn alarm(&self) -> Option<String>;
}

impl<T: Content> WatchedFile<T> {
    /// Reads it. `key`: where the service names it.
    pub fn open(path: &Path, key: impl Into<String>) -> WatchedFile<T> {
        let stamp = FileStamp::of(path);
        let (content, error) = match T::read(path) {
            Ok(content) => (Some(Arc::new(content)), None),
            Err(error) => (None, Some(error)),
        };
        let last_read = Mutex::new(LastRead { stamp, error });
        WatchedFile { key: key.into(), path: path.to_owned(), in_force: ArcSwapOption::new(content), last_read }
    }

    /// What counts of it; none where it has never held anything that could be used.
    pub fn content(&self) -> Option<Arc<T>> {
        self.in_force.load_full()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LastRead> {
        self.last_read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Content> Watched for WatchedFile<T> {
    fn key(&self) -> &str {
        &self.key
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn name(&self) -> &'static str {
        T::NAME
    }

    fn error(&self) -> Option<KeyError> {
        self.lock().error.clone()
    }

    fn refresh(&self) -> Option<Result<(), KeyError>> {
        // Not under the lock: a disk that does not answer must not hold up who only asks how things are.
        let stamp = FileStamp::of(&self.path);
        let last_error = {
            let last = self.lock();
            if last.stamp == stamp && last.error.is_none() {
                return None;
            }
            last.error.clone()
        };
        let error = match T::read(&self.path) {
            Ok(content) => {
                self.in_force.store(Some(Arc::new(content)));
                None
            }
            Err(error) => Some(error),
        };
        *self.lock() = LastRead { stamp, error: error.clone() };
        (error.is_none() || error != last_error).then(|| error.map_or(Ok(()), Err))
    }

    fn alarm(&self) -> Option<String> {
        let (error, name) = (self.error()?, T::NAME);
        Some(match self.in_force.load().is_some() {
            true => format!("a file of {name} has changed and is not used: {error}; the {name} before go on"),
            false => format!("a file of {name} cannot be used, and nobody is let in by it: {error}"),
        })
    }
}

#[cfg(test)]
mod tests;
