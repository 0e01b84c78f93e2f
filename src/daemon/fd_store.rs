//! systemd's file descriptor store: listening sockets outlive a kill -9 (`sd_pid_notify_with_fds(3)`).
//!
//! Called by the daemons' control loops: [`receive`] at the start, [`keep`] whenever the listening sockets changed. The
//! unit needs `FileDescriptorStoreMax=` of at least the number of sockets.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use sd_notify::NotifyState;

use super::notify::Channel;
use super::passed_fds;

/// The one name under which sockets are kept. The kernel tells what each of them is.
const NAME: &str = "listen";

/// The descriptors that systemd (or whoever set LISTEN_FDS for this process id) passed to us, whatever their names
/// (LISTEN_FDNAMES): the kernel tells what each is. To be called at the start of the process, before anything is opened; later
/// calls give nothing.
pub fn receive() -> Vec<OwnedFd> {
    static RECEIVED: AtomicBool = AtomicBool::new(false);
    if RECEIVED.swap(true, Ordering::Relaxed) {
        return Vec::new();
    }
    match sd_notify::listen_fds() {
        Ok(numbers) => numbers.map(passed_fds::own).collect(),
        Err(error) => {
            tracing::warn!("the sockets announced by LISTEN_FDS are not used: {error}");
            Vec::new()
        }
    }
}

/// Asks the service manager to keep these (`FDSTORE=1`) in place of those it kept before. A no-op if NOTIFY_SOCKET is unset.
pub fn keep(sockets: &[BorrowedFd<'_>]) {
    let Some(channel) = Channel::from_env() else { return };
    if let Err(error) = keep_at(&channel, sockets) {
        tracing::warn!(%error, "the service manager does not keep our sockets; a crash would close them");
    }
}

fn keep_at(channel: &Channel, sockets: &[BorrowedFd<'_>]) -> io::Result<()> {
    channel.send(&[NotifyState::FdStoreRemove, NotifyState::FdName(NAME)], &[])?;
    // FDPOLL=0: a listening socket with an error pending is still the one to keep.
    let store = [NotifyState::FdStore, NotifyState::FdName(NAME), NotifyState::Custom("FDPOLL=0")];
    sockets.chunks(passed_fds::MOST_PER_MESSAGE).try_for_each(|chunk| channel.send(&store, chunk))
}

#[cfg(test)]
mod tests;
