//! Messages to the service manager (`sd_notify(3)`): no-ops if NOTIFY_SOCKET is unset.
//!
//! Owns the notify socket. Must never fail the daemon: a message that cannot be sent is logged, once. Called by the daemons'
//! control loops, `fd_store` and `ticks`.
//!
//! The messages are those of the crate `sd-notify`. Sending is ours ([`Channel::send`]): its `notify_with_fds` takes no abstract
//! socket name (NOTIFY_SOCKET may be `@NAME`) and blocks on a service manager that does not read, and with it the control
//! loop.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicBool, Ordering};

use sd_notify::NotifyState;

use super::passed_fds;

/// `READY=1`, `MAINPID=` of this process, and a status line.
pub fn ready(text: &str) {
    let main_process = NotifyState::MainPid(std::process::id());
    notify(&[NotifyState::Ready, main_process, NotifyState::Status(&one_line(text))]);
}

/// `STATUS=`: a line a person can read.
pub fn status(text: &str) {
    notify(&[NotifyState::Status(&one_line(text))]);
}

/// `RELOADING=1` with the monotonic time; followed by [`ready`] when the reload is done.
pub fn reloading() {
    let now = NotifyState::monotonic_usec_now().unwrap_or(NotifyState::MonotonicUsec(0));
    notify(&[NotifyState::Reloading, now]);
}

/// `MAINPID=` of the process that took over from this one. Sent by this one before it exits: if the new one's own message
/// came too late, the service manager would see its main process end and take the service for dead.
pub(super) fn main_process(process: i32) {
    notify(&[NotifyState::MainPid(process.unsigned_abs())]);
}

/// `STOPPING=1`, and a status line.
pub fn stopping(text: &str) {
    notify(&[NotifyState::Stopping, NotifyState::Status(&one_line(text))]);
}

/// `WATCHDOG=1`.
pub(super) fn watchdog() {
    notify(&[NotifyState::Watchdog]);
}

/// One line, whatever the text holds: a line break would begin another assignment.
fn one_line(text: &str) -> String {
    text.replace(|letter: char| letter.is_control(), " ")
}

fn notify(states: &[NotifyState<'_>]) {
    static FAILED: AtomicBool = AtomicBool::new(false);
    let Some(channel) = Channel::from_env() else { return };
    if let Err(error) = channel.send(states, &[])
        && !FAILED.swap(true, Ordering::Relaxed)
    {
        tracing::warn!(%error, "cannot send to the service manager (NOTIFY_SOCKET); this is logged once");
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

    /// One datagram, with descriptors. Never blocks: a service manager that does not read must not stop the daemon.
    pub(super) fn send(&self, states: &[NotifyState<'_>], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let message: String = states.iter().map(|state| format!("{state}\n")).collect();
        let datagram = UnixDatagram::unbound()?;
        datagram.connect_addr(&address(&self.socket)?)?;
        datagram.set_nonblocking(true)?;
        passed_fds::send(&datagram, message.as_bytes(), descriptors).map(drop)
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
