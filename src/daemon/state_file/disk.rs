//! Bytes of state files, read up to a bound.

use std::io;
use std::path::Path;

use serde_json::Value;

use crate::config::regular_file::read_regular_file;
use crate::files;

/// The most that is read of a state file: far beyond anything a daemon writes.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// The result of reading a state file.
#[derive(Debug, PartialEq)]
pub enum Stored {
    /// It is not there: a new machine.
    Missing,
    /// It is intact.
    Whole(Value),
    /// It is there and damaged, or cannot be read; and why.
    Broken(String),
}

/// The bytes of a file, `None` if there is no such file. Errors name the file.
pub(super) fn read_bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match read_regular_file(path, MAX_FILE) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(files::naming(path, &error)),
    }
}
