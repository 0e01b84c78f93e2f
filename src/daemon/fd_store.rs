//! systemd's file descriptor store: listening sockets outlive a kill -9 (`sd_pid_notify_with_fds(3)`).
//!
//! Called by the daemons' control loops: [`receive`] at the start, [`keep`] whenever the listening sockets changed. The
//! unit needs `FileDescriptorStoreMax=` of at least the number of sockets.

use std::env;
use std::io;
use std::ops::Range;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use super::notify::Channel;
use super::passed_fds;

/// The first number passed (SD_LISTEN_FDS_START).
const FIRST: RawFd = 3;

/// The one name under which sockets are kept. The kernel tells what each of them is.
const NAME: &str = "listen";

/// What systemd (or whoever set LISTEN_FDS for this process id) kept for us, whatever its names (LISTEN_FDNAMES): the
/// kernel tells what each is. To be called at the start of the process, before anything is opened; later calls give
/// nothing.
pub fn receive() -> Vec<OwnedFd> {
    static RECEIVED: AtomicBool = AtomicBool::new(false);
    if RECEIVED.swap(true, Ordering::Relaxed) {
        return Vec::new();
    }
    let variable = |name| env::var(name).ok();
    match announced(variable("LISTEN_PID").as_deref(), variable("LISTEN_FDS").as_deref(), std::process::id()) {
        Ok(numbers) => passed_fds::take(numbers),
        Err(why) => {
            tracing::warn!("taking no passed sockets: {why}");
            Vec::new()
        }
    }
}

/// The numbers announced to this process (`sd_listen_fds(3)`); none if the words are for another process.
fn announced(for_process: Option<&str>, count: Option<&str>, this_process: u32) -> Result<Range<RawFd>, String> {
    let (Some(for_process), Some(count)) = (for_process, count) else { return Ok(FIRST..FIRST) };
    let for_process: u32 =
        for_process.parse().map_err(|_| format!("LISTEN_PID: {for_process:?} is not a process id"))?;
    if for_process != this_process {
        return Ok(FIRST..FIRST);
    }
    let count: u16 = count.parse().map_err(|_| format!("LISTEN_FDS: {count:?} is not a number of descriptors"))?;
    Ok(FIRST..FIRST + RawFd::from(count))
}

/// Asks the service manager to keep these (`FDSTORE=1`), replacing what it kept before. Without NOTIFY_SOCKET: nothing.
pub fn keep(sockets: &[BorrowedFd<'_>]) {
    let Some(channel) = Channel::from_env() else { return };
    if let Err(error) = keep_at(&channel, sockets) {
        tracing::warn!(%error, "the service manager does not keep our sockets; a crash would close them");
    }
}

fn keep_at(channel: &Channel, sockets: &[BorrowedFd<'_>]) -> io::Result<()> {
    channel.send(&format!("FDSTOREREMOVE=1\nFDNAME={NAME}\n"), &[])?;
    // FDPOLL=0: a listening socket with an error pending is still the one to keep.
    let words = format!("FDSTORE=1\nFDNAME={NAME}\nFDPOLL=0\n");
    sockets.chunks(passed_fds::MOST_PER_MESSAGE).try_for_each(|chunk| channel.send(&words, chunk))
}

#[cfg(test)]
mod tests;
