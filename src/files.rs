//! Files that are replaced in one step, and locks that keep two processes from changing the same file.
//!
//! A reader of a file that is written here sees the old content or the new one, never a part of it; a crash leaves one of the two. An
//! error names the file, and leaves what was there. Depends on nothing of polder; every layer uses it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

/// Who may read and write a file once it was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// These permission bits.
    Mode(u32),
    /// Owner and permission bits of the file that is replaced; these bits if there is none.
    AsBefore(u32),
}

/// Replaces a file that several processes may replace, or makes it.
///
/// # Errors
///
/// It cannot be written. Only if the very last step fails (the fsync of the folder) may the new content already stand there.
pub fn replace(path: &Path, content: &[u8], access: Access) -> io::Result<()> {
    let (owner, mode) = match (access, fs::symlink_metadata(path)) {
        (Access::AsBefore(_), Ok(before)) if before.is_file() => {
            let owner = nix::unistd::geteuid().is_root().then(|| (before.uid(), before.gid()));
            (owner, before.mode() & 0o777)
        }
        (Access::Mode(mode) | Access::AsBefore(mode), _) => (None, mode),
    };
    persist(path, write_beside(path, |file| file.write_all(content), owner, mode))
}

/// Replaces a file as [`replace`] does, with the permission bits 0600 and what `write` writes, which never is in memory as a whole.
///
/// # Errors
///
/// As [`replace`], and those of `write`.
pub fn replace_streamed(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    persist(path, write_beside(path, write, None, 0o600))
}

fn persist(path: &Path, fresh: io::Result<tempfile::NamedTempFile>) -> io::Result<()> {
    fresh
        .and_then(|fresh| fresh.persist(path).map_err(|error| error.error))
        .and_then(|_| sync_folder_of(path))
        .map_err(|error| naming(path, &error))
}

/// Opens a file that is one: a pipe of that name is not waited for, and no link is followed.
///
/// # Errors
///
/// It cannot be opened, or is something else.
pub fn open_regular(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let file = options.custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW).bits()).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other(format!("{} is no regular file", path.display()))),
    }
}

/// Opens a regular file to append to, makes it where it is missing (0600), and holds its lock until it is dropped. It is the file that
/// has the name once the lock is held: another process may have renamed the one before meanwhile.
///
/// # Errors
///
/// It cannot be opened, is something else, or its file system has no locks.
pub fn append_locked(path: &Path) -> io::Result<File> {
    loop {
        let file = open_regular(OpenOptions::new().create(true).read(true).append(true).mode(0o600), path)?;
        file.lock()?;
        let ours = file.metadata()?.ino();
        if fs::metadata(path).is_ok_and(|named| named.ino() == ours) {
            return Ok(file);
        }
    }
}

/// Whether the last line of a file has its end: not after a crash, or on a full disk.
///
/// # Errors
///
/// It cannot be read.
pub fn ends_with_its_line(file: &File) -> io::Result<bool> {
    let length = file.metadata()?.len();
    let mut last = [b'\n'];
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    Ok(last == [b'\n'])
}

/// Makes a file that is not there yet; `owner` are the numbers of a user and a group, this process' own if `None`.
///
/// # Errors
///
/// It is there already ([`io::ErrorKind::AlreadyExists`]), or cannot be written.
pub fn create(path: &Path, content: &[u8], owner: Option<(u32, u32)>, mode: u32) -> io::Result<()> {
    write_beside(path, |file| file.write_all(content), owner, mode)
        .and_then(|fresh| fresh.persist_noclobber(path).map_err(|error| error.error))
        .and_then(|_| sync_folder_of(path))
        .map_err(|error| naming(path, &error))
}

/// What the name of a file that [`replace_own`] is writing ends with.
pub const FRESH: &str = ".new";

/// Replaces a file that only this process writes, with the permission bits 0600. The new content is written to `PATH.new` first: a
/// process that is killed again and again leaves one such file, and not many.
///
/// # Errors
///
/// As [`replace`].
pub fn replace_own(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(FRESH);
    let fresh = PathBuf::from(fresh);
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        sync_folder_of(path)
    };
    write().map_err(|error| {
        // On a full disk the half-written file would keep the space that the next try needs.
        let _ = fs::remove_file(&fresh);
        naming(path, &error)
    })
}

/// Waits until no other process holds this lock file, and holds it until the returned file is dropped.
///
/// # Errors
///
/// The lock file cannot be made.
pub fn lock(path: &Path, mode: u32) -> io::Result<File> {
    let file = open_lock(path, mode)?;
    file.lock().map(|()| file).map_err(|error| naming(path, &error))
}

/// Holds a lock file until the returned file is dropped; `None` if another process holds it.
///
/// # Errors
///
/// As [`lock`].
pub fn try_lock(path: &Path, mode: u32) -> io::Result<Option<File>> {
    try_hold(open_lock(path, mode)?, path)
}

/// Waits until no other process holds this folder's lock, and holds it until the returned file is dropped: reading, changing and
/// writing the files in it are one step then.
///
/// # Errors
///
/// The folder is not there.
pub fn lock_folder(folder: &Path) -> io::Result<File> {
    let file = File::open(folder).map_err(|error| naming(folder, &error))?;
    file.lock().map(|()| file).map_err(|error| naming(folder, &error))
}

/// Holds a folder's lock until the returned file is dropped; `None` if another process holds it.
///
/// # Errors
///
/// As [`lock_folder`], or its file system has no locks.
pub fn try_lock_folder(folder: &Path) -> io::Result<Option<File>> {
    let file = File::open(folder).map_err(|error| naming(folder, &error))?;
    try_hold(file, folder)
}

/// The same kind of error with the file's path before its words.
pub fn naming(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn try_hold(file: File, path: &Path) -> io::Result<Option<File>> {
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(naming(path, &error)),
    }
}

fn open_lock(path: &Path, mode: u32) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(mode).open(path);
    file.map_err(|error| naming(path, &error))
}

/// The content in a file of another name in the same folder, on the disk.
fn write_beside(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
    owner: Option<(u32, u32)>,
    mode: u32,
) -> io::Result<tempfile::NamedTempFile> {
    let mut fresh = tempfile::Builder::new().prefix(".new-").tempfile_in(folder_of(path))?;
    write(fresh.as_file_mut())?;
    if let Some((user, group)) = owner {
        fchown(fresh.as_file(), Some(user), Some(group))?;
    }
    fresh.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
    fresh.as_file().sync_all()?;
    Ok(fresh)
}

/// Makes a rename or a new name in the folder of `path` durable.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests;
