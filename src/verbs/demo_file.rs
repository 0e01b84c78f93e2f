//! What a running demo leaves for the other verbs: where its daemons are.
//!
//! It stands in a temporary folder, where other users can make files too. So it is believed only if it and every folder above
//! are the caller's or root's; and so are the daemons that it names.

use std::io;
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, geteuid};
use serde::{Deserialize, Serialize};

use super::daemons::Located;
use crate::api::client;
use crate::ownership::{Believed, Unread};

/// More than a demo ever writes, in bytes.
const LARGEST: u64 = 64 << 10;

/// The file's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoFile {
    /// 1.
    pub version: u32,
    /// Every daemon of the demo.
    pub daemons: Vec<Located>,
    /// The demo's own control socket.
    pub control: PathBuf,
}

/// Where it is: `$XDG_RUNTIME_DIR/polder/demo.json`, or below `/tmp/polder-UID`.
pub fn place() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR")
        .map_or_else(|| PathBuf::from(format!("/tmp/polder-{}", Uid::current())), PathBuf::from);
    runtime.join("polder/demo.json")
}

/// The running demo, if there is one. A file whose demo has ended is none.
///
/// # Errors
///
/// Another user could have written it, or it is no demo's: says whose it is and what to do.
pub fn read(path: &Path) -> Result<Option<DemoFile>, String> {
    let text = match Believed::caller().read(path, LARGEST) {
        Ok(None) => return Ok(None),
        Ok(Some(text)) => text,
        Err(Unread::Foreign(foreign)) => {
            return Err(format!(
                "the demo's file {} is not believed: {foreign}. Remove it if it is not yours, or set XDG_RUNTIME_DIR to a \
                 folder of your own; --socket PATH speaks to a daemon without it",
                path.display()
            ));
        }
        Err(Unread::Unreadable(error)) => {
            let why =
                if error.raw_os_error() == Some(nix::libc::ELOOP) { io::Error::other("it is a link") } else { error };
            return Err(format!("{} cannot be read: {why}; remove it if no demo is running", path.display()));
        }
    };
    let mut demo: DemoFile = serde_json::from_str(&text).map_err(|error| {
        format!(
            "{} is not what a demo of this version writes: {error}; remove it if no demo is running",
            path.display()
        )
    })?;
    let users = vec![geteuid().as_raw(), 0];
    let Ok(control) = std::os::unix::net::UnixStream::connect(&demo.control) else { return Ok(None) };
    client::is_of(&control, &users)
        .map_err(|whose| format!("the demo that listens at {} {whose}", demo.control.display()))?;
    for daemon in &mut demo.daemons {
        daemon.users = Some(users.clone());
    }
    Ok(Some(demo))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
