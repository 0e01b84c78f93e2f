//! What a running demo leaves for the other verbs: where its daemons are.
//!
//! It stands in a temporary folder, where other users can make files too. So it is trusted only if it and every folder above
//! are the caller's or root's; and so are the daemons that it names.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, geteuid};
use serde::{Deserialize, Serialize};

use super::endpoint::Endpoint;
use crate::api::client::{self, ListenerError};
use crate::ownership::{Believed, Foreign, Unread};

/// More than a demo ever writes, in bytes.
const LARGEST: u64 = 64 << 10;

/// The file's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoFile {
    /// 1.
    pub version: u32,
    /// Every daemon of the demo.
    pub daemons: Vec<Endpoint>,
    /// The demo's own control socket.
    pub control: PathBuf,
}

/// Where it is: `$XDG_RUNTIME_DIR/polder/demo.json`, or below `/tmp/polder-UID`.
pub fn place() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR")
        .map_or_else(|| PathBuf::from(format!("/tmp/polder-{}", Uid::current())), PathBuf::from);
    runtime.join("polder/demo.json")
}

/// Why the file of a demo is not usable.
#[derive(Debug)]
pub enum DemoFileError {
    /// Another user could have written it.
    Foreign(PathBuf, Foreign),
    /// It cannot be read.
    Unreadable(PathBuf, io::Error),
    /// It is not what a demo of this version writes.
    Malformed(PathBuf, serde_json::Error),
    /// At the control socket that it names somebody else listens.
    Listener(PathBuf, ListenerError),
}

impl fmt::Display for DemoFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DemoFileError::Foreign(file, foreign) => write!(
                f,
                "the demo's file {} is not trusted: {foreign}. Remove it if it is not yours, or set XDG_RUNTIME_DIR to a \
                 folder of your own; --socket PATH speaks to a daemon without it",
                file.display()
            ),
            DemoFileError::Unreadable(file, error) if error.raw_os_error() == Some(nix::libc::ELOOP) => {
                write!(f, "{} is a symbolic link; remove it if no demo is running", file.display())
            }
            DemoFileError::Unreadable(file, error) => {
                write!(f, "{} cannot be read: {error}; remove it if no demo is running", file.display())
            }
            DemoFileError::Malformed(file, error) => write!(
                f,
                "{} is not what a demo of this version writes: {error}; remove it if no demo is running",
                file.display()
            ),
            DemoFileError::Listener(socket, error) => {
                write!(f, "the demo that listens at {} {error}", socket.display())
            }
        }
    }
}

impl std::error::Error for DemoFileError {}

/// The running demo; none if there is no file, or if its demo has ended.
///
/// # Errors
///
/// The file is not usable.
pub fn read(path: &Path) -> Result<Option<DemoFile>, DemoFileError> {
    let text = match Believed::caller().read(path, LARGEST) {
        Ok(None) => return Ok(None),
        Ok(Some(text)) => text,
        Err(Unread::Foreign(foreign)) => return Err(DemoFileError::Foreign(path.to_owned(), foreign)),
        Err(Unread::Unreadable(error)) => return Err(DemoFileError::Unreadable(path.to_owned(), error)),
    };
    let mut demo: DemoFile =
        serde_json::from_str(&text).map_err(|error| DemoFileError::Malformed(path.to_owned(), error))?;
    let users = vec![geteuid().as_raw(), 0];
    let Ok(control) = std::os::unix::net::UnixStream::connect(&demo.control) else { return Ok(None) };
    client::listens_for(&control, &users).map_err(|error| DemoFileError::Listener(demo.control.clone(), error))?;
    for daemon in &mut demo.daemons {
        daemon.users = Some(users.clone());
    }
    Ok(Some(demo))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
