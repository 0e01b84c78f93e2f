//! Bytes of state files: read up to a bound, replaced whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::config::regular_file::read_regular_file;

/// The most that is read of a state file: far beyond anything a daemon writes.
const MAX_FILE: u64 = 16 * 1024 * 1024;

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

/// The bytes of a file, `None` if there is no such file. Errors name the file.
pub(super) fn read_bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match read_regular_file(path, MAX_FILE) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(naming(path, &error)),
    }
}

/// Puts a whole new file in the place of `path`, or leaves all as it was.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
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
pub(super) fn naming(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
