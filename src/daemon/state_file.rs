//! Files in the state directory: whole or not at all.
//!
//! Owns the form of such a file (one header line with the payload's length and checksum, then JSON) and the two ways of
//! writing one. Must never: believe bytes that do not match their checksum, or report `Ok` before the disk has them.
//! Called by the daemons for operator states and health ([`StateFile`]) and for latches ([`Slots`]).

mod form;
mod slots;

pub use slots::Slots;

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::config::regular_file::read_regular_file;
use crate::files;

/// The most that is read of a state file: far beyond anything a daemon writes.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// A JSON file replaced atomically (temporary file, fsync, rename, fsync of the directory) with a checksum.
#[derive(Debug, Clone)]
pub struct StateFile {
    /// Where it stands.
    pub path: PathBuf,
}

/// What reading a state file gave.
#[derive(Debug, PartialEq)]
pub enum Stored {
    /// It is not there: a new machine.
    Missing,
    /// It is whole.
    Whole(Value),
    /// It is there and cannot be believed; says why.
    Broken(String),
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
    pub fn write(&self, value: &Value) -> io::Result<()> {
        files::replace_own(&self.path, &form::render(0, value))
    }
}

/// The bytes of a file, `None` if there is no such file. Errors name the file.
fn read_bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match read_regular_file(path, MAX_FILE) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(files::naming(path, &error)),
    }
}

#[cfg(test)]
mod tests;
