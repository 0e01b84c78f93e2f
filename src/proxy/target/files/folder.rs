//! Whether the folder can be opened: looked at every few seconds, so that whoever asks how things are waits for no disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustix::fs::{Access, access};

use crate::config::regular_file::Folder;
use crate::daemon::key_file::KeyError;

/// A folder, and how the last look at it went.
#[derive(Debug)]
pub struct WatchedFolder {
    /// Where the document names it.
    key: String,
    path: PathBuf,
    error: ArcSwapOption<String>,
}

/// The status where the folder or a file in it cannot be opened, though it is there.
pub fn status_of(error: &io::Error) -> u16 {
    match error.kind() {
        io::ErrorKind::PermissionDenied => 403,
        // The folder itself: search engines must not forget its pages.
        io::ErrorKind::NotFound => 503,
        _ => 500,
    }
}

/// Tries whether files in a folder can be opened.
///
/// # Errors
///
/// They cannot: it is not there, is no folder, or may not be entered.
pub fn try_folder(path: &Path) -> io::Result<()> {
    Folder::open(path)?;
    Ok(access(path, Access::EXEC_OK)?)
}

/// Why a folder's files cannot be opened, in the operator's words.
pub fn in_words(error: &io::Error) -> String {
    format!("cannot be opened: {error}; until it can be, visitors are answered {}", status_of(error))
}

impl WatchedFolder {
    /// Looks at a folder that the document names under `key`.
    pub fn open(path: &Path, key: String) -> WatchedFolder {
        let folder = WatchedFolder { key, path: path.to_owned(), error: ArcSwapOption::empty() };
        folder.refresh();
        folder
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks at it again. True: it is otherwise than it was.
    pub fn refresh(&self) -> bool {
        let error = try_folder(&self.path).err().map(|error| in_words(&error));
        let before = self.error.swap(error.clone().map(Arc::new));
        before.as_deref() != error.as_ref()
    }

    /// Why its files could not be opened when it was looked at last.
    pub fn error(&self) -> Option<KeyError> {
        let why = self.error.load_full()?;
        Some(KeyError::at(&self.path, None, (*why).clone()).of(&*self.key))
    }
}
