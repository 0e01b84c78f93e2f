//! Files in the state directory: whole or not at all.
//!
//! Owns the form of such a file (one header line with the payload's length and checksum, then JSON) and the two ways of
//! writing one. Must never: believe bytes that do not match their checksum, or report `Ok` before the disk has them.
//! Called by the daemons for operator states and health ([`StateFile`]) and for latches ([`Slots`]).

mod form;
mod slots;

pub use slots::Slots;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::config::regular_file::read_regular_file;

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
        replace(&self.path, &form::render(0, value))
    }
}

/// The bytes of a file, `None` if there is no such file. Errors name the file.
fn read_bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match read_regular_file(path, MAX_FILE) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(naming(path, &error)),
    }
}

/// Puts a whole new file in the place of `path`, or leaves all as it was.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    let written = write_new(&fresh, bytes).and_then(|()| fs::rename(&fresh, path)).and_then(|()| sync_dir_of(path));
    written.map_err(|error| {
        // On a full disk the half-written file would keep the space that the next try needs.
        let _ = fs::remove_file(&fresh);
        naming(path, &error)
    })
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a rename or a new name in the directory of `path` durable.
fn sync_dir_of(path: &Path) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir)?.sync_all()
}

/// The same kind of error with the file's path before its words.
fn naming(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
