//! What a running demo leaves for the other verbs: where its daemons are.
//!
//! It stands in a temporary folder, where other users can make files too. So it is trusted only if it and every folder above
//! are the caller's or root's; and so are the daemons that it names.

use std::path::{Path, PathBuf};

use nix::unistd::{Uid, geteuid};
use serde::{Deserialize, Serialize};

use super::endpoint::Endpoint;
use crate::api::client;
use crate::ownership::{Believed, Unread};
use crate::push::error::Error;

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

/// What to say without a running demo.
pub fn not_running(path: &Path) -> String {
    format!("no demo is running (there is no {}); start one with `polder demo`", path.display())
}

/// The running demo; none if there is no file, or if its demo has ended.
///
/// # Errors
///
/// The file is not usable.
pub fn read(path: &Path) -> Result<Option<DemoFile>, Error> {
    let unusable = |why: String| Error::at(path.display(), why).remedy("remove it if no demo is running");
    let text = match Believed::caller().read(path, LARGEST) {
        Ok(None) => return Ok(None),
        Ok(Some(text)) => text,
        Err(Unread::Foreign(foreign)) => {
            return Err(Error::new(format!(
                "the demo's file {} is not trusted: {foreign}. Remove it if it is not yours, or set XDG_RUNTIME_DIR to a \
                 folder of your own; --socket PATH speaks to a daemon without it",
                path.display()
            )));
        }
        Err(Unread::Unreadable(error)) if error.raw_os_error() == Some(nix::libc::ELOOP) => {
            return Err(unusable("it is a symbolic link".to_owned()));
        }
        Err(Unread::Unreadable(error)) => return Err(unusable(format!("it cannot be read: {error}"))),
    };
    let mut demo: DemoFile = serde_json::from_str(&text)
        .map_err(|error| unusable(format!("it is not what a demo of this version writes: {error}")))?;
    let users = vec![geteuid().as_raw(), 0];
    let Ok(control) = std::os::unix::net::UnixStream::connect(&demo.control) else { return Ok(None) };
    client::listens_for(&control, &users)
        .map_err(|error| Error::new(format!("the demo that listens at {} {error}", demo.control.display())))?;
    for daemon in &mut demo.daemons {
        daemon.users = Some(users.clone());
    }
    Ok(Some(demo))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
