//! A small file that is held in memory, and read again when it has changed.

#![allow(clippy::disallowed_types, reason = "held only while the file is looked at, every few seconds and at a reload")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;

use crate::config::regular_file::read_regular_file;
use crate::daemon::key_file::KeyError;
use crate::tls::pem::FileStamp;

/// The most that is read of one: it is held in memory, and a page for people is far smaller.
pub const MOST: u64 = 1024 * 1024;

/// A file, what it held when it was read last, and how that went.
#[derive(Debug)]
pub struct KeptFile<T> {
    /// Where the document names it.
    key: String,
    path: PathBuf,
    content: ArcSwapOption<T>,
    last_read: Mutex<LastRead>,
    prepare: fn(Vec<u8>) -> T,
}

#[derive(Debug)]
struct LastRead {
    stamp: FileStamp,
    /// Why what the file holds now is not used.
    error: Option<String>,
}

/// What became of a file that has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reread {
    /// It.
    pub path: PathBuf,
    /// Why what it holds now is not used; none: it is.
    pub error: Option<KeyError>,
}

impl<T> KeptFile<T> {
    /// Reads a file that the document names under `key`; `prepare` makes of its bytes what is used.
    pub fn open(path: &Path, key: String, prepare: fn(Vec<u8>) -> T) -> KeptFile<T> {
        let last_read = Mutex::new(LastRead { stamp: FileStamp::of(path), error: None });
        let file = KeptFile { key, path: path.to_owned(), content: ArcSwapOption::empty(), last_read, prepare };
        file.lock().error = file.read();
        file
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds, as it was read last; none where it never could be.
    pub fn content(&self) -> Option<Arc<T>> {
        self.content.load_full()
    }

    /// Takes what it holds now, or gives why not.
    fn read(&self) -> Option<String> {
        match read_regular_file(&self.path, MOST) {
            Ok(bytes) => {
                self.content.store(Some(Arc::new((self.prepare)(bytes))));
                None
            }
            Err(error) => Some(format!("cannot be read: {error}")),
        }
    }

    /// Reads it again if it has changed, and gives what became of it. One that cannot be read changes nothing.
    pub fn refresh(&self) -> Option<Reread> {
        // Not under the lock: a disk that does not answer must not hold up who only asks how things are.
        let stamp = FileStamp::of(&self.path);
        let (seen, last_error) = {
            let last = self.lock();
            (last.stamp, last.error.clone())
        };
        if stamp == seen && last_error.is_none() {
            return None;
        }
        let error = self.read();
        *self.lock() = LastRead { stamp, error: error.clone() };
        let is_same = stamp == seen && error == last_error;
        (!is_same).then(|| Reread { path: self.path.clone(), error: self.error() })
    }

    /// Why what it holds now is not used.
    pub fn error(&self) -> Option<KeyError> {
        let why = self.lock().error.clone();
        why.map(|why| KeyError::at(&self.path, None, why).of(&*self.key))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LastRead> {
        self.last_read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
