//! Files that somebody has named, read with care: regular ones alone, never more than a bound.
//!
//! A name in a document or a zone may lead to a FIFO (which would hang the reader), a device (`/dev/zero` never ends) or a
//! file larger than the memory. Every file that a document, a zone or a command line names goes through here: it is
//! opened without waiting, judged by the descriptor that is then read (a name can be given to another file in between),
//! and read up to the bound. Must never: open anything for writing.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path};

use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat};
use rustix::io::Errno;

use crate::memory;

/// The most that is read of a document: hundreds of hosts with thousands of names.
pub const MOST_DOCUMENT: u64 = 64 * MIB;

/// The most that is read of a file of keys: a thousand of them.
pub const MOST_KEYS: u64 = 64 * 1024;

/// A folder on the way to a file.
const ON_THE_WAY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Links followed on the way to one file, as the kernel has it (path_resolution(7)).
const MOST_LINKS: usize = 40;

const MIB: u64 = 1024 * 1024;

const FOLDER: &str = "a directory";

/// Does not wait for a FIFO's writer, and takes no terminal.
const CAREFULLY: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Reads a regular file, symbolic links followed.
///
/// # Errors
///
/// It cannot be opened or read, is no regular file, or has more than `most` bytes. The words do not name the path.
pub fn read_regular_file(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed());
    read_all(&regular(options.open(path)?)?, most)
}

/// A file that everybody may read is a warning in the log, which says what stands there.
pub fn warn_if_public(path: &Path, what: &str) {
    if fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0) {
        tracing::warn!("{}: every user of this machine can read {what}; make it mode 0400", path.display());
    }
}

/// Reads an open file from where it stands to its end.
///
/// # Errors
///
/// It cannot be read, or has more than `most` bytes.
pub fn read_all(file: &File, most: u64) -> io::Result<Vec<u8>> {
    // A file may grow while it is read: its size at the beginning promises nothing.
    let size = file.metadata()?.len().min(most);
    let mut bytes = memory::vector(usize::try_from(size).unwrap_or(0) + 1);
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::Error::other(format!("it is larger than {}, the most that is read of it", in_words(most)))),
        false => Ok(bytes),
    }
}

/// A folder that files are opened in, and never outside of it.
#[derive(Debug)]
pub struct Folder(OwnedFd);

impl Folder {
    /// Opens a folder; symbolic links on the way to it are followed.
    ///
    /// # Errors
    ///
    /// It cannot be opened, or is no folder.
    pub fn open(path: &Path) -> io::Result<Folder> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        Ok(Folder(openat(CWD, path, ON_THE_WAY, Mode::empty())?))
    }

    /// Opens a regular file below the folder. `relative` may have `..` in it and lead over symbolic links, as long as
    /// no step of it leaves the folder.
    ///
    /// It is walked name by name from the folder's own descriptor, each link read by us and never followed by the kernel: so
    /// it holds whatever is renamed meanwhile. (openat2(2) could do it in one call, but systemd's RestrictSUIDSGID= takes
    /// that call away.)
    ///
    /// # Errors
    ///
    /// It cannot be opened, is no regular file, or lies outside of the folder ([`is_outside`]).
    pub fn file(&self, relative: &Path) -> io::Result<File> {
        let mut above: Vec<OwnedFd> = Vec::new();
        let mut ahead: Vec<Step> = Vec::new();
        let mut links = 0;
        push(&mut ahead, relative)?;
        while let Some(step) = ahead.pop() {
            let here = above.last().unwrap_or(&self.0);
            let Step::Into(name) = step else {
                above.pop().ok_or_else(outside)?;
                continue;
            };
            let flags = if ahead.is_empty() { CAREFULLY } else { ON_THE_WAY };
            match openat(here, &name, flags | OFlags::NOFOLLOW, Mode::empty()) {
                Ok(file) if ahead.is_empty() => return regular(file.into()),
                Ok(folder) => above.push(folder),
                Err(error @ (Errno::LOOP | Errno::NOTDIR)) => {
                    let target = readlinkat(here, &name, Vec::new()).map_err(|_| error)?;
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(error.into());
                    }
                    push(&mut ahead, Path::new(OsStr::from_bytes(target.as_bytes())))?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        // It ended with `..`, or was empty.
        Err(not_regular(FOLDER))
    }
}

/// One step of a path.
enum Step {
    Into(OsString),
    Up,
}

/// Puts a path's steps before those that are still ahead, of which the last is the next.
fn push(ahead: &mut Vec<Step>, path: &Path) -> io::Result<()> {
    let step = |component: Component<'_>| match component {
        Component::Normal(name) => Some(Ok(Step::Into(name.to_owned()))),
        Component::ParentDir => Some(Ok(Step::Up)),
        Component::CurDir => None,
        Component::RootDir | Component::Prefix(_) => Some(Err(outside())),
    };
    let steps: Vec<Step> = path.components().filter_map(step).collect::<io::Result<_>>()?;
    ahead.extend(steps.into_iter().rev());
    Ok(())
}

fn outside() -> io::Error {
    Errno::XDEV.into()
}

/// Whether a file was not opened because it lies outside of its folder.
pub fn is_outside(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::XDEV.raw_os_error())
}

/// The file, if it is a regular one.
fn regular(file: File) -> io::Result<File> {
    let kind = file.metadata()?.file_type();
    let found = match () {
        () if kind.is_file() => return Ok(file),
        () if kind.is_dir() => FOLDER,
        () if kind.is_fifo() => "a FIFO",
        () if kind.is_char_device() || kind.is_block_device() => "a device",
        () => "something else",
    };
    Err(not_regular(found))
}

/// Whether a file was not opened because it is a folder.
pub fn is_folder(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::IsADirectory
}

fn not_regular(found: &str) -> io::Error {
    let kind = if found == FOLDER { io::ErrorKind::IsADirectory } else { io::ErrorKind::Other };
    io::Error::new(kind, format!("it is {found}: expected a regular file"))
}

fn in_words(bytes: u64) -> String {
    match bytes {
        whole if whole >= MIB && whole.is_multiple_of(MIB) => format!("{} MiB", whole / MIB),
        whole if whole >= 1024 && whole.is_multiple_of(1024) => format!("{} KiB", whole / 1024),
        bytes => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests;
