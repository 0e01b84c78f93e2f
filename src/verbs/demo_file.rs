//! What a running demo leaves for the other verbs: where its daemons are.
//!
//! It stands in a temporary folder, where other users can make files too. So it is believed only if it and every folder above
//! are the caller's or root's; and so are the daemons that it names.

use std::io;
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, geteuid};
use serde::{Deserialize, Serialize};

use super::daemons::Located;
use crate::daemon::client;
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
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    use super::*;

    fn write(path: &Path, text: &str) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn a_demo_file_whose_demo_has_ended_counts_for_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("demo.json");
        assert_eq!(read(&path), Ok(None));
        let demo = DemoFile { version: 1, daemons: Vec::new(), control: dir.path().join("control.sock") };
        write(&path, &serde_json::to_string(&demo).unwrap());
        assert_eq!(read(&path), Ok(None));
        let _listening = UnixListener::bind(&demo.control).unwrap();
        assert_eq!(read(&path), Ok(Some(demo)));
    }

    #[test]
    fn a_demo_file_of_another_shape_is_an_error_that_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("demo.json");
        write(&path, "{}");
        let error = read(&path).unwrap_err();
        assert!(error.contains("remove it if no demo is running"), "{error}");
    }

    #[test]
    fn a_demo_file_that_another_could_have_written_is_not_believed_and_it_is_said_whose_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("polder");
        fs::create_dir(&folder).unwrap();
        let demo = DemoFile { version: 1, daemons: Vec::new(), control: dir.path().join("control.sock") };
        let _listening = UnixListener::bind(&demo.control).unwrap();
        let path = folder.join("demo.json");
        write(&path, &serde_json::to_string(&demo).unwrap());
        fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        let error = read(&path).unwrap_err();
        let whose = format!("{} belongs to user", folder.canonicalize().unwrap().display());
        assert!(error.contains(&whose) && error.contains("(mode 777): everybody may write there"), "{error}");
        assert!(error.contains("--socket PATH speaks to a daemon without it"), "{error}");

        fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        assert!(read(&path).unwrap_err().contains("is not believed"));
    }

    #[test]
    fn a_fifo_in_the_place_of_the_demo_file_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("demo.json");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.contains("no regular file") && error.contains("remove it"), "{error}");
    }
}
