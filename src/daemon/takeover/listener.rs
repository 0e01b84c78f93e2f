//! Who serves the admin socket that was connected to: whoever called listen(2) there last (SO_PEERCRED, unix(7)), as each daemon does when
//! it begins to.
//!
//! Needed where a service manager keeps a daemon's sockets: they outlive it, whoever connects waits in their queue, and nothing but
//! this tells that nobody will come. Must never: take a daemon that lives for one that does not. One of an earlier build shows whoever
//! listened first; it has the lock on its state directory all the same.

use std::os::fd::OwnedFd;
use std::path::Path;

use nix::libc;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::net::UnixStream;

use super::super::state_lock::StateLock;
use super::process::end_of;

/// A process that listens, or did.
#[derive(Debug)]
pub(super) struct Listener {
    process: i32,
    /// None if it has ended.
    pidfd: Option<OwnedFd>,
}

impl Listener {
    /// The one at the other end; none if the kernel does not tell, as of a process in another PID namespace. If its number has been given
    /// to another process since, that one is taken for it.
    pub(super) fn of(stream: &UnixStream) -> Option<Listener> {
        let process = stream.peer_cred().ok()?.pid()?;
        let pidfd = match pidfd_open(Pid::from_raw(process)?, PidfdFlags::empty()) {
            Ok(pidfd) => Some(pidfd),
            Err(error) if error.raw_os_error() == libc::ESRCH => None,
            Err(_) => return None,
        };
        Some(Listener { process, pidfd })
    }

    /// Ends, with its process id, when it has ended and no other daemon holds the state directory.
    pub(super) async fn gone(listener: Option<Listener>, state_dir: &Path) -> i32 {
        let Some(Listener { process, pidfd }) = listener else { return std::future::pending().await };
        let has_ended = match pidfd {
            Some(pidfd) => end_of(pidfd).await.is_ok(),
            None => true,
        };
        if has_ended && StateLock::is_free(state_dir) { process } else { std::future::pending().await }
    }
}
