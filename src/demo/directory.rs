//! The demo's temporary folder: mode 0700, removed with everything in it when it is dropped, unless it is to be kept.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::ownership::{Believed, Unread};

/// Room that the path of an admin socket needs below the folder: Linux allows 107 bytes in all (`unix(7)`).
const LONGEST_FOLDER: usize = 107 - "/px-1/admin.sock".len();

/// A folder of our own.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    kept: bool,
}

impl Directory {
    /// Makes `polder-XXXXXXXX` in the system's temporary folder. One that is there already is not used, whosever it is.
    ///
    /// # Errors
    ///
    /// It cannot be made, or another user could put another folder in its place.
    pub fn make() -> io::Result<Directory> {
        let mut parent = std::env::temp_dir();
        if parent.as_os_str().len() + "/polder-XXXXXXXX".len() > LONGEST_FOLDER {
            parent = PathBuf::from("/tmp");
        }
        Believed::caller().shared_folder(&parent).map_err(|unread| match unread {
            Unread::Foreign(foreign) => io::Error::other(format!("{foreign}; set TMPDIR to another folder")),
            Unread::Unreadable(error) => io::Error::new(error.kind(), format!("{}: {error}", parent.display())),
        })?;
        loop {
            let random: String = std::iter::repeat_with(fastrand::alphanumeric).take(8).collect();
            let path = parent.join(format!("polder-{random}"));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Directory { path, kept: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves it where it is when this is dropped, for somebody who wants to read the logs.
    pub fn keep(&mut self) {
        self.kept = true;
    }

    /// Makes a folder in it, mode 0700.
    pub fn folder(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        DirBuilder::new().mode(0o700).recursive(true).create(&path)?;
        Ok(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        // Nobody is left to tell, and a folder that stays behind in the temporary folder does no harm.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests;
