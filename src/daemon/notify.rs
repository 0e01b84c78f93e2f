//! Words to the service manager (`sd_notify(3)`). Without NOTIFY_SOCKET every one is nothing.
//!
//! Owns the notify channel. Must never fail the daemon: what cannot be said is logged once. Called by the daemons'
//! control loops, `fd_store` and `ticks`.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::time::{ClockId, clock_gettime};

use super::passed_fds;

/// `READY=1`, `MAINPID=` of this process, and a status line.
pub fn ready(text: &str) {
    say(&ready_words(std::process::id(), text));
}

/// `STATUS=`: a line a person can read.
pub fn status(text: &str) {
    say(&status_words(text));
}

/// `RELOADING=1` with the monotonic time; followed by [`ready`] when done.
pub fn reloading() {
    let since_boot = clock_gettime(ClockId::CLOCK_MONOTONIC)
        .map_or(0, |now| i128::from(now.tv_sec()) * 1_000_000 + i128::from(now.tv_nsec()) / 1_000);
    say(&format!("RELOADING=1\nMONOTONIC_USEC={since_boot}\n"));
}

/// `MAINPID=` of the process that took over from this one. Said by this one before it exits: if the new one's own word
/// came too late, the service manager would see its main process end and take the service for dead.
pub(super) fn main_process(process: i32) {
    say(&format!("MAINPID={process}\n"));
}

/// `STOPPING=1`.
pub fn stopping(text: &str) {
    say(&format!("STOPPING=1\n{}", status_words(text)));
}

/// `WATCHDOG=1`.
pub(super) fn watchdog() {
    say("WATCHDOG=1\n");
}

fn ready_words(process: u32, text: &str) -> String {
    format!("READY=1\nMAINPID={process}\n{}", status_words(text))
}

/// One line, whatever the text holds: a line break would begin another assignment.
fn status_words(text: &str) -> String {
    format!("STATUS={}\n", text.replace(|letter: char| letter.is_control(), " "))
}

fn say(words: &str) {
    static FAILED: AtomicBool = AtomicBool::new(false);
    let Some(channel) = Channel::from_env() else { return };
    if let Err(error) = channel.send(words, &[])
        && !FAILED.swap(true, Ordering::Relaxed)
    {
        tracing::warn!(%error, "cannot tell the service manager anything (NOTIFY_SOCKET); said once");
    }
}

/// The service manager's datagram socket.
#[derive(Debug)]
pub(super) struct Channel {
    /// A path, or an abstract name after `@`.
    socket: OsString,
}

impl Channel {
    /// The one NOTIFY_SOCKET names, if it is set.
    pub(super) fn from_env() -> Option<Channel> {
        env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty()).map(Channel::at)
    }

    pub(super) fn at(socket: impl Into<OsString>) -> Channel {
        Channel { socket: socket.into() }
    }

    /// One datagram, with descriptors.
    pub(super) fn send(&self, words: &str, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let datagram = UnixDatagram::unbound()?;
        datagram.connect_addr(&address(&self.socket)?)?;
        // A service manager that does not read must not stop the daemon.
        datagram.set_nonblocking(true)?;
        passed_fds::send(&datagram, words.as_bytes(), descriptors).map(drop)
    }
}

fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(socket),
    }
}

#[cfg(test)]
mod tests;
