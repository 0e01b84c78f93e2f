//! Files in the state directory, which are read only if they are intact.
//!
//! Owns the form of such a file (one header line with the payload's length and checksum, then JSON) and the two ways of
//! writing one. Must never: believe bytes that do not match their checksum, or report `Ok` before the disk has them.
//! Called by the daemons for operator states and health ([`StateFile`]) and for latches ([`Slots`]).

mod disk;
mod form;
mod slots;

pub use disk::Stored;
pub use slots::Slots;

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::files;
use disk::read_bounded;

/// A JSON file replaced atomically (temporary file, fsync, rename, fsync of the directory) with a checksum.
#[derive(Debug, Clone)]
pub struct StateFile {
    /// Its path.
    pub path: PathBuf,
}

impl StateFile {
    /// `DIR/NAME.json`.
    pub fn new(dir: &Path, name: &str) -> StateFile {
        StateFile { path: dir.join(format!("{name}.json")) }
    }

    /// Reads it.
    pub fn read(&self) -> Stored {
        match read_bounded(&self.path) {
            Ok(None) => Stored::Missing,
            Ok(Some(bytes)) => match form::parse(&bytes) {
                Ok(record) => Stored::Whole(record.value),
                Err(why) => Stored::Broken(format!("{}: {why}", self.path.display())),
            },
            Err(error) => Stored::Broken(error.to_string()),
        }
    }

    /// Replaces it. An error names the file and leaves what was there; only if the very last step fails (the fsync of
    /// the directory) may the new content already stand there, and be lost with the power.
    pub fn write(&self, value: &impl Serialize) -> io::Result<()> {
        files::replace_own(&self.path, &form::render(0, value)?)
    }
}

#[cfg(test)]
mod tests;
