//! Whether a daemon can keep anything in its state directory.
//!
//! Must never: keep a daemon from starting, or leave anything behind. Called at the daemons' starts, which only look, and by
//! `--check-config --live`, which tries.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{AccessFlags, access};

use crate::files;
use crate::ownership::{group_name, user_name};

/// Looks whether it is a folder in which this process may write.
///
/// # Errors
///
/// Why it is none, and what to do, for the operator.
pub fn look(state_dir: &Path) -> Result<(), String> {
    let path = state_dir.display();
    match fs::metadata(state_dir) {
        Ok(there) if !there.is_dir() => {
            Err(format!("state_dir {path} is no folder: expected one for the daemon's state"))
        }
        Ok(_) => access(state_dir, AccessFlags::W_OK | AccessFlags::X_OK)
            .map_err(|error| unwritable(state_dir, &error.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!(
            "state_dir {path} is not there: make it, owned by the daemon's user and with mode 0700, or have systemd do so \
             (StateDirectory=)"
        )),
        Err(error) => Err(format!("state_dir {path} cannot be looked at: {error}")),
    }
}

/// Writes a file there, and removes it.
///
/// # Errors
///
/// As [`look`], or the disk does not take it.
pub fn try_writing(state_dir: &Path) -> Result<(), String> {
    look(state_dir)?;
    let trial = state_dir.join(format!("trial.{}", std::process::id()));
    files::replace_own(&trial, b"polder was here\n").and_then(|()| fs::remove_file(&trial)).map_err(|error| {
        let _ = fs::remove_file(&trial);
        unwritable(state_dir, &error)
    })
}

fn unwritable(state_dir: &Path, error: &io::Error) -> String {
    let owner = fs::metadata(state_dir).map_or_else(
        |_| String::new(),
        |there| {
            let (user, group) = (user_name(there.uid()), group_name(there.gid()));
            format!("; it belongs to user {user} and group {group} (mode {:o})", there.mode() & 0o777)
        },
    );
    format!("state_dir {} cannot be written ({error}){owner}", state_dir.display())
}
