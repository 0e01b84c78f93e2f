//! The state folder of an admin machine. Its operators share it: what one of them writes, the others can replace.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::unistd::{Group, User};

use crate::files::{self, Access};

/// The user who owns an admin machine's secrets, and the group that may read them (modules/admin.nix).
const OWNER: &str = "polder-admin";
const GROUP: &str = "polder-admin";

/// Replaces a file of the state folder.
///
/// # Errors
///
/// It cannot be written; the error names the file.
pub fn write(file: &Path, text: &str) -> io::Result<()> {
    make_folder(file.parent().unwrap_or(Path::new(".")))?;
    files::replace(file, text.as_bytes(), Access::Mode(0o660))
}

/// Locks a folder until the returned file is dropped, so that its files can be read, changed and written in one step.
///
/// # Errors
///
/// The folder cannot be made; the error names it.
pub fn lock(folder: &Path) -> io::Result<File> {
    make_folder(folder)?;
    files::lock_folder(folder)
}

/// Creates a file that only the operators of this machine can read. An existing file is left as it is.
///
/// # Errors
///
/// It exists already, or cannot be written; the error names it.
pub fn write_secret(file: &Path, content: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| files::naming(folder, &error))?;
    // Operators read it through the group of its folder. The owner is a user who never logs in, because ssh refuses a key that its
    // owner's group can read.
    let owner = match (nix::unistd::geteuid().is_root(), User::from_name(OWNER), Group::from_name(GROUP)) {
        (true, Ok(Some(user)), Ok(Some(group))) => Some((user.uid.as_raw(), group.gid.as_raw())),
        _ => None,
    };
    files::create(file, content, owner, 0o640)
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.exists() {
        return Ok(());
    }
    let made =
        fs::create_dir_all(folder).and_then(|()| fs::set_permissions(folder, fs::Permissions::from_mode(0o2770)));
    made.map_err(|error| files::naming(folder, &error))
}
