//! A file in the folder: opened, and what is said of it.
//!
//! Blocks as long as the disk takes: called on threads that may wait.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::conditions::{Validators, whole_seconds};
use super::wanted::Wanted;
use crate::config::proxy::FilesConfig;
use crate::config::regular_file::{Folder, is_folder};
use crate::proxy::target::media;

/// A content coding in which a file may lie beside itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// `.br` (RFC 7932).
    Brotli,
    /// `.zst` (RFC 8878).
    Zstandard,
    /// `.gz` (RFC 1952).
    Gzip,
}

impl Coding {
    /// In the order in which they are preferred.
    pub const ALL: [Coding; 3] = [Coding::Brotli, Coding::Zstandard, Coding::Gzip];

    /// As Content-Encoding has it.
    pub fn name(self) -> &'static str {
        match self {
            Coding::Brotli => "br",
            Coding::Zstandard => "zstd",
            Coding::Gzip => "gzip",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Coding::Brotli => ".br",
            Coding::Zstandard => ".zst",
            Coding::Gzip => ".gz",
        }
    }
}

/// An open file.
#[derive(Debug)]
pub struct Found {
    /// It.
    pub file: File,
    /// Its length in bytes.
    pub length: u64,
    /// What tells its versions apart.
    pub validators: Validators,
    /// The type of what it holds, decoded.
    pub media: String,
    /// How it is compressed.
    pub coding: Option<Coding>,
}

/// What lies at a path.
#[derive(Debug)]
pub enum Look {
    /// This file.
    File(Box<Found>),
    /// A folder, and the path does not end with a slash.
    Folder,
    /// Nothing that visitors may have.
    Nothing,
    /// It leads out of the folder.
    Outside,
}

/// Looks for what is wanted. `codings`: those that the visitor takes, the preferred one first.
///
/// # Errors
///
/// The folder or the file cannot be opened, though it is there.
pub fn look(files: &FilesConfig, wanted: &Wanted, codings: &[Coding]) -> io::Result<Look> {
    let folder = Folder::open(&files.folder)?;
    match look_for(&folder, files, wanted, codings)? {
        Look::Nothing => match &files.fallback {
            None => Ok(Look::Nothing),
            // A folder is no page: a redirect there would name whatever was asked for.
            Some(fallback) => Ok(match open(&folder, fallback, codings)? {
                Look::Folder => Look::Nothing,
                look => look,
            }),
        },
        other => Ok(other),
    }
}

fn look_for(folder: &Folder, files: &FilesConfig, wanted: &Wanted, codings: &[Coding]) -> io::Result<Look> {
    if !wanted.is_folder {
        return open(folder, &wanted.path, codings);
    }
    for index in &files.index {
        match open(folder, &wanted.path.join(index), codings)? {
            Look::Nothing | Look::Folder => {}
            found => return Ok(found),
        }
    }
    Ok(Look::Nothing)
}

/// Opens a file, or one beside it that is it compressed.
fn open(folder: &Folder, path: &Path, codings: &[Coding]) -> io::Result<Look> {
    let plain = match folder.file(path) {
        Ok(file) => file,
        Err(error) => return refusal(error),
    };
    for coding in codings {
        let mut name = path.as_os_str().to_owned();
        name.push(coding.extension());
        // Whatever is wrong with it, the plain one is there.
        if let Ok(compressed) = folder.file(Path::new(&name)) {
            return Found::of(compressed, path, Some(*coding)).map(|found| Look::File(Box::new(found)));
        }
    }
    Found::of(plain, path, None).map(|found| Look::File(Box::new(found)))
}

fn refusal(error: io::Error) -> io::Result<Look> {
    use nix::libc::{ELOOP, ENAMETOOLONG, ENXIO, EXDEV};
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(Look::Nothing),
        _ if is_folder(&error) => Ok(Look::Folder),
        _ => match error.raw_os_error() {
            Some(EXDEV) => Ok(Look::Outside),
            Some(ENAMETOOLONG | ELOOP | ENXIO) => Ok(Look::Nothing),
            // Of another kind: a device, a socket.
            None => Ok(Look::Nothing),
            Some(_) => Err(error),
        },
    }
}

impl Found {
    fn of(file: File, path: &Path, coding: Option<Coding>) -> io::Result<Found> {
        let metadata = file.metadata()?;
        let validators = validators(&file, &metadata, coding);
        Ok(Found { length: metadata.len(), validators, media: media::of(path), coding, file })
    }
}

/// Files of a Nix store are all of this moment, whatever they hold.
const OF_STORE: Duration = Duration::from_secs(1);

/// By time and size, as servers have it, so that proxies with the same files agree; where time says nothing, by the place in the store,
/// which is another one for other content.
fn validators(file: &File, metadata: &Metadata, coding: Option<Coding>) -> Validators {
    let written = metadata.modified().ok();
    let since = written.and_then(|written| written.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let coding = coding.map_or(String::new(), |coding| format!("-{}", coding.name()));
    let length = metadata.len();
    if since > OF_STORE {
        let etag = format!("\"{:x}-{length:x}{coding}\"", since.as_nanos());
        return Validators { etag, modified: written.and_then(whole_seconds) };
    }
    let place = place(file).unwrap_or_default();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, place.as_os_str().as_bytes());
    let digest: String = digest.as_ref()[..12].iter().map(|byte| format!("{byte:02x}")).collect();
    Validators { etag: format!("\"{digest}-{length:x}{coding}\""), modified: None }
}

/// Where an open file lies, whatever links have led there.
fn place(file: &File) -> io::Result<PathBuf> {
    use std::os::fd::AsRawFd;
    std::fs::read_link(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()))
}

#[cfg(test)]
mod tests;
