//! Whether a daemon can keep anything in its state directory.
//!
//! Must never: keep a daemon from starting, or leave anything behind. Called at the daemons' starts, which only look, and by
//! `--check-config --live`, which tries.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use crate::files;
use crate::ownership::{group_name, user_name};

/// Why nothing can be kept there, and what to do, for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StateDirError {
    /// There is no such folder.
    #[error(
        "state_dir {} is not there: make it, owned by the daemon's user and with mode 0700, or have systemd do so (StateDirectory=)",
        .0.display()
    )]
    Missing(PathBuf),
    /// It is something else.
    #[error("state_dir {} is no folder: expected one for the daemon's state", .0.display())]
    NoFolder(PathBuf),
    /// It cannot be looked at.
    #[error("state_dir {} cannot be looked at: {error}", .path.display())]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It takes no file.
    #[error("state_dir {} cannot be written ({error}){owner}", .path.display())]
    Unwritable {
        /// The directory.
        path: PathBuf,
        /// Why.
        error: io::Error,
        /// Whose it is, in words.
        owner: String,
    },
}

/// Looks whether it is a folder in which this process may write.
///
/// # Errors
///
/// Why it is none.
pub fn look(state_dir: &Path) -> Result<(), StateDirError> {
    let path = state_dir.to_owned();
    match fs::metadata(state_dir) {
        Ok(there) if !there.is_dir() => Err(StateDirError::NoFolder(path)),
        Ok(_) => access(state_dir, AccessFlags::W_OK | AccessFlags::X_OK)
            .map_err(|error| unwritable(state_dir, error.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StateDirError::Missing(path)),
        Err(error) => Err(StateDirError::Unreadable { path, error }),
    }
}

/// Writes a file there, and removes it.
///
/// # Errors
///
/// As [`look`], or the disk does not take it.
pub fn try_writing(state_dir: &Path) -> Result<(), StateDirError> {
    look(state_dir)?;
    let trial = state_dir.join(format!("trial.{}", std::process::id()));
    files::replace_own(&trial, b"polder was here\n").and_then(|()| fs::remove_file(&trial)).map_err(|error| {
        let _ = fs::remove_file(&trial);
        unwritable(state_dir, error)
    })
}

fn unwritable(state_dir: &Path, error: io::Error) -> StateDirError {
    let owner = fs::metadata(state_dir).map_or_else(
        |_| String::new(),
        |there| {
            let (user, group) = (user_name(there.uid()), group_name(there.gid()));
            format!("; it belongs to user {user} and group {group} (mode {:o})", there.mode() & 0o777)
        },
    );
    StateDirError::Unwritable { path: state_dir.to_owned(), error, owner }
}
