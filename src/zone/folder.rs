//! The folder of a zone: the only place that its files are read from.
//!
//! A zone's text comes from people who may commit a zone and nothing else, and `$INCLUDE` names files. So a zone's files
//! are regular ones below the folder of its main file (as the document names it; no symbolic link leads out), and all
//! of them together have a bound. [`crate::config::regular_file`] says how that holds while files are being replaced.

use super::fault::Fault;
use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};

use crate::config::regular_file::{self, Folder};

/// The most bytes of a zone, those of every file that it includes counted each time: some five million records.
pub const MOST_ZONE: u64 = 256 * 1024 * 1024;

/// Where the files of one zone are, and what may still be read of them.
pub struct ZoneFolder {
    folder: Folder,
    path: PathBuf,
    left: u64,
    reads: Vec<PathBuf>,
    digest: Context,
}

/// A file that was read.
pub struct Opened {
    /// All of it.
    pub text: Vec<u8>,
    /// Which file it is, whatever its name.
    pub identity: FileIdentity,
}

/// A file's device and number: equal for two ways of naming one file, so that a loop is seen for what it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileIdentity(u64, u64);

/// Which bytes a zone was read from.
#[derive(Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// The files, by their paths from the zone's folder, the main file first, each as often as it was read.
    reads: Vec<PathBuf>,
    /// SHA-256 of their lengths and texts: who writes a zone cannot make a change look like none.
    digest: [u8; 32],
}

impl Fingerprint {
    /// Whether the zone in `file`, which it was read from, would be read from the same bytes now. What a zone includes follows
    /// from them: it is the same zone.
    pub fn is_still(&self, file: &Path) -> bool {
        let Ok(mut folder) = ZoneFolder::of(file) else { return false };
        self.reads.iter().all(|read| folder.read(read).is_ok()) && folder.fingerprint() == *self
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fingerprint").field("reads", &self.reads).finish_non_exhaustive()
    }
}

impl ZoneFolder {
    /// The folder that a zone's main file lies in.
    pub fn of(file: &Path) -> Result<ZoneFolder, Fault> {
        let path = file.parent().unwrap_or(Path::new("")).to_owned();
        let folder = Folder::open(&path).map_err(|error| in_words(&error))?;
        Ok(ZoneFolder { folder, path, left: MOST_ZONE, reads: Vec::new(), digest: Context::new(&SHA256) })
    }

    /// Reads a file by its path from the folder. The error is worded to follow `cannot be read: `.
    pub fn read(&mut self, relative: &Path) -> Result<Opened, Fault> {
        let file = self.folder.file(relative).map_err(|error| self.outside_in_words(&error))?;
        let metadata = file.metadata().map_err(|error| in_words(&error))?;
        if metadata.len() > self.left {
            return Err(too_large());
        }
        let text = regular_file::read_all(&file, self.left).map_err(|error| in_words(&error))?;
        self.left -= text.len() as u64;
        self.reads.push(relative.to_owned());
        self.digest.update(&(text.len() as u64).to_be_bytes());
        self.digest.update(&text);
        Ok(Opened { text, identity: FileIdentity(metadata.dev(), metadata.ino()) })
    }

    /// What has been read.
    pub fn fingerprint(self) -> Fingerprint {
        let mut digest = [0; 32];
        digest.copy_from_slice(self.digest.finish().as_ref());
        Fingerprint { reads: self.reads, digest }
    }

    /// An absolute path below the folder, from the folder; none for any other.
    pub fn relative(&self, path: &Path) -> Option<PathBuf> {
        path.is_absolute().then(|| path.strip_prefix(&self.path).ok().map(Path::to_owned)).flatten()
    }

    fn outside_in_words(&self, error: &io::Error) -> String {
        if !regular_file::is_outside(error) {
            return in_words(error);
        }
        let folder = if self.path.as_os_str().is_empty() { Path::new(".") } else { &self.path };
        format!(
            "it lies outside of the zone's folder, {}: a zone's files are below the folder of its main file, and no \
             symbolic link leads out of it",
            folder.display()
        )
    }
}

fn too_large() -> Fault {
    let most = MOST_ZONE / (1024 * 1024);
    format!("with it the zone would have more than {most} MiB, what it includes counted each time").into()
}

fn in_words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}
