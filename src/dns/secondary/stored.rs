//! What is stored of zones from other nameservers, in the folder `secondaries` of the state directory: served after a restart, and what differences
//! are applied to.
//!
//! A file has all records and a checksum. It is replaced in one step, before the zone is served; its time of modification is when a primary
//! confirmed it last. Must never: be written while another process is the daemon.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::incoming::MOST;
use crate::config::regular_file::read_regular_file;
use crate::dns::zone_copies::file_stem;
use crate::files;

/// What stands first.
const MAGIC: &[u8] = b"polder secondary 1\n";

/// The bytes of the checksum at the end.
const CHECKSUM: usize = 4;

/// The zones of one state directory.
#[derive(Debug, Clone)]
pub struct Stored {
    folder: PathBuf,
}

impl Stored {
    /// Those in a state directory.
    pub fn new(state_dir: &Path) -> Stored {
        Stored { folder: state_dir.join("secondaries") }
    }

    /// The records of a zone, and how long ago a primary confirmed them; `None` if there are none.
    ///
    /// # Errors
    ///
    /// They cannot be read, or are damaged.
    pub fn read(&self, apex: &str) -> io::Result<Option<(Vec<u8>, Duration)>> {
        let path = self.path(apex);
        let read = || {
            let age = SystemTime::now().duration_since(fs::metadata(&path)?.modified()?).unwrap_or_default();
            let bytes = read_regular_file(&path, MOST as u64 + 64)?;
            let damaged = || io::Error::other("it is damaged: its checksum is another one");
            let end = bytes.len().checked_sub(CHECKSUM).ok_or_else(damaged)?;
            let (text, checksum) = bytes.split_at(end);
            if crc32fast::hash(text).to_be_bytes() != checksum {
                return Err(damaged());
            }
            Ok((text.strip_prefix(MAGIC).ok_or_else(damaged)?.to_vec(), age))
        };
        match read() {
            Ok(read) => Ok(Some(read)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(files::naming(&path, &error)),
        }
    }

    /// Stores all records of a zone, which a primary has sent just now.
    ///
    /// # Errors
    ///
    /// They cannot be written.
    pub fn write(&self, apex: &str, records: &[u8]) -> io::Result<()> {
        match fs::create_dir(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(files::naming(&self.folder, &error));
            }
            _ => {}
        }
        let mut bytes = [MAGIC, records].concat();
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_be_bytes());
        files::replace_own(&self.path(apex), &bytes)
    }

    /// A primary has confirmed a zone just now.
    ///
    /// # Errors
    ///
    /// That cannot be written.
    pub fn confirm(&self, apex: &str) -> io::Result<()> {
        let path = self.path(apex);
        let confirmed = || File::options().append(true).open(&path)?.set_modified(SystemTime::now());
        confirmed().map_err(|error| files::naming(&path, &error))
    }

    /// Removes what is stored of a zone.
    ///
    /// # Errors
    ///
    /// It cannot be removed.
    pub fn remove(&self, apex: &str) -> io::Result<()> {
        let path = self.path(apex);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(files::naming(&path, &error)),
            _ => Ok(()),
        }
    }

    /// Removes what is stored of other zones than these. What is being written of these stays.
    ///
    /// # Errors
    ///
    /// Something cannot be removed.
    pub fn keep<'a>(&self, apexes: impl Iterator<Item = &'a str>) -> io::Result<()> {
        let names: BTreeSet<String> = apexes.map(file_name).collect();
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.and_then(Iterator::collect::<io::Result<Vec<_>>>)?,
        };
        let is_kept = |name: &str| names.contains(name.strip_suffix(files::FRESH).unwrap_or(name));
        let gone = entries.iter().filter(|entry| !entry.file_name().to_str().is_some_and(is_kept));
        let removed =
            gone.map(|entry| fs::remove_file(entry.path()).map_err(|error| files::naming(&entry.path(), &error)));
        removed.collect::<Vec<_>>().into_iter().collect()
    }

    fn path(&self, apex: &str) -> PathBuf {
        self.folder.join(file_name(apex))
    }
}

fn file_name(apex: &str) -> String {
    format!("{}.zone", file_stem(apex))
}
